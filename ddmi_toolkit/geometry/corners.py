"""Values of a field at the corners of a grid of cells, evaluated only where its surface passes."""

from dataclasses import dataclass

import numpy as np
import torch

from ..structures import Field, Grid, Points

START_CELLS = 32
BYTES_PER_CORNER = 24  # values, their padded copy, flags and marching cubes' own tables


@dataclass(frozen=True)
class Corners:
    """Samples of a scalar field at the ``n + 1`` corners along each axis of ``n`` cells.

    Args:
        values: ``(n + 1, n + 1, n + 1)`` float32, axes in layout order. Every corner of a cell
            through which the surface passes holds the field's value; away from the surface a
            corner may hold a neighbor's value, which is on the same side.
        num_queries: How many corners were evaluated.
    """

    values: np.ndarray
    num_queries: int

    @property
    def num_dense(self) -> int:
        """How many queries a dense evaluation takes."""
        return self.values.size


def evaluate_corners(
    field: Field,
    resolution: int,
    level: float,
    *,
    exhaustive: bool = False,
    max_queries: int = 2**16,
) -> Corners:
    """Sample a field for marching cubes.

    Starts on 32 to 63 cells per axis, halves the cells through which the surface passes, and
    follows the surface into neighboring cells until it is closed, at every size. Every part that
    is touched is therefore complete; a part that lies between the coarse corners is missed.

    Args:
        field: One scalar function of three coordinates.
        resolution: Cells per axis.
        level: Value at the surface.
        exhaustive: Evaluate all corners, which finds every part that the resolution can show.
        max_queries: Largest number of points (or one slice of the grid) evaluated at a time.

    Raises:
        ValueError: The field has a value that is not a number.
    """
    sampler = _Sampler(field, resolution, level, max_queries)
    stride = 1
    while not exhaustive and resolution // (2 * stride) >= START_CELLS:
        stride *= 2
    nodes = _nodes(resolution, stride)
    values = sampler.grid(nodes)
    known = np.ones(values.shape, dtype=bool)
    while stride > 1:
        stride //= 2
        fine = _nodes(resolution, stride)
        cells = _crossed(values - level) if stride == 1 else _crossed_or_near(values - level)
        wanted = _corners_inside(cells, nodes, fine)
        values, known = _refine(values, known, nodes, fine)
        nodes = fine
        first = np.flatnonzero(wanted & ~known)
        sampler.fill(values, known, nodes, first)
        todo = _open_corners(values > level, known, np.flatnonzero(wanted))
        while todo.size:
            sampler.fill(values, known, nodes, todo)
            todo = _open_corners(values > level, known, todo)
    return Corners(values, sampler.num_queries)


