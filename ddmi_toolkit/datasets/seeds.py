"""Seeds to generate from: the data set of an ordinary test loop."""

from collections.abc import Mapping
from typing import Any, ClassVar

from torch.utils.data import Dataset

from ..registry import DATASETS
from ..structures import Draw
from .conditions import make_conditions
from .queries import make_queries


@DATASETS.register_module()
class SeedDataset(Dataset):
    """Sample ``i`` is ``dict(seed=first + i[, query][, cond])``, whoever asks for it.

    Args:
        num_samples: Number of samples.
        first: Seed of the first one.
        query: Where the generated fields are evaluated: coordinates, the same for all samples, as
            ``dict(points=...)`` with ``(Q, D)`` of them, or one entry per axis, either ``(n,)``
            coordinates or ``dict(low, high, num)`` for the centers of that many cells; or the rays
            of cameras, ``dict(type='orbit', ...)`` and ``dict(type='dataset', dataset=...)``, see
            ``queries``. None leaves the fields unevaluated.
        cond: Raw conditions: a list or tuple is cycled through the samples; those of another data
            set's items as ``dict(type='dataset', dataset=...)``, cycled too, with what their
            ``meta`` tells (names, attributes, no tensors), where each cycle is another visit;
            anything else goes to all of them.
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
        self.num_samples, self.first = num_samples, first
        self.conditions = make_conditions(cond)
        self.queries = make_queries(query)

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
        if len(self.queries):
            sample['query'] = dict(self.queries[index % len(self.queries)])
        return sample | self.conditions(index)
