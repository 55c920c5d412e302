"""Data sets of stage 2: enumerated draws of another data set, encoded on the fly or beforehand."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Protocol

from torch.utils.data import Dataset

from ..registry import DATASETS
from ..structures import Draw, mix_seed


class RecordStore(Protocol):
    """Where a filled cache is read from."""

    def read(self, index: int, draw: int) -> dict[str, Any]:
        """``dict(moments (2C, N) float32[, cond, meta])`` of one draw of one item."""


@DATASETS.register_module()
class EnumeratedDraws(Dataset):
    """A data set that has a fixed number of draws of each item, visited in turn.

    Where a data set draws at random (which points of a shape, a flip), visit ``v`` of item ``i``
    repeats visit ``v mod draws_per_item``. The sample's ``seed``, from which the model draws its
    noise, still differs between all visits. Training on it equals training on a
    :class:`LatentCache` of the same draws.

    Args:
        dataset: Config of the data set, or the data set.
        draws_per_item: Number of draws of each item, at least one.
        seed: Seed of the draws, in place of the run's: runs with other seeds see the same.
    """

    def __init__(
        self, dataset: Mapping[str, Any] | Dataset, draws_per_item: int = 4, seed: int = 0
    ) -> None:
        if draws_per_item < 1:
            raise ValueError(f'draws_per_item must be at least 1, got {draws_per_item}')
        self.dataset = DATASETS.build(dataset) if isinstance(dataset, Mapping) else dataset
        self.draws_per_item = draws_per_item
        self.seed = seed

    @property
    def metainfo(self) -> dict[str, Any]:
        """Facts about the whole set."""
        return dict(getattr(self.dataset, 'metainfo', {}))

    def captions(self) -> Iterable[str]:
        """All captions that items of the wrapped data set may have."""
        return self.dataset.captions()

    def __len__(self) -> int:
        """Number of items."""
        return len(self.dataset)

    def enumerated(self, index: int, draw: int) -> Draw:
        """What the wrapped data set is asked for."""
        return Draw(index, draw, self.seed)

    def __getitem__(self, key: int | Draw) -> dict[str, Any]:
        """The sample of a draw."""
        draw = key if isinstance(key, Draw) else Draw(int(key))
        sample = self.dataset[self.enumerated(draw.index, draw.visit % self.draws_per_item)]
        return dict(sample, seed=mix_seed(*_parts(draw)))


@DATASETS.register_module()
class LatentCache(Dataset):
    """Posterior moments of the enumerated draws of a data set, read from disk.

    A sample is ``dict(moments (2C, N), seed[, cond, meta])``: the first stage need not encode.
    ``LatentCacheHook`` encodes everything once before training and puts the ``store`` here.

    Args:
        dataset: Config of the data set that is encoded; it is part of the cache's key.
        draws_per_item: Number of draws of each item; 1 suffices where nothing is random.
        cache_dir: Folder of all caches; each lies in a folder of its own below.
        dtype: ``'float16'`` or ``'float32'``, on disk.
        seed: Seed of the draws; runs with other seeds share the cache.
    """

    DTYPES: ClassVar = ('float16', 'float32')

    def __init__(
        self,
        dataset: Mapping[str, Any],
        draws_per_item: int = 4,
        cache_dir: str = 'work_dirs/latents',
        dtype: str = 'float16',
        seed: int = 0,
    ) -> None:
        if dtype not in self.DTYPES:
            raise ValueError(f'LatentCache: dtype must be one of {self.DTYPES}, got {dtype!r}')
        self.source = EnumeratedDraws(dataset, draws_per_item, seed)
        self.source_config = dict(dataset)
        self.draws_per_item = draws_per_item
        self.cache_dir = cache_dir
        self.dtype = dtype
        self.seed = seed
        self.store: RecordStore | None = None

    @property
    def metainfo(self) -> dict[str, Any]:
        """Facts about the whole set."""
        return self.source.metainfo

    def captions(self) -> Iterable[str]:
        """All captions that items of the encoded data set may have."""
        return self.source.captions()

    def __len__(self) -> int:
        """Number of items."""
        return len(self.source)

    def __getitem__(self, key: int | Draw) -> dict[str, Any]:
        """The moments of a draw.

        Raises:
            RuntimeError: Nothing has been encoded yet.
        """
        if self.store is None:
            raise RuntimeError(
                "the latent cache is empty: add dict(type='LatentCacheHook') to custom_hooks, or "
                'set latent_cache=None to encode on the fly'
            )
        draw = key if isinstance(key, Draw) else Draw(int(key))
        record = self.store.read(draw.index, draw.visit % self.draws_per_item)
        return dict(record, seed=mix_seed(*_parts(draw)))


def _parts(draw: Draw) -> tuple[int, int, int]:
    """What the seed of a sample is mixed from, as every data set does."""
    return draw.seed, draw.index, draw.visit
