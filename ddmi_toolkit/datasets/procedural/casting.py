"""Where rays enter the primitives of solids, in the primitives' own frames.

There a frustum is the set ``|y| <= 1`` whose cross-section at ``y`` is scaled by ``1 + taper * y``
(a square ``|x|, |z| <= 1`` or the unit disk), and an ellipsoid is the unit ball. Frames are
related to the world by affine maps, under which the parameter of a ray stays what it is.
"""

import numpy as np

Hits = tuple[np.ndarray, np.ndarray]
"""Parameter of the ray ``(n,)``, infinite where it misses, and normal ``(n, 3)``, not unit."""


def enter_block(origins: np.ndarray, dirs: np.ndarray, taper: float) -> Hits:
    """Of a frustum with a square cross-section.

    Args:
        origins: Where the rays start, outside, ``(n, 3)``.
        dirs: Directions ``(n, 3)``, of any length.
        taper: In (-1, 1).
    """
    normals = np.array(
        [[0, 1, 0], [0, -1, 0], [1, -taper, 0], [-1, -taper, 0], [0, -taper, 1], [0, -taper, -1]]
    )
    gap, speed = 1 - origins @ normals.T, dirs @ normals.T  # (n, 6): inside where gap >= 0
    with np.errstate(divide='ignore', invalid='ignore'):
        t = gap / speed
    entries = np.where(speed < 0, t, np.where((speed == 0) & (gap < 0), np.inf, -np.inf))
    side = entries.argmax(1)
    first = np.take_along_axis(entries, side[:, None], 1)[:, 0]
    last = np.where(speed > 0, t, np.inf).min(1)
    return _checked(first, last), normals[side]


def enter_round(origins: np.ndarray, dirs: np.ndarray, taper: float) -> Hits:
    """Of a frustum with a round cross-section, see :func:`enter_block`."""
    low, high, cap = _slab(origins[:, 1], dirs[:, 1])
    (ox, oy, oz), (dx, dy, dz) = origins.T, dirs.T
    width = 1 + taper * oy
    a = dx * dx + dz * dz - (taper * dy) ** 2
    b = ox * dx + oz * dz - taper * width * dy
    near, far = _roots(a, b, ox * ox + oz * oz - width**2)
    # Along rays steeper than the cone (a < 0) the inside is before the first root or after the
    # second; the other nappe of the cone lies beyond the slab, so only one of both is within it.
    is_steep, is_before = a < 0, low <= near
    side = np.where(is_steep, np.where(is_before, -np.inf, far), near)
    end = np.where(is_steep, np.where(is_before, near, np.inf), far)
    first = np.maximum(low, side)
    t = _checked(first, np.minimum(high, end))
    x, y, z = (origins + dirs * np.where(np.isfinite(t), t, 0)[:, None]).T
    normals = np.stack([x, -taper * (1 + taper * y), z], axis=1)
    is_cap = low >= side
    normals[is_cap] = cap[is_cap, None] * np.array([0, 1, 0])
    return t, normals


def enter_ball(origins: np.ndarray, dirs: np.ndarray) -> Hits:
    """Of the unit ball, see :func:`enter_block`."""
    a, b = (dirs * dirs).sum(1), (origins * dirs).sum(1)
    near, far = _roots(a, b, (origins * origins).sum(1) - 1)
    t = _checked(near, far)
    return t, origins + dirs * np.where(np.isfinite(t), t, 0)[:, None]


def _slab(start: np.ndarray, speed: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """When ``|y| <= 1`` begins and ends, and the sign of ``y`` where it begins."""
    cap = np.where(speed > 0, -1.0, 1.0)
    with np.errstate(divide='ignore', invalid='ignore'):
        low, high = (cap - start) / speed, (-cap - start) / speed
    is_level, is_within = speed == 0, np.abs(start) <= 1
    low = np.where(is_level, np.where(is_within, -np.inf, np.inf), low)
    return low, np.where(is_level, np.where(is_within, np.inf, -np.inf), high), cap


def _roots(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Roots of ``a t^2 + 2 b t + c``, the smaller first.

    Without roots both are infinite: of ``a > 0``, which is never negative, in the order that
    leaves nothing between them; of ``a < 0``, which always is, so that all lies before them.
    """
    a = np.where(np.abs(a) < 1e-12, np.copysign(1e-12, a), a)
    square = b * b - a * c
    root = np.sqrt(np.maximum(square, 0))
    q = -(b + np.copysign(root, b))  # of two roots the one without cancellation
    with np.errstate(divide='ignore', invalid='ignore'):
        one, two = q / a, np.where(q == 0, 0, c / q)
    none = square < 0
    near, far = np.minimum(one, two), np.maximum(one, two)
    return np.where(none, np.inf, near), np.where(
        none & (a > 0), -np.inf, np.where(none, np.inf, far)
    )


def _checked(first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Entries ahead of the ray's start, infinite where there are none."""
    return np.where((first < last) & (first > 0), first, np.inf)
