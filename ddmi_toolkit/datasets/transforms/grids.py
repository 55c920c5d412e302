"""Transforms of occupancy grids: ``record['grid']``, ``(R, R, R)`` bool, axes x, y, z."""

import numpy as np
import torch
from mmcv.transforms import BaseTransform

from ...registry import TRANSFORMS
from ..base import Record

_COARSE = 12  # cells of the noise along a side: about the size of a part


@TRANSFORMS.register_module()
class MirrorGrid(BaseTransform):
    """Swap left and right (the x axis) half of the time."""

    def transform(self, record: Record) -> Record:
        """Mirror ``grid``."""
        if record['rng'].random() < 0.5:
            record['grid'] = record['grid'][::-1]
        return record


@TRANSFORMS.register_module()
class MoveGrid(BaseTransform):
    """Scale each axis and shift the whole; what leaves the grid is lost.

    Args:
        scale: Largest change of an axis' length, relative.
        shift: Largest shift along each axis, relative to the grid's side.

    Raises:
        ValueError: Not in [0, 0.5).
    """

    def __init__(self, scale: float = 0.06, shift: float = 0.04) -> None:
        for name, value in dict(scale=scale, shift=shift).items():
            if not 0 <= value < 0.5:
                raise ValueError(f'{name}={value} must be in [0, 0.5)')
        self.scale, self.shift = scale, shift

    def transform(self, record: Record) -> Record:
        """Look ``grid`` up at the nearest of its cells."""
        grid, rng = record['grid'], record['rng']
        size = len(grid)
        scales = 1 + self.scale * rng.uniform(-1, 1, 3)
        shifts = self.shift * rng.uniform(-1, 1, 3)
        line = (np.arange(size) + 0.5) / size - 0.5
        sources = [
            np.floor(((line - t) / s + 0.5) * size).astype(int)
            for s, t in zip(scales, shifts, strict=True)
        ]
        x, y, z = ((i >= 0) & (i < size) for i in sources)
        moved = grid[np.ix_(*(i.clip(0, size - 1) for i in sources))]
        record['grid'] = moved & x[:, None, None] & y[:, None] & z
        return record


@TRANSFORMS.register_module()
class RoughenGrid(BaseTransform):
    """Make a grid look like one of a decoded field: smoother, thicker or thinner, with gaps.

    The occupancy is blurred, a coarse noise is added, and what is above a level stays. Parts of
    one cell are lost where the level is high.

    Args:
        clean: Share of the grids that stay as they are.
        blurs: Largest number of blurs by ``(1, 2, 1) / 4`` along each axis.
        noise: Largest standard deviation of the noise.
        levels: Lowest and highest level.

    Raises:
        ValueError: A share or levels out of (0, 1), or something negative.
    """

    def __init__(
        self,
        clean: float = 0.25,
        blurs: int = 2,
        noise: float = 0.12,
        levels: tuple[float, float] = (0.3, 0.55),
    ) -> None:
        if not 0 <= clean <= 1:
            raise ValueError(f'clean={clean} is a share in [0, 1]')
        if blurs < 0 or noise < 0:
            raise ValueError(f'blurs={blurs} and noise={noise} must not be negative')
        if not 0 < levels[0] <= levels[1] < 1:
            raise ValueError(f'levels={levels} must be two numbers in (0, 1), the lower one first')
        self.clean, self.blurs, self.noise, self.levels = clean, blurs, noise, levels

    def transform(self, record: Record) -> Record:
        """Replace ``grid``."""
        rng = record['rng']
        if rng.random() < self.clean:
            return record
        values = record['grid'].astype(np.float32)
        for _ in range(rng.integers(0, self.blurs + 1)):
            values = blur(values)
        coarse = rng.standard_normal((_COARSE,) * 3, dtype=np.float32)
        cells = np.arange(len(values)) * _COARSE // len(values)
        values += np.float32(self.noise * rng.random()) * coarse[np.ix_(cells, cells, cells)]
        record['grid'] = values > rng.uniform(*self.levels)
        return record


def blur(values: np.ndarray) -> np.ndarray:
    """Mean with weights ``(1, 2, 1) / 4`` along each axis; outside is empty."""
    for axis in range(values.ndim):
        lines = np.moveaxis(values, axis, 0)
        out = 0.5 * lines
        out[1:] += 0.25 * lines[:-1]
        out[:-1] += 0.25 * lines[1:]
        values = np.moveaxis(out, 0, axis)
    return values


@TRANSFORMS.register_module()
class VoteGrid(BaseTransform):
    """Make a grid of stored occupancy queries: the majority of those in a cell.

    Cells without a query take the side of their neighbors.

    Args:
        resolution: Cells ``R`` along each side.
        extent: The grid fills the cube ``[-extent, extent] ** 3``.

    Raises:
        ValueError: Fewer than one cell.
    """

    def __init__(self, resolution: int = 32, extent: float = 0.55) -> None:
        if resolution < 1:
            raise ValueError(f'resolution must be at least 1, got {resolution}')
        self.resolution, self.extent = resolution, extent

    def transform(self, record: Record) -> Record:
        """Read ``points (K, 3)`` and ``occupancies (K,)``, write ``grid``.

        Raises:
            ValueError: Too few points.
        """
        size, points = self.resolution, record['points']
        if len(points) < size**3:
            raise ValueError(
                f'{record["name"]!r} has {len(points)} queries for {size**3} cells; choose a '
                f'smaller resolution, or do not subsample the points before'
            )
        cells = np.floor((points / self.extent + 1) / 2 * size).astype(int).clip(0, size - 1)
        flat = np.ravel_multi_index(tuple(cells.T), (size,) * 3)
        signs = 2.0 * np.asarray(record['occupancies'], dtype=bool) - 1
        votes = np.bincount(flat, signs, size**3).reshape((size,) * 3)
        counts = np.bincount(flat, minlength=size**3).reshape((size,) * 3)
        mean = votes / np.maximum(counts, 1)
        record['grid'] = np.where(mean == 0, blur(mean), mean) > 0
        return record


@TRANSFORMS.register_module()
class PackGrid(BaseTransform):
    """Make the batch contract of a classifier.

    ``inputs (R, R, R)`` are 1 inside, uint8; ``meta`` keeps ``name`` and, where the record has
    them, ``label``, ``class_name``, ``caption`` and ``attributes``.
    """

    _META = ('label', 'class_name', 'caption', 'attributes')

    def transform(self, record: Record) -> Record:
        """The sample of a record; everything that is not named above is dropped."""
        inputs = torch.from_numpy(np.ascontiguousarray(record['grid'], dtype=np.uint8))
        meta = {k: record[k] for k in self._META if k in record}
        return dict(inputs=inputs, meta=dict(name=record['name'], **meta))
