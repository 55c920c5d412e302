"""Ablations: rows of a table, trained and evaluated with several seeds."""

from .options import parse_grid, parse_seed_list, split_options
from .running import Outcome, run_study
from .study import (
    Column,
    Row,
    Study,
    is_study,
    load_study,
    study_of,
    with_grid,
    with_options,
    with_stages,
)

__all__ = [
    'Column',
    'Outcome',
    'Row',
    'Study',
    'is_study',
    'load_study',
    'parse_grid',
    'parse_seed_list',
    'run_study',
    'split_options',
    'study_of',
    'with_grid',
    'with_options',
    'with_stages',
]
