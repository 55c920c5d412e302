"""Chairs as occupancy grids, for networks that tell what a shape is."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from ...registry import DATASETS
from ..base import AbstractDataset, Record
from .captions import describe
from .chair_design import KINDS, design_seat
from .chairs import EXTENT
from .solids import Solid

_PIPELINE = (dict(type='PackGrid'),)


@DATASETS.register_module()
class ProceduralChairGrids(AbstractDataset):
    """What of the chairs of :class:`ProceduralChairs` is inside at the centers of cells.

    A grid is computed at its first visit and kept, one bit per cell.

    Args:
        num_shapes: Number of shapes.
        first_seed: Seed of the first one; the others follow.
        resolution: Cells ``R`` along each side of the cube ``[-0.55, 0.55] ** 3``.
        pipeline: Transforms of records with ``grid (R, R, R)`` bool, axes x, y, z.
    """

    def __init__(
        self,
        num_shapes: int = 2048,
        first_seed: int = 0,
        resolution: int = 48,
        pipeline: Sequence[dict | BaseTransform] = _PIPELINE,
    ) -> None:
        super().__init__(pipeline)
        for name, value in dict(num_shapes=num_shapes, resolution=resolution).items():
            if value < 1:
                raise ValueError(f'{name} must be at least 1, got {value}')
        self.num_shapes, self.first_seed, self.resolution = num_shapes, first_seed, resolution
        self._bits: dict[int, np.ndarray] = {}

    @property
    def metainfo(self) -> dict[str, Any]:
        """Class names in the order of ``label``."""
        return dict(classes=tuple(kind.replace('_', ' ') for kind in KINDS))

    def __len__(self) -> int:
        """Number of shapes."""
        return self.num_shapes

    def read(self, index: int, rng: np.random.Generator) -> Record:
        """``grid`` with name, label, class name, caption and attributes."""
        seed = self.first_seed + index
        solid, attributes = design_seat(seed)
        if index not in self._bits:
            self._bits[index] = np.packbits(occupancy_grid(solid, self.resolution))
        grid = np.unpackbits(self._bits[index], count=self.resolution**3)
        kind = str(attributes['kind'])
        return dict(
            name=f'chair-{seed:07d}',
            grid=grid.reshape((self.resolution,) * 3).astype(bool),
            label=list(KINDS).index(kind),
            class_name=kind.replace('_', ' '),
            caption=describe(attributes, seed),
            attributes=attributes,
        )


def occupancy_grid(solid: Solid, resolution: int) -> np.ndarray:
    """What of a solid is inside at the centers of cells, ``(R, R, R)`` bool, axes x, y, z."""
    line = ((np.arange(resolution) + 0.5) / resolution * 2 - 1) * EXTENT
    grid = np.zeros((resolution,) * 3, dtype=bool)
    for k, (low, high) in enumerate(solid.boxes):  # few cells are in the box of a part
        near = [slice(*np.searchsorted(line, ends)) for ends in zip(low, high, strict=True)]
        points = np.stack(np.meshgrid(*(line[s] for s in near), indexing='ij'), axis=-1)
        part = Solid(**{f.name: getattr(solid, f.name)[k : k + 1] for f in fields(solid)})
        inside = part.contains(points.reshape(-1, 3)).reshape(points.shape[:3])
        grid[tuple(near)] |= inside
    return grid
