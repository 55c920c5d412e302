"""What every file format of posed views answers."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from .view import PosedObject


class AbstractViewSource(ABC):
    """Objects below a folder, in one file format.

    Args:
        root: Folder of the set.
        split: Part of it, or None.
    """

    WHAT: ClassVar[str]
    """What is expected below a root, for messages."""

    def __init__(self, root: Path, split: str | None = None) -> None:
        self.root, self.split = root, split
        self.names: Sequence[str] = tuple(self._list())

    @classmethod
    @abstractmethod
    def fits(cls, root: Path, split: str | None) -> bool:
        """Whether a folder looks like this format."""

    @abstractmethod
    def _list(self) -> list[str]:
        """Names of the objects in order."""

    @abstractmethod
    def load(self, name: str) -> PosedObject:
        """An object; its pictures are read later.

        Raises:
            ValueError: A file is missing or broken.
        """


def as_pose(values: np.ndarray | Sequence, name: str) -> Tensor:
    """A matrix ``(4, 4)`` float32.

    Raises:
        ValueError: Of another shape, or not finite.
    """
    try:
        pose = np.asarray(values, np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f'{name}: the pose is no matrix of numbers ({error})') from error
    if pose.shape == (3, 4):
        pose = np.concatenate([pose, [[0, 0, 0, 1]]])
    if pose.shape != (4, 4) or not np.isfinite(pose).all():
        raise ValueError(
            f'{name}: the pose has shape {pose.shape} or is not finite; expected camera-to-world '
            f'(4, 4)'
        )
    return torch.from_numpy(pose.astype(np.float32))
