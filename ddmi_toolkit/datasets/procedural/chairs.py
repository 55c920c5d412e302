"""Unlimited chairs with exact occupancy, surfaces and captions."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from ...registry import DATASETS
from ..base import AbstractDataset, Record
from .captions import describe
from .chair_design import ATTRIBUTES, KINDS, design_seat
from .phrases import phrases, stated

EXTENT = 0.55  # queries fill the cube [-EXTENT, EXTENT]³, as in the Occupancy-Networks format
_PIPELINE = (dict(type='JitterSurface'), dict(type='PackShape'))


@DATASETS.register_module()
class ProceduralChairs(AbstractDataset):
    """Chairs, armchairs, stools, swivel chairs, rocking chairs and benches, one per seed.

    A shape is centered, its longest side is 1, ``y`` is up and it faces ``+z``. Its queries and
    surface points are drawn afresh at every visit. Shapes of a seed are frozen: they do not change
    with versions of numpy or of this package. Each has a caption, and sixteen ``captions`` in other
    words, of which :class:`DrawCaption` draws.

    Args:
        num_shapes: Number of shapes.
        first_seed: Seed of the first one; the others follow. Keep training below 10⁶ and
            held-out shapes there and above.
        num_points: Occupancy queries per sample, uniform in the ±0.55 cube.
        num_inputs: Surface points per sample.
        near_share: Share of the queries drawn near the surface instead.
        near_std: Standard deviation of their distance from the surface.
        surface_points: Clean surface samples with normals put into ``meta`` for evaluation.
        pipeline: Transforms; nothing needs to be subsampled.
    """

    def __init__(
        self,
        num_shapes: int = 2048,
        first_seed: int = 0,
        num_points: int = 2048,
        num_inputs: int = 1024,
        near_share: float = 0.0,
        near_std: float = 0.02,
        surface_points: int = 0,
        pipeline: Sequence[dict | BaseTransform] = _PIPELINE,
    ) -> None:
        super().__init__(pipeline)
        for name, value in dict(num_shapes=num_shapes, num_points=num_points).items():
            if value < 1:
                raise ValueError(f'{name} must be at least 1, got {value}')
        if not 0 <= near_share <= 1:
            raise ValueError(f'near_share is a fraction in [0, 1], got {near_share}')
        self.num_shapes, self.first_seed = num_shapes, first_seed
        self.num_inputs, self.surface_points = num_inputs, surface_points
        self.num_near, self.near_std = round(near_share * num_points), near_std
        self.num_uniform = num_points - self.num_near

    @property
    def metainfo(self) -> dict[str, Any]:
        """Class names in the order of ``label``."""
        return dict(classes=tuple(kind.replace('_', ' ') for kind in KINDS))

    def captions(self) -> Iterator[str]:
        """All captions, in all wordings."""
        for index in range(len(self)):
            _, _, caption = _shape(self.first_seed + index)
            yield from (caption, *_phrases(self.first_seed + index))

    def __len__(self) -> int:
        """Number of shapes."""
        return self.num_shapes

    def read(self, index: int, rng: np.random.Generator) -> Record:
        """A shape record, see ``transforms.points``, with label, caption and attributes."""
        seed = self.first_seed + index
        solid, attributes, caption = _shape(seed)
        num_surface = self.num_inputs + self.num_near + self.surface_points
        surface, normals = solid.sample_surface(num_surface, rng)
        near = surface[self.num_inputs : self.num_inputs + self.num_near]
        near = near + self.near_std * rng.standard_normal(near.shape)
        uniform = rng.uniform(-EXTENT, EXTENT, (self.num_uniform, 3))
        points = np.concatenate([uniform, near]).astype(np.float32)
        kind = attributes['kind']
        record = dict(
            name=f'chair-{seed:07d}',
            points=points,
            occupancies=solid.contains(points),
            surface_points=surface[: self.num_inputs].astype(np.float32),
            surface_normals=normals[: self.num_inputs].astype(np.float32),
            label=list(KINDS).index(kind),
            class_name=kind.replace('_', ' '),
            caption=caption,
            captions=_phrases(seed),
            read_caption=_read_caption,
            attributes=dict(attributes),
        )
        if self.surface_points:
            record['reference_points'] = surface[-self.surface_points :]
            record['reference_normals'] = normals[-self.surface_points :]
        return record


@lru_cache(maxsize=4096)
def _shape(seed: int) -> tuple:
    solid, attributes = design_seat(seed)
    return solid, attributes, describe(attributes, seed)


@lru_cache(maxsize=4096)
def _phrases(seed: int) -> tuple[str, ...]:
    return phrases(_shape(seed)[1], seed)


def _read_caption(caption: str) -> dict[str, bool]:
    """Whether a caption says it, for each attribute."""
    said = stated(caption)
    return {name: name in said for name in ATTRIBUTES}