class _Sampler:
    """Evaluates one field at grid corners and counts the queries."""

    def __init__(self, field: Field, resolution: int, level: float, max_queries: int) -> None:
        state = next(iter(field.state.values()))
        self.field, self.level, self.max_queries = field, level, max_queries
        self.dtype = torch.float64 if state.dtype == torch.float64 else torch.float32
        self.device = state.device
        steps = np.arange(resolution + 1) / resolution
        self.axes = [a.low + (a.high - a.low) * steps for a in field.layout.axes.values()]
        self.num_queries = 0

    def grid(self, nodes: np.ndarray) -> np.ndarray:
        """Values at all combinations of node indices, ``(m, m, m)``."""
        names = self.field.layout.axes
        axes = {a: self._tensor(x[nodes])[None] for a, x in zip(names, self.axes, strict=True)}
        out = np.empty((len(nodes),) * 3, dtype=np.float32)
        start = 0
        for slab in Grid(axes, self.field.layout).split(self.max_queries):
            stop = start + slab.shape[0]
            out[start:stop] = self._values(slab)
            start = stop
        return out

    def fill(
        self, values: np.ndarray, known: np.ndarray, nodes: np.ndarray, flat: np.ndarray
    ) -> None:
        """Evaluate the corners of flat index ``flat``, in place."""
        for start in range(0, flat.size, self.max_queries):
            part = flat[start : start + self.max_queries]
            index = np.unravel_index(part, values.shape)
            xyz = np.stack([x[nodes[i]] for x, i in zip(self.axes, index, strict=True)], -1)
            values.reshape(-1)[part] = self._values(
                Points(self._tensor(xyz)[None], self.field.layout)
            )
        known.reshape(-1)[flat] = True

    def _tensor(self, x: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(x, dtype=self.dtype, device=self.device)

    def _values(self, coords: Points | Grid) -> np.ndarray:
        with torch.no_grad():
            values = self.field(coords)[0, ..., 0].float().cpu().numpy()
        self.num_queries += values.size
        if np.isnan(values).any():
            raise ValueError(
                f'the field is not a number at {int(np.isnan(values).sum())} of {values.size} '
                f'points; a mesh needs finite values, look for NaN in the weights or the latent'
            )
        # Marching cubes divides by differences of values; neighbors of 0 keep the surface closed.
        values = values.clip(-1e6, 1e6)
        values[np.abs(values - self.level) < 1e-6] = self.level - 1e-6
        return values


def _nodes(resolution: int, stride: int) -> np.ndarray:
    """Corner indices of cells of ``stride``; the last cell may be narrower."""
    return np.append(np.arange(0, resolution, stride), resolution)


def _extent(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Smallest and largest corner value of each cell, two of ``(m - 1, m - 1, m - 1)``."""
    low = high = values
    for axis in range(3):
        first = tuple(slice(None, -1) if a == axis else slice(None) for a in range(3))
        second = tuple(slice(1, None) if a == axis else slice(None) for a in range(3))
        low = np.minimum(low[first], low[second])
        high = np.maximum(high[first], high[second])
    return low, high


def _crossed(values: np.ndarray) -> np.ndarray:
    """Which cells have corners on both sides of 0."""
    low, high = _extent(values)
    return (low <= 0) & (high > 0)


def _crossed_or_near(values: np.ndarray) -> np.ndarray:
    """Which cells are crossed, or nearer to 0 than their corners are to each other.

    The second kind costs a tenth more queries and finds most parts that only just slip between
    the corners: on 20 fields fitted to chairs in seconds, it found 83 % of the missed vertices.
    """
    low, high = _extent(values)
    return (low < high - low) & (-high < high - low)


def _corners_inside(cells: np.ndarray, nodes: np.ndarray, fine: np.ndarray) -> np.ndarray:
    """Which fine corners lie in or on the marked coarse cells."""
    left = (np.searchsorted(nodes, fine, 'left') - 1).clip(0, len(nodes) - 2)
    right = (np.searchsorted(nodes, fine, 'right') - 1).clip(0, len(nodes) - 2)
    for axis in range(3):
        cells = cells.take(left, axis) | cells.take(right, axis)
    return cells


def _refine(
    values: np.ndarray, known: np.ndarray, nodes: np.ndarray, fine: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Coarse values carried to the fine corners; those between coarse corners are not known.

    In a cell with all corners on one side, the value of any of them has the right side.
    """
    index = np.searchsorted(nodes, fine, 'right') - 1
    exact = nodes[index] == fine
    values = values[np.ix_(index, index, index)]
    known = known[np.ix_(index, index, index)] & (
        exact[:, None, None] & exact[None, :, None] & exact[None, None, :]
    )
    return values, known


def _open_corners(inside: np.ndarray, known: np.ndarray, flat: np.ndarray) -> np.ndarray:
    """Unknown corners of the crossed cells around the corners ``flat``, as flat indices."""
    shape = inside.shape
    index = np.stack(np.unravel_index(flat, shape))  # (3, K)
    steps = np.stack(np.meshgrid(*[(0, 1)] * 3, indexing='ij')).reshape(3, 8)
    cells = (index[:, :, None] - steps[:, None]).reshape(3, -1)
    cells = cells[:, ((cells >= 0) & (cells < shape[0] - 1)).all(0)]
    cells = np.unique(np.ravel_multi_index(tuple(cells), shape))
    corners = cells[:, None] + np.ravel_multi_index(tuple(steps), shape)  # (cells, 8)
    side = inside.reshape(-1)[corners]
    crossed = side.any(1) & ~side.all(1)
    corners = np.unique(corners[crossed])
    return corners[~known.reshape(-1)[corners]]
