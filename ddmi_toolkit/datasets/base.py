"""What every data set has in common: seeded reads, a pipeline, the batch contract."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from mmcv.transforms import BaseTransform
from torch.utils.data import Dataset

from ..registry import TRANSFORMS
from ..structures import Draw, mix_seed

Record = dict[str, Any]


class AbstractDataset(Dataset, ABC):
    """Items that are functions of ``(run seed, index, visit)`` alone.

    Nothing else matters: not the worker, the number of processes, the order of reading or the
    global random state. A plain index means the first visit of a run with seed 0, so evaluation
    sees the same draws in every run.

    Args:
        pipeline: Transforms (configs or objects) that turn a record into a sample of the batch
            contract ``dict(inputs, query, target[, cond, meta])``, in order. They find a
            ``np.random.Generator`` in ``record['rng']`` and draw from nothing else;
            ``record['index']`` and ``record['visit']`` tell which item and the how manieth visit
            it is, for what alternates instead of being drawn.
    """

    METAINFO: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, pipeline: Sequence[dict | BaseTransform] = ()) -> None:
        super().__init__()
        self.pipeline = [TRANSFORMS.build(t, role=BaseTransform) for t in pipeline]

    @property
    def metainfo(self) -> dict[str, Any]:
        """Facts about the whole set, e.g. its class names; metrics receive it."""
        return dict(self.METAINFO)

    def captions(self) -> Iterator[str]:
        """All captions that items may have, for a vocabulary.

        Here those of the items' first visits; sets that know all without reading items tell them.

        Raises:
            TypeError: The condition of an item is no caption.
        """
        for index in range(len(self)):
            cond = self[index].get('cond')
            if not isinstance(cond, str):
                raise TypeError(
                    f'item {index} of {type(self).__name__} has the condition {cond!r:.60}, '
                    f"expected a caption; let the pipeline pack one, e.g. cond='caption'"
                )
            yield cond

    @abstractmethod
    def __len__(self) -> int:
        """Number of items."""

    @abstractmethod
    def read(self, index: int, rng: np.random.Generator) -> Record:
        """The raw item, before the pipeline.

        Args:
            index: Which item, ``0 <= index < len(self)``.
            rng: The only source of randomness.
        """

    def __getitem__(self, key: int | Draw) -> Record:
        """A sample of the batch contract; its ``seed`` names all that was drawn for it.

        Args:
            key: A sampler's :class:`Draw`, or an index (negative ones count from the end).

        Raises:
            IndexError: There is no such item.
        """
        draw = key if isinstance(key, Draw) else Draw(int(key))
        if not -len(self) <= draw.index < len(self):
            raise IndexError(f'item {draw.index} of {type(self).__name__} with {len(self)} items')
        index = draw.index % len(self)
        seed = mix_seed(draw.seed, index, draw.visit)
        rng = np.random.Generator(np.random.PCG64(seed))
        record = self.read(index, rng)
        for transform in self.pipeline:  # some make a new record
            record = transform({**record, 'rng': rng, 'index': index, 'visit': draw.visit})
            if record is None:
                raise ValueError(
                    f'{type(transform).__name__} returned nothing; a transform must return the '
                    f'record, items cannot be skipped while training'
                )
        for key in ('rng', 'index', 'visit'):
            record.pop(key, None)
        record['seed'] = seed
        return record
