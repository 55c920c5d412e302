"""Regular pixels over a box, and the queries whose means are their values."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import ceil, isfinite, prod
from typing import Any

import torch
from torch import Tensor

from .layout import PlaneLayout

Evaluate = Callable[[Mapping[str, Tensor]], Tensor]
"""``{axis: (n,)} -> (B, *S, C)``."""

SAMPLES_PER_NODE = 4
"""Prefiltered queries lie at most a quarter of the finest node spacing apart."""


@dataclass(frozen=True)
class PixelLine:
    """Pixels along one axis, each the mean of evenly spaced queries around its center.

    Args:
        name: Axis.
        low: Lower edge of the first pixel, in data units.
        spacing: Side of a pixel, in data units.
        num_pixels: Number of pixels.
        num_queries: Queries per pixel.
        cell: Side of the box that the queries of a pixel tile, in pixels.
        bounds: Ends of the axis; queries beyond them are moved to them.
    """

    name: str
    low: float
    spacing: float
    num_pixels: int
    num_queries: int
    cell: float
    bounds: tuple[float, float]

    def coords(self, pixels: range, queries: range) -> Tensor:
        """Queries of some pixels, pixel by pixel, ``(len(pixels) * len(queries),)`` float64.

        Float64, so that a pixel has the same coordinate in every region that holds it.
        """
        center = torch.arange(pixels.start, pixels.stop, dtype=torch.float64) + 0.5
        index = torch.arange(queries.start, queries.stop, dtype=torch.float64) + 0.5
        offset = (index / self.num_queries - 0.5) * self.cell
        return (self.low + self.spacing * (center[:, None] + offset).flatten()).clamp(*self.bounds)

    def chunks(self, budget: int) -> tuple[list[range], list[range]]:
        """Ranges of pixels, and of queries within a pixel, of at most ``budget`` in product."""
        pixels = max(budget // self.num_queries, 1)
        queries = min(budget, self.num_queries)
        return _ranges(self.num_pixels, pixels), _ranges(self.num_queries, queries)


class Raster:
    """A box of a layout's space cut into equal pixels (of any number of axes).

    Args:
        layout: Coordinate axes.
        size: Pixels along each axis, the last axis of the layout first: ``(rows, columns)`` over
            the axes x and y, ``(slices, rows, columns)`` over x, y and z.
        region: Lower ends, then upper ends, in layout order and data units, e.g.
            ``(x0, y0, x1, y1)``; None is the whole box.
        cell: Side, in pixels, of the box whose mean is a pixel's value; None is the value at the
            pixel's center.

    Raises:
        ValueError: A size that does not fit the axes, an empty or reversed region or one outside
            the box, or a cell that is not positive.
    """

    def __init__(
        self,
        layout: PlaneLayout,
        size: Sequence[int],
        region: Sequence[float] | None = None,
        cell: float | None = None,
    ) -> None:
        names = list(layout.axes)
        self.size = _checked_size(size, names)
        low, high = _checked_region(layout, region)
        if cell is not None and not (cell > 0 and isfinite(cell)):
            raise ValueError(f'cell={cell} must be a positive number of pixels, or None for points')
        self.lines: list[PixelLine] = []
        scales = []
        for name, n in zip(reversed(names), self.size, strict=True):
            axis, i = layout.axes[name], names.index(name)
            spacing, node = (high[i] - low[i]) / n, _node_spacing(layout, name)
            k = 1
            if cell is not None:
                # a hair less, so that rounding does not ask for one query more than needed
                k = max(ceil(SAMPLES_PER_NODE * cell * spacing / node - 1e-9), 1)
            bounds = (axis.low, axis.high)
            self.lines.append(PixelLine(name, low[i], spacing, n, k, cell or 1.0, bounds))
            scales.append((cell or 1.0) * spacing / k / node)
        self.scale = prod(scales) ** (1 / len(scales))
        """Spacing of the queries relative to the finest nodes', geometric mean over the axes."""

    def bands(self, evaluate: Evaluate, max_queries: int) -> Iterator[Tensor]:
        """Pixel values, cut along the first axis, each ``(B, rows, *size[1:], C)``.

        Args:
            evaluate: Values ``(B, *S, C)`` of the grid of one float64 vector ``(n,)`` per axis,
                in the order of ``S``.
            max_queries: Queries of a grid. A row that exceeds it is cut along the other axes, a
                pixel that exceeds it is evaluated in parts.

        Raises:
            ValueError: ``max_queries`` is less than 1.
        """
        if max_queries < 1:
            raise ValueError(f'max_queries={max_queries} must be at least 1')
        budget, cuts = max_queries, []
        for line in reversed(self.lines):
            pixels, queries = line.chunks(budget)
            cuts.append((pixels, queries))
            budget = max(budget // (len(pixels[0]) * len(queries[0])), 1)
        pixel_cuts, query_cuts = zip(*reversed(cuts), strict=True)

        def assemble(tile: tuple[range, ...]) -> Tensor:
            done = len(tile)
            if done == len(self.lines):
                return self._means(evaluate, tile, query_cuts)
            parts = [assemble((*tile, pixels)) for pixels in pixel_cuts[done]]
            return parts[0] if len(parts) == 1 else torch.cat(parts, dim=done + 1)

        return (assemble((rows,)) for rows in pixel_cuts[0])

    def _means(
        self, evaluate: Evaluate, tile: Sequence[range], query_cuts: Sequence[Sequence[range]]
    ) -> Tensor:
        """Means over the queries of a tile's pixels, ``(B, *tile, C)``."""
        total: Tensor | None = None
        for part in product(*query_cuts):
            lines = zip(self.lines, tile, part, strict=True)
            axes = {line.name: line.coords(pixels, queries) for line, pixels, queries in lines}
            sums = _pixel_sums(evaluate(axes), [len(q) for q in part])
            total = sums if total is None else total + sums
        assert total is not None
        return total / prod(line.num_queries for line in self.lines)


def fitted_size(
    layout: PlaneLayout, longest: int, region: Sequence[float] | None = None
) -> tuple[int, ...]:
    """Size of a raster in the shape of a region, its longest side given.

    Pixels are to each other along the axes as the distances of the finest nodes are.

    Args:
        layout: Coordinate axes.
        longest: Pixels along the longest side.
        region: As :class:`Raster` takes it.

    Returns:
        Pixels along each axis, the last axis of the layout first.

    Raises:
        ValueError: A length of less than 1, or a region that does not fit.
    """
    if int(longest) != longest or longest < 1:
        raise ValueError(f'size={longest} must be a whole number of at least 1')
    return magnified_size(layout, longest / max(_sides(layout, region)), region)


def magnified_size(
    layout: PlaneLayout, magnification: float, region: Sequence[float] | None = None
) -> tuple[int, ...]:
    """Size of a raster with ``magnification`` pixels per distance of the finest nodes.

    The layout's own size for 1 and the whole box; rounded, and at least one pixel.

    Raises:
        ValueError: A magnification that is not positive, or a region that does not fit.
    """
    if not (magnification > 0 and isfinite(magnification)):
        raise ValueError(f'magnification={magnification} must be a positive number')
    return tuple(max(round(magnification * side), 1) for side in _sides(layout, region))


def _sides(layout: PlaneLayout, region: Sequence[float] | None) -> list[float]:
    """Sides of a region in distances of the finest nodes, the last axis of the layout first."""
    low, high = _checked_region(layout, region)
    ends = zip(layout.axes, low, high, strict=True)
    return [(b - a) / _node_spacing(layout, name) for name, a, b in ends][::-1]


def _pixel_sums(values: Tensor, counts: Sequence[int]) -> Tensor:
    """Sums over the queries of each pixel, ``(B, n1 * k1, ..., C)`` to ``(B, n1, ..., C)``."""
    shape = [s for n, k in zip(values.shape[1:-1], counts, strict=True) for s in (n // k, k)]
    dims = list(range(2, 2 * len(counts) + 1, 2))
    return values.reshape(values.shape[0], *shape, values.shape[-1]).sum(dims)


def _node_spacing(layout: PlaneLayout, name: str) -> float:
    """Distance of the finest nodes along an axis, in data units."""
    axis = layout.axes[name]
    return (axis.high - axis.low) / max(axis.size - layout.align_corners, 1)


def _ranges(n: int, step: int) -> list[range]:
    return [range(start, min(start + step, n)) for start in range(0, n, step)]


def _listed(values: Any) -> tuple[Any, ...]:
    """Values in order, or one that is none of a sequence: the check of their number names it."""
    return tuple(values) if isinstance(values, Iterable) else (values,)


def _checked_size(size: Sequence[int], names: list[str]) -> tuple[int, ...]:
    order, size = ''.join(reversed(names)), _listed(size)
    if len(size) != len(names) or not all(float(n).is_integer() and n > 0 for n in size):
        raise ValueError(
            f'size={size} must be {len(names)} whole numbers of at least 1, in the order '
            f'{order!r}' + (' (rows, columns)' if len(names) == 2 else '')
        )
    return tuple(int(n) for n in size)


def _checked_region(
    layout: PlaneLayout, region: Sequence[float] | None
) -> tuple[list[float], list[float]]:
    axes, dim = list(layout.axes.values()), layout.dim
    if region is None:
        return [a.low for a in axes], [a.high for a in axes]
    region = [float(v) for v in _listed(region)]
    expected = [f'{a.name}0' for a in axes] + [f'{a.name}1' for a in axes]
    if len(region) != 2 * dim or not all(map(isfinite, region)):
        raise ValueError(
            f'region={tuple(region)} must be {2 * dim} numbers ({", ".join(expected)})'
        )
    low, high = region[:dim], region[dim:]
    for axis, a, b in zip(axes, low, high, strict=True):
        slack = 1e-6 * (axis.high - axis.low)
        if not a < b:
            raise ValueError(
                f'region={tuple(region)} is empty along {axis.name!r}: it goes from {a} to {b}; '
                f'give ({", ".join(expected)}), lows before highs'
            )
        if a < axis.low - slack or b > axis.high + slack:
            raise ValueError(
                f'region={tuple(region)} leaves the field: {axis.name!r} goes from {axis.low} to '
                f'{axis.high}, the region from {a} to {b}'
            )
    return low, high
