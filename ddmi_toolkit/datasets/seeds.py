"""Seeds to generate from: the data set of an ordinary test loop."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.utils.data import Dataset

from ..registry import DATASETS
from ..structures import Axis, Draw, pixel_centers


@DATASETS.register_module()
class SeedDataset(Dataset):
    """Sample ``i`` is ``dict(seed=first + i[, query][, cond])``, whoever asks for it.

    Args:
        num_samples: Number of samples.
        first: Seed of the first one.
        query: Where the generated fields are evaluated, the same for all samples:
            ``dict(points=...)`` with ``(Q, D)`` coordinates, or one entry per axis, either ``(n,)``
            coordinates or ``dict(low, high, num)`` for the centers of that many cells. None
            leaves the fields unevaluated.
        cond: Raw conditions: a list or tuple is cycled through the samples, anything else goes
            to all of them.
    """

    METAINFO: ClassVar[Mapping[str, Any]] = {}

    def __init__(
        self,
        num_samples: int,
        first: int = 0,
        query: Mapping[str, Any] | None = None,
        cond: Any = None,
    ) -> None:
        super().__init__()
        if num_samples < 1:
            raise ValueError(f'num_samples must be at least 1, got {num_samples}')
        if isinstance(cond, list | tuple) and not cond:
            raise ValueError('cond is empty; give at least one condition, or None')
        self.num_samples, self.first, self.cond = num_samples, first, cond
        self.query = None if query is None else {k: _coordinates(k, v) for k, v in query.items()}

    @property
    def metainfo(self) -> dict[str, Any]:
        """Facts about the whole set; metrics receive it."""
        return dict(self.METAINFO)

    def __len__(self) -> int:
        """Number of samples."""
        return self.num_samples

    def __getitem__(self, key: int | Draw) -> dict[str, Any]:
        """One sample; a sampler's visit and run seed do not matter."""
        index = key.index if isinstance(key, Draw) else int(key)
        if not -len(self) <= index < len(self):
            raise IndexError(f'sample {index} of {len(self)}')
        index %= len(self)
        sample: dict[str, Any] = dict(seed=self.first + index)
        if self.query is not None:
            sample['query'] = dict(self.query)
        if self.cond is not None:
            is_cycled = isinstance(self.cond, list | tuple)
            sample['cond'] = self.cond[index % len(self.cond)] if is_cycled else self.cond
        return sample


def _coordinates(name: str, value: Any) -> Tensor:
    if isinstance(value, Mapping):
        if set(value) != {'low', 'high', 'num'}:
            raise ValueError(
                f'query[{name!r}] has the keys {sorted(value)}; expected low, high and num'
            )
        axis = Axis(name, value['num'], low=value['low'], high=value['high'])
        return pixel_centers(axis, axis.size)
    coordinates = torch.as_tensor(value, dtype=torch.float32)
    expected = 2 if name == 'points' else 1
    if coordinates.ndim != expected:
        raise ValueError(
            f'query[{name!r}] has shape {tuple(coordinates.shape)}; expected '
            f'{"(Q, D)" if expected == 2 else "(n,)"}'
        )
    return coordinates
