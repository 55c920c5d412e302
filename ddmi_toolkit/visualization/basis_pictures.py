"""Pictures of what each scale of basis fields adds, and of its spectrum."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

_WIDTH = 10.0  # inches
_LABEL = 0.25  # inches, of a title
_WIDE = 2.5  # ratio of sides from which pictures have a row each
_STRIP = 6.0  # inches, of such a picture


@dataclass(frozen=True)
class PowerMap:
    """Energy over the frequencies of a plane.

    Args:
        power: ``(rows, columns)``, that of the mean at ``[0, 0]``.
        extent: Where rows and columns would end, in coarse Nyquist frequencies.
    """

    power: np.ndarray
    extent: tuple[float, float]

    def log_density(self) -> np.ndarray:
        """Decimal logarithm of the share of energy per unit of frequency, the mean left out.

        White noise of the coarsest scale is 0 everywhere; no energy is not a number.
        """
        power = self.power.astype(np.float64)
        power[0, 0] = 0.0
        area = np.prod([e / n for e, n in zip(self.extent, power.shape, strict=True)])
        share = power / (power.sum() * area or 1.0)
        return np.log10(np.where(share > 0, share, np.nan))


def with_differences(pictures: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Pictures, and the last one minus each before it, on middle gray, ``(h, w, 3)`` uint8.

    Args:
        pictures: Outputs with 1, 2, ... scales fed, each ``(h, w, 3)`` uint8.
    """
    whole = pictures[-1].astype(int)
    less = [(128 + whole - part).clip(0, 255).astype(np.uint8) for part in pictures[:-1]]
    return [*pictures, *less]


def draw_basis_analysis(
    pictures: Sequence[Sequence[np.ndarray]],
    maps: Sequence[Mapping[str, PowerMap]],
    curves: Sequence[tuple[Sequence[float], Sequence[float]]],
    cutoff: float,
    path: str | Path,
) -> Path:
    """Write one picture of outputs above and spectra below.

    Args:
        pictures: Of each sample, its outputs with 1, 2, ... scales fed, ``(h, w, 3)`` uint8.
        maps: Of each scale, energy over the frequencies of each plane.
        curves: Of each scale, frequencies and the share of the energy at each.
        cutoff: Frequency that is marked.
        path: PNG to write; its folder is created if needed.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    tiles = [with_differences(row) for row in pictures]
    height, width = tiles[0][0].shape[:2]
    columns = 1 if width > _WIDE * height else len(tiles[0])
    rows = len(tiles) * len(tiles[0]) // columns
    side = _STRIP if columns == 1 else _WIDTH / max(columns, 3)
    above = rows * (side * height / width + _LABEL * (columns == 1)) + _LABEL
    heights = _map_heights(maps)
    below = max(sum(heights), 3.2)
    figure = Figure(figsize=(_WIDTH, above + below), layout='constrained', dpi=100)
    FigureCanvasAgg(figure)
    top, bottom = figure.subfigures(2, 1, height_ratios=(above, below))
    _draw_tiles(top.subplots(rows, columns, squeeze=False), tiles, len(pictures[0]))
    _draw_spectra(bottom, maps, heights, curves, cutoff)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    return path


def _draw_tiles(axes: np.ndarray, tiles: Sequence[Sequence[np.ndarray]], num_scales: int) -> None:
    names = [f'{n} of {num_scales} scales' for n in range(1, num_scales)] + ['all scales']
    names += [f'(all) - ({n} of {num_scales}), on gray' for n in range(1, num_scales)]
    flat = [(name, tile) for row in tiles for name, tile in zip(names, row, strict=True)]
    for i, (axis, (name, tile)) in enumerate(zip(axes.flat, flat, strict=True)):
        axis.imshow(tile, interpolation='nearest')
        axis.set_axis_off()
        if axes.shape[1] == 1 or i < axes.shape[1]:
            axis.set_title(name, fontsize=9)


def _map_heights(maps: Sequence[Mapping[str, PowerMap]]) -> list[float]:
    """Inches of each plane's row of maps, its title included."""
    width = 0.5 * _WIDTH / len(maps)
    shapes = [_largest(maps, plane) for plane in maps[0]]
    return [width * min(max(rows / columns, 0.2), 2) + 3 * _LABEL for rows, columns in shapes]


def _largest(maps: Sequence[Mapping[str, PowerMap]], plane: str) -> tuple[float, float]:
    rows, columns = np.max([scale[plane].extent for scale in maps], axis=0)
    return float(rows), float(columns)


def _draw_spectra(
    figure: Any,
    maps: Sequence[Mapping[str, PowerMap]],
    heights: Sequence[float],
    curves: Sequence[tuple[Sequence[float], Sequence[float]]],
    cutoff: float,
) -> None:
    """A map for each scale (columns) and plane (rows), and the curves beside them."""
    planes = list(maps[0])
    left, right = figure.subfigures(1, 2, width_ratios=(1.1 * len(maps), 2))
    axes = left.subplots(len(planes), len(maps), squeeze=False, height_ratios=heights)
    logs = {(p, i): scale[p].log_density() for i, scale in enumerate(maps) for p in planes}
    finite = np.concatenate([v[np.isfinite(v)] for v in logs.values()] + [[0.0]])
    limits = dict(vmin=np.percentile(finite, 2), vmax=finite.max())
    for (plane, i), values in logs.items():
        axis, extent = axes[planes.index(plane), i], maps[i][plane].extent
        image = _draw_map(axis, values, extent, limits)
        rows, columns = _largest(maps, plane)
        axis.set(xlim=(0, columns), ylim=(0, rows))
        axis.set_title(f'{plane}, scale {i + 1}', fontsize=9)
        _draw_cutoff(axis, cutoff, is_line=values.shape[0] == 1)
    left.colorbar(image, ax=axes, shrink=0.8, label='log10 of energy per frequency')
    _draw_curves(right.subplots(), curves, cutoff)


def _draw_map(
    axis: Any, values: np.ndarray, extent: tuple[float, float], limits: Mapping[str, float]
) -> Any:
    ends = []
    for n, end in zip(values.shape[::-1], extent[::-1], strict=True):
        half = end / n / 2 if n > 1 else 0.0  # a cell lies around its frequency
        ends += [-half, end - half]
    axis.set_facecolor('0.85')
    aspect = 'auto' if 1 in values.shape else 'equal'
    return axis.imshow(
        values, origin='lower', extent=ends, aspect=aspect, interpolation='nearest', **limits
    )


def _draw_cutoff(axis: Any, cutoff: float, is_line: bool) -> None:
    style = dict(color='w', linestyle='--', linewidth=1)
    if is_line:  # there are no frequencies across it
        axis.axvline(cutoff, **style)
        axis.set_yticks([])
        return
    turn = np.linspace(0, np.pi / 2, 64)
    axis.plot(cutoff * np.cos(turn), cutoff * np.sin(turn), **style)


def _draw_curves(
    axis: Any, curves: Sequence[tuple[Sequence[float], Sequence[float]]], cutoff: float
) -> None:
    for i, (x, y) in enumerate(curves, 1):
        share = np.array(y, dtype=float)
        share = np.where(share > 0, share, np.nan)  # the axis is logarithmic
        axis.plot(x, share, marker='.', label=f'scale {i}')
    axis.axvline(cutoff, color='0.5', linestyle='--', linewidth=1)
    axis.set(xlabel='frequency, in coarse Nyquist frequencies', ylabel='share of the energy')
    axis.set(yscale='log', ylim=(1e-4, 1))
    axis.set_box_aspect(1)
    axis.legend(fontsize=8)
