"""Helpers that know nothing of the other rooms."""

from .adversarial import adversarial_step, keep_games_apart, plays
from .checkpoint import (
    find_checkpoint,
    load_checkpoint,
    load_state_strict,
    remove_abandoned,
    replace_atomically,
)

__all__ = [
    'adversarial_step',
    'find_checkpoint',
    'keep_games_apart',
    'load_checkpoint',
    'load_state_strict',
    'plays',
    'remove_abandoned',
    'replace_atomically',
]
