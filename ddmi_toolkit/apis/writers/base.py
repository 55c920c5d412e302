"""What writes fields as files that people open."""

from abc import ABC, abstractmethod
from pathlib import Path

import numpy as np

from ...structures import Field

THUMBNAIL = 256
"""Pixels along the longer side of a picture in a contact sheet."""


class FieldWriter(ABC):
    """Writes fields of one layout as files of one format.

    ``__init__`` takes the layout and options, and refuses what could not be written.

    Attributes:
        max_bytes: What a file may need on disk, 0 where that is not worth asking.
    """

    max_bytes = 0

    @abstractmethod
    def write(self, field: Field, stem: Path) -> tuple[list[Path], np.ndarray]:
        """Write a batch of one.

        Args:
            field: What to write.
            stem: Path without a suffix.

        Returns:
            The files written (none where there is nothing to see), and a small picture
            ``(h, w, 3)`` uint8.
        """
