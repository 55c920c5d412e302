"""What reconstructs files of one kind."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from torch import Tensor

from ...structures import Field

ToField = Callable[[Tensor], Field]
"""An observation, without a batch dimension, to its reconstruction (a batch of one)."""

Report = dict[str, float | str]
"""What was done and what was measured, by name."""


class AbstractReconstructor(ABC):
    """Reads a file, has it encoded and decoded, writes what came out and measures it.

    ``__init__`` takes the layout and options, and refuses what could not be written.

    Attributes:
        SUFFIXES: Of the files that can be read, in lower case.
        FOLDERS: Which folders are read as one file is, for messages; empty for none.
    """

    SUFFIXES: ClassVar[tuple[str, ...]]
    FOLDERS: ClassVar[str] = ''

    @classmethod
    def find(cls, path: Path) -> list[Path]:
        """What can be reconstructed: the file itself, or files below a folder in order of name."""
        paths = sorted(path.rglob('*')) if path.is_dir() else [path]
        return [p for p in paths if p.suffix.lower() in cls.SUFFIXES and p.is_file()]

    @abstractmethod
    def __call__(self, path: Path, stem: Path, to_field: ToField) -> Report:
        """Reconstruct one file.

        Writes the field, the reconstruction, and a picture that compares it with the original.

        Args:
            path: File to read.
            stem: Path of the files to write, without a suffix.
            to_field: The autoencoder.

        Raises:
            ValueError: The file cannot be read.
        """
