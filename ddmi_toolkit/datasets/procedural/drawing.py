"""Flat pictures made of patches, at any resolution.

Coordinates: ``x`` to the right and ``y`` down, both [-1, 1] over the picture. A patch covers a
pixel by its distance from the patch's edge, measured in pixels: a straight edge covers what it
covers of the pixel's width, so pictures of one scene agree at all sizes.
"""

from dataclasses import dataclass, field
from functools import cache
from math import cos, sin

import numpy as np

Color = tuple[float, float, float]  # red, green, blue in [0, 1]
Box = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True)
class Patch:
    """A colored region.

    Args:
        kind: ``'ellipse'``, ``'bar'``, ``'polygon'`` or ``'hill'``.
        numbers: Of an ellipse and a bar ``cx, cy, rx, ry, angle``, the angle in radians; of a
            polygon, which must be convex, ``x, y`` of the corners, clockwise as seen; of a hill,
            which is all below a wave, ``y, amplitude, frequency, phase``.
        color: At the top of the picture.
        low_color: At the bottom, by default the same.
        cut: Only what lies below this ``y`` belongs to the region.
    """

    kind: str
    numbers: tuple[float, ...]
    color: Color
    low_color: Color | None = None
    cut: float = -2.0

    @property
    def bounds(self) -> Box:
        """A box that holds the region."""
        n = self.numbers
        if self.kind == 'polygon':
            return min(n[::2]), min(n[1::2]), max(n[::2]), max(n[1::2])
        if self.kind == 'hill':
            return -1, n[0] - n[1], 1, 1
        reach_x, reach_y = _reach(self.kind, *n[2:])
        return n[0] - reach_x, max(n[1] - reach_y, self.cut), n[0] + reach_x, n[1] + reach_y

    def distance(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """About the signed distance from the edge, negative inside, ``(h, w)``.

        It is exact to first order near the edge, which is all that coverage depends on.
        """
        outside = _DISTANCES[self.kind](self.numbers, x, y)
        return outside if self.cut < -1 else np.maximum(outside, self.cut - y)


@dataclass(frozen=True)
class Scene:
    """A background and the patches on it, the first one lowest.

    Args:
        sky: Colors at the top and the bottom.
        patches: What is painted on it.
    """

    sky: tuple[Color, Color]
    patches: list[Patch] = field(default_factory=list)

    def render(self, size: int) -> np.ndarray:
        """The picture, ``(size, size, 3)`` float32 in [0, 1]."""
        x, y = _centers(size)
        canvas = np.empty((size, size, 3), np.float32)
        canvas[:] = _shade(*self.sky, y)
        for patch in self.patches:
            columns, rows = _window(patch.bounds, size)
            here = (rows, columns)
            if columns.start >= columns.stop or rows.start >= rows.stop:
                continue
            distance = patch.distance(x[:, columns], y[rows])
            cover = np.clip(0.5 - distance * (size / 2), 0, 1)[..., None]
            paint = _shade(patch.color, patch.low_color or patch.color, y[rows])
            canvas[here] += cover.astype(np.float32) * (paint - canvas[here])
        return canvas


def _ellipse(n: tuple[float, ...], x: np.ndarray, y: np.ndarray) -> np.ndarray:
    u, v = _local(n, x, y)
    rx, ry = n[2:4]
    level = np.sqrt((u / rx) ** 2 + (v / ry) ** 2)
    slope = np.sqrt((u / rx**2) ** 2 + (v / ry**2) ** 2)
    return (level - 1) * level / np.maximum(slope, 1e-6)


def _bar(n: tuple[float, ...], x: np.ndarray, y: np.ndarray) -> np.ndarray:
    u, v = _local(n, x, y)
    return np.maximum(np.abs(u) - n[2], np.abs(v) - n[3])


def _polygon(n: tuple[float, ...], x: np.ndarray, y: np.ndarray) -> np.ndarray:
    corners = list(zip(n[::2], n[1::2], strict=True))
    sides = []
    for (ax, ay), (bx, by) in zip(corners, corners[1:] + corners[:1], strict=True):
        length = np.hypot(bx - ax, by - ay)
        sides.append(((by - ay) * (x - ax) - (bx - ax) * (y - ay)) / length)
    return np.maximum.reduce(sides)


def _hill(n: tuple[float, ...], x: np.ndarray, y: np.ndarray) -> np.ndarray:
    top, amplitude, frequency, phase = n
    slope = amplitude * frequency * np.cos(frequency * x + phase)
    return (top + amplitude * np.sin(frequency * x + phase) - y) / np.sqrt(1 + slope**2)


_DISTANCES = dict(ellipse=_ellipse, bar=_bar, polygon=_polygon, hill=_hill)


def _local(n: tuple[float, ...], x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates in the frame of an ellipse or a bar."""
    c, s = cos(n[4]), sin(n[4])
    dx, dy = x - n[0], y - n[1]
    return c * dx + s * dy, c * dy - s * dx


def _reach(kind: str, rx: float, ry: float, angle: float) -> tuple[float, float]:
    """Half sizes of the box around a turned ellipse or bar."""
    c, s = abs(cos(angle)), abs(sin(angle))
    if kind == 'bar':
        return rx * c + ry * s, rx * s + ry * c
    return float(np.hypot(rx * c, ry * s)), float(np.hypot(rx * s, ry * c))


def _window(bounds: Box, size: int) -> tuple[slice, slice]:
    """Columns and rows that a region may touch, with a pixel to spare."""
    low = [max(int((v + 1) / 2 * size) - 1, 0) for v in bounds[:2]]
    high = [min(int((v + 1) / 2 * size) + 2, size) for v in bounds[2:]]
    return slice(low[0], high[0]), slice(low[1], high[1])


@cache
def _centers(size: int) -> tuple[np.ndarray, np.ndarray]:
    line = ((2 * np.arange(size) + 1) / size - 1).astype(np.float32)
    return line[None], line[:, None]


def _shade(top: Color, bottom: Color, y: np.ndarray) -> np.ndarray:
    """Colors ``(h, 1, 3)`` that change evenly from the top of the picture to the bottom."""
    share = ((y + 1) / 2)[..., None]
    return (1 - share) * np.float32(top) + share * np.float32(bottom)
