"""Helpers that know nothing of the other rooms."""

from .checkpoint import (
    find_checkpoint,
    load_checkpoint,
    load_state_strict,
    remove_abandoned,
    replace_atomically,
)

__all__ = [
    'find_checkpoint',
    'load_checkpoint',
    'load_state_strict',
    'remove_abandoned',
    'replace_atomically',
]
