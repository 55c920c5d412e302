"""Paths between draws of a normal distribution."""

import torch
from torch import Tensor


def spherical_path(a: Tensor, b: Tensor, num_steps: int) -> Tensor:
    """``num_steps`` points from ``a`` to ``b``, turning at constant speed (Shoemake 1985).

    Between draws of a normal distribution, all points have the norm of a draw; on the straight
    line, those in the middle would be too short by a factor of up to the square root of 2.

    Args:
        a: First point, of any shape.
        b: Last point, of the same shape.
        num_steps: At least 2.

    Returns:
        ``(num_steps, *a.shape)``; the ends are exact.

    Raises:
        ValueError: The shapes differ, or there are fewer than 2 steps.
    """
    if num_steps < 2 or a.shape != b.shape:
        raise ValueError(
            f'a path takes two points of one shape and at least 2 steps, got shapes '
            f'{tuple(a.shape)} and {tuple(b.shape)} and num_steps={num_steps}'
        )
    x, y = (v.double().flatten() for v in (a, b))
    share = torch.linspace(0, 1, num_steps, dtype=torch.float64, device=x.device)
    # atan2 keeps its precision where the angle is small, unlike the arc cosine
    ux, uy = (v / v.norm().clamp(min=1e-300) for v in (x, y))
    angle = 2 * torch.atan2((ux - uy).norm(), (ux + uy).norm())
    sine = angle.sin()
    if sine < 1e-6:  # parallel: the limit of both weights; opposite: no circle is singled out
        weights = torch.stack([1 - share, share])
    else:
        weights = torch.stack([((1 - share) * angle).sin(), (share * angle).sin()]) / sine
    path = weights[0, :, None] * x + weights[1, :, None] * y
    return path.to(a.dtype).unflatten(-1, a.shape)
