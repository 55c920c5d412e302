"""The lens model of OpenCV, radial and tangential, and its inverse."""

from collections.abc import Sequence

import torch
from torch import Tensor

_NEWTON_STEPS = 12  # quadratic convergence: four suffice for the lenses of cameras


def distort(plane: Tensor, distortion: Sequence[float]) -> Tensor:
    """OpenCV's lens model on the plane at distance 1, y down: ``(..., 2)`` to ``(..., 2)``."""
    return _distortion(plane, distortion)[0] if any(distortion) else plane


def undistort(plane: Tensor, distortion: Sequence[float]) -> Tensor:
    """Inverse of :func:`distort`, by Newton's method (the model has no inverse in closed form)."""
    if not any(distortion):
        return plane
    guess = plane
    for _ in range(_NEWTON_STEPS):
        value, (xx, xy, yy) = _distortion(guess, distortion)
        error_x, error_y = (value - plane).unbind(-1)
        det = xx * yy - xy * xy
        step = [yy * error_x - xy * error_y, xx * error_y - xy * error_x]
        guess = guess - torch.stack(step, dim=-1) / det[..., None]
    return guess


def _distortion(
    plane: Tensor, distortion: Sequence[float]
) -> tuple[Tensor, tuple[Tensor, Tensor, Tensor]]:
    """Distorted points and the entries xx, xy = yx, yy of their derivative."""
    k1, k2, p1, p2, *rest = distortion
    k3 = rest[0] if rest else 0.0
    x, y = plane.unbind(-1)
    rr = x * x + y * y
    radial = 1 + rr * (k1 + rr * (k2 + rr * k3))
    slope = 2 * (k1 + rr * (2 * k2 + rr * 3 * k3))  # d radial / dx = slope * x
    u = x * radial + 2 * p1 * x * y + p2 * (rr + 2 * x * x)
    v = y * radial + p1 * (rr + 2 * y * y) + 2 * p2 * x * y
    xx = radial + x * x * slope + 2 * p1 * y + 6 * p2 * x
    yy = radial + y * y * slope + 6 * p1 * y + 2 * p2 * x
    xy = x * y * slope + 2 * p1 * x + 2 * p2 * y
    return torch.stack([u, v], dim=-1), (xx, xy, yy)
