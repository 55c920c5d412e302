"""Locks between processes, which the system releases when a process ends in whatever way."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class BusyError(RuntimeError):
    """Another process holds the lock."""


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold a file's lock, without waiting for it.

    Args:
        path: An empty file, made when absent and left in place: were it removed, two processes
            could lock two files of one name.

    Raises:
        BusyError: Another process, or another block of this one, holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, 'wb') as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError(str(path)) from None
        try:
            yield
        finally:  # explicitly: worker processes may hold copies of the file's descriptor
            fcntl.flock(file, fcntl.LOCK_UN)
