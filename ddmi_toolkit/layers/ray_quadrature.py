"""The integrals of volume rendering along rays: where to sample, and how samples add up.

Distances ``t`` are along unit directions from a ray's origin, in data units. What happens between
``near`` and ``far`` is a sum over cells around the samples, each of constant density and color
(Max 1995; NeRF, Mildenhall et al. 2020, Eq. 3), so that a constant density is integrated exactly
however many samples there are.
"""

from typing import NamedTuple

import torch
from torch import Tensor

_FLAT = 1e-5  # added to the weights of a histogram: NeRF's, so that a ray without any is uniform
_CLEAR = 1e-4  # opacity below which a ray has no depth


class Composite(NamedTuple):
    """What a ray gathers.

    Attributes:
        color: ``(..., C)``, premultiplied: nothing is added where the ray is clear.
        opacity: Share that is absorbed, ``(...)`` in [0, 1].
        depth: Expected distance of what absorbs, ``(...)``; infinite where the opacity is below
            1e-4.
        weights: Share that each sample absorbs, ``(..., n)``; their sum is the opacity.
    """

    color: Tensor
    opacity: Tensor
    depth: Tensor
    weights: Tensor


def intersect_box(
    origins: Tensor, dirs: Tensor, low: Tensor, high: Tensor
) -> tuple[Tensor, Tensor]:
    """Where rays enter and leave a box.

    Args:
        origins: ``(..., 3)``, outside or inside of the box.
        dirs: Unit directions ``(..., 3)``.
        low: Lower corner, ``(3,)``.
        high: Upper corner, ``(3,)``.

    Returns:
        Distances ``near`` and ``far``, ``(...)``, ``0 <= near <= far``; both are the same where a
        ray misses the box or leaves it behind.
    """
    tiny = torch.finfo(dirs.dtype).tiny ** 0.5
    slope = torch.where(dirs.abs() < tiny, torch.full_like(dirs, tiny), dirs)  # 0 / 0 is no number
    a, b = (low - origins) / slope, (high - origins) / slope
    near = torch.minimum(a, b).amax(-1).clamp(min=0)
    far = torch.maximum(a, b).amin(-1)
    is_met = far > near
    return near.where(is_met, 0), far.where(is_met, 0)


def strata(near: Tensor, far: Tensor, places: Tensor) -> Tensor:
    """One sample in each of ``n`` equal parts of a ray.

    Args:
        near: ``(...)``.
        far: ``(...)``.
        places: Where in its part each sample is, in [0, 1), ``(..., n)``; 0.5 is the middle.

    Returns:
        Increasing distances ``(..., n)``.
    """
    n = places.shape[-1]
    index = torch.arange(n, dtype=places.dtype, device=places.device)
    return near[..., None] + (far - near)[..., None] * ((index + places) / n)


def cell_edges(t: Tensor, near: Tensor, far: Tensor) -> Tensor:
    """Ends of the cells around increasing samples ``(..., n)``: half way, ``(..., n + 1)``."""
    middles = (t[..., 1:] + t[..., :-1]) / 2
    return torch.cat([near[..., None], middles, far[..., None]], dim=-1)


def composite(t: Tensor, edges: Tensor, density: Tensor, color: Tensor) -> Composite:
    """Emission and absorption along rays.

    ``w_i = exp(-sum_{j<i} sigma_j delta_j) (1 - exp(-sigma_i delta_i))``.

    Args:
        t: Samples ``(..., n)``.
        edges: Ends of their cells, ``(..., n + 1)``.
        density: ``sigma >= 0`` per data unit, ``(..., n)``.
        color: ``(..., n, C)``.
    """
    optical = density * edges.diff(dim=-1)
    passed = optical.cumsum(-1)
    weights = torch.exp(optical - passed) * -torch.expm1(-optical)
    opacity = -torch.expm1(-passed[..., -1])
    depth = (weights * t).sum(-1) / opacity.clamp(min=_CLEAR)
    return Composite(
        color=(weights[..., None] * color).sum(-2),
        opacity=opacity,
        depth=depth.where(opacity >= _CLEAR, torch.inf),
        weights=weights,
    )


def widened(weights: Tensor) -> Tensor:
    """Weights ``(..., n)`` of which cells beside a heavy one have their part.

    A surface between two samples lies in either's cell. Of mip-NeRF (Barron et al. 2021, section
    3.1): the mean of the two maxima with the neighbors.
    """
    padded = torch.cat([weights[..., :1], weights, weights[..., -1:]], dim=-1)
    highest = torch.maximum(padded[..., 1:], padded[..., :-1])
    return (highest[..., 1:] + highest[..., :-1]) / 2


def sample_histogram(edges: Tensor, weights: Tensor, places: Tensor) -> Tensor:
    """Samples of a density that is constant in each cell, by its inverse distribution function.

    The hierarchical sampling of NeRF (Mildenhall et al. 2020, section 5.2).

    Args:
        edges: Ends of the cells, ``(..., n + 1)``.
        weights: Of the cells, at least 0, ``(..., n)``; their sum is of the order of 1.
        places: Where each sample is in its of ``m`` equal shares of probability, in [0, 1),
            ``(..., m)``.

    Returns:
        Increasing distances ``(..., m)``.
    """
    mass = (weights + _FLAT).cumsum(-1)
    reached = torch.cat([torch.zeros_like(mass[..., :1]), mass / mass[..., -1:]], dim=-1)
    zero, one = torch.zeros_like(reached[..., 0]), torch.ones_like(reached[..., 0])
    wanted = strata(zero, one, places)
    cell = torch.searchsorted(reached, wanted.contiguous(), right=True) - 1
    cell = cell.clamp(0, weights.shape[-1] - 1)
    start, end = reached.gather(-1, cell), reached.gather(-1, cell + 1)
    left, right = edges.gather(-1, cell), edges.gather(-1, cell + 1)
    return left + (right - left) * (wanted - start) / (end - start)
