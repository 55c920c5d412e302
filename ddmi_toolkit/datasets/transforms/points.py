"""Transforms of shape records: occupancy queries and oriented surface clouds.

A shape record has ``points (K, 3)`` with ``occupancies (K,)``, ``surface_points (M, 3)`` with
``surface_normals (M, 3)``, and a ``name``; further keys are said where they are read.
"""

import numpy as np
import torch
from mmcv.transforms import BaseTransform

from ...registry import TRANSFORMS
from ..base import Record


def _choose(rng: np.random.Generator, available: int, wanted: int, replace: bool) -> np.ndarray:
    if not replace and wanted > available:
        raise ValueError(
            f'{wanted} points wanted without replacement, the record has {available}; '
            f'ask for fewer or set replace=True'
        )
    if replace:
        return rng.integers(0, available, wanted)
    return rng.permutation(available)[:wanted]


def _tensor(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(values.astype(np.float32))


def _check_count(name: str, value: int) -> int:
    if value < 1:
        raise ValueError(f'{name} must be at least 1, got {value}')
    return value


@TRANSFORMS.register_module()
class SubsamplePoints(BaseTransform):
    """Draw occupancy queries from those stored.

    Args:
        num_points: Number of queries ``Q`` (published: 2048).
        near_share: Share of the queries taken from ``near_points``, which lie close to the
            surface; 0 keeps the stored, uniform distribution (published).
        replace: Whether a query may be drawn twice (published: yes).
    """

    def __init__(
        self, num_points: int = 2048, near_share: float = 0.0, replace: bool = True
    ) -> None:
        if not 0 <= near_share <= 1:
            raise ValueError(f'near_share is a fraction in [0, 1], got {near_share}')
        self.num_points = _check_count('num_points', num_points)
        self.near_share = near_share
        self.replace = replace

    def transform(self, record: Record) -> Record:
        """Replace ``points (K, 3)`` and ``occupancies (K,)`` by ``Q`` of them."""
        rng = record['rng']
        num_near = round(self.near_share * self.num_points)
        if num_near and 'near_points' not in record:
            raise ValueError(
                f'near_share={self.near_share}, but {record["name"]!r} has no near-surface '
                f'points; prepare the data with them or set near_share=0'
            )
        pools = [('points', 'occupancies', self.num_points - num_near)]
        pools += [('near_points', 'near_occupancies', num_near)] if num_near else []
        points, occupancies = [], []
        for points_key, occupancies_key, wanted in pools:
            chosen = _choose(rng, len(record[points_key]), wanted, self.replace)
            points.append(record[points_key][chosen])
            occupancies.append(record[occupancies_key][chosen])
        record['points'] = np.concatenate(points)
        record['occupancies'] = np.concatenate(occupancies)
        return record


@TRANSFORMS.register_module()
class SubsampleSurface(BaseTransform):
    """Draw surface points, with their normals, from those stored.

    Args:
        num_points: Number of points ``P`` (published: 3000).
        replace: Whether a point may be drawn twice (published: yes).
    """

    def __init__(self, num_points: int = 3000, replace: bool = True) -> None:
        self.num_points = _check_count('num_points', num_points)
        self.replace = replace

    def transform(self, record: Record) -> Record:
        """Replace ``surface_points (M, 3)`` and ``surface_normals (M, 3)`` by ``P`` of them."""
        available = len(record['surface_points'])
        chosen = _choose(record['rng'], available, self.num_points, self.replace)
        for key in ('surface_points', 'surface_normals'):
            record[key] = record[key][chosen]
        return record


@TRANSFORMS.register_module()
class JitterSurface(BaseTransform):
    """Add Gaussian noise to the surface points: a scanner's error.

    Args:
        std: Standard deviation in units of the shape's longest side (published: 0.005).
    """

    def __init__(self, std: float = 0.005) -> None:
        if std < 0:
            raise ValueError(f'std must not be negative, got {std}')
        self.std = std

    def transform(self, record: Record) -> Record:
        """Move ``surface_points (P, 3)``."""
        points = record['surface_points']
        noise = record['rng'].standard_normal(points.shape, dtype=np.float32)
        record['surface_points'] = points + np.float32(self.std) * noise
        return record


@TRANSFORMS.register_module()
class CropSurface(BaseTransform):
    """A part of the surface, as a condition: what lies on one side of a random plane.

    The plane has any direction, and a share of the points drawn from a range is on the side that
    is kept. ``PackShape(cond='partial_points')`` makes it the condition.

    Args:
        num_points: Points ``P`` of the part.
        min_share: Least share of the surface points on the side that is kept.
        max_share: Largest one.

    Raises:
        ValueError: Shares that are no range in (0, 1].
    """

    def __init__(
        self, num_points: int = 512, min_share: float = 0.4, max_share: float = 0.6
    ) -> None:
        self.num_points = _check_count('num_points', num_points)
        if not 0 < min_share <= max_share <= 1:
            raise ValueError(
                f'min_share={min_share} and max_share={max_share}: expected a range in (0, 1]'
            )
        self.min_share, self.max_share = min_share, max_share

    def transform(self, record: Record) -> Record:
        """Add ``partial_points (P, 3)``, drawn from ``surface_points (M, 3)``."""
        rng, points = record['rng'], record['surface_points']
        along = points @ rng.standard_normal(3)
        share = self.min_share + (self.max_share - self.min_share) * rng.random()
        kept = points[np.argsort(along)[: max(round(share * len(points)), 1)]]
        chosen = _choose(rng, len(kept), self.num_points, replace=len(kept) < self.num_points)
        record['partial_points'] = _tensor(kept[chosen])
        return record


@TRANSFORMS.register_module()
class PackShape(BaseTransform):
    """Make the batch contract of a shape.

    ``inputs (P, 3)`` are the surface points, ``query['points'] (Q, 3)`` the queries and ``target
    (Q, 1)`` their occupancy, 1 inside, all float32. ``meta`` keeps ``name`` and, where the record
    has them, ``label``, ``class_name``, ``caption``, ``attributes``, ``stated`` (which of the
    attributes the caption says) and the clean samples ``reference_points`` and
    ``reference_normals`` (as ``surface_points`` and ``surface_normals``).

    Args:
        cond: Record key handed to a conditioner: ``'label'``, ``'caption'``,
            ``'partial_points'``, or any other.
    """

    _META = ('label', 'class_name', 'caption', 'attributes', 'stated')

    def __init__(self, cond: str | None = None) -> None:
        self.cond = cond

    def transform(self, record: Record) -> Record:
        """The sample of a record; everything that is not named above is dropped."""
        meta = dict(name=record['name'], **{k: record[k] for k in self._META if k in record})
        if 'reference_points' in record:
            meta['surface_points'] = _tensor(record['reference_points'])
            meta['surface_normals'] = _tensor(record['reference_normals'])
        sample = dict(
            inputs=_tensor(record['surface_points']),
            query=dict(points=_tensor(record['points'])),
            target=_tensor(record['occupancies'][:, None]),
            meta=meta,
        )
        if self.cond is not None:
            if self.cond not in record:
                raise ValueError(
                    f'cond={self.cond!r} is not in the record of {record["name"]!r}, '
                    f'which has {sorted(k for k in record if k != "rng")}'
                )
            sample['cond'] = record[self.cond]
        return sample
