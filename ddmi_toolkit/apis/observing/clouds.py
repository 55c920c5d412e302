"""What a point cloud of a surface tells about an occupancy field."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ...structures import Observations, PlaneLayout


def observe_occupancies(points: Tensor, occupancies: Tensor) -> Observations:
    """Places that are known to be inside or outside.

    Args:
        points: ``(Q, 3)`` in data units.
        occupancies: ``(Q,)``: 1 inside, 0 outside, 0.5 on the surface, NaN not known.
    """
    return Observations(points, occupancies.to(points.dtype).reshape(-1, 1))


def observe_cloud(
    layout: PlaneLayout,
    points: Tensor,
    normals: Tensor | None = None,
    viewpoint: Tensor | None = None,
    *,
    offset: float | None = None,
    num_free: int = 4,
) -> Observations:
    """Points on a surface, and what follows from them.

    The surface has occupancy 0.5. With normals, places just inside are occupied and places just
    outside are empty. With a viewpoint, places between it and each point are empty: it was seen.

    Args:
        layout: Coordinate axes; what leaves their box is left out, but for the points themselves.
        points: ``(P, 3)`` in data units.
        normals: ``(P, 3)``, outward, of any length but 0.
        viewpoint: ``(3,)``, where the points were seen from.
        offset: How far inside and outside; None is half the distance of the finest nodes, the
            thinnest that a field can resolve.
        num_free: Empty places per point that a viewpoint gives.

    Raises:
        ValueError: Shapes that do not fit, normals of length 0, or no points.
    """
    if points.ndim != 2 or points.shape[1] != layout.dim or not len(points):
        raise ValueError(
            f'a cloud is (P, {layout.dim}) with at least one point, got {tuple(points.shape)}'
        )
    if normals is not None and normals.shape != points.shape:
        raise ValueError(
            f'normals {tuple(normals.shape)} do not fit points {tuple(points.shape)}; give one '
            f'each, or none'
        )
    places, values = [points], [0.5]
    if normals is not None:
        if not (normals.norm(dim=1) > 0).all():
            raise ValueError('a normal has length 0; leave the normals out or correct them')
        step = (_node_spacing(layout) / 2 if offset is None else offset) * F.normalize(
            normals, dim=1
        )
        places, values = [*places, points - step, points + step], [*values, 1.0, 0.0]
    if viewpoint is not None:
        # from a twentieth of the way, so that a noisy point does not empty its own surface
        shares = torch.linspace(0.05, 0.95, num_free).to(points).view(-1, 1, 1)
        free = points + shares.square() * (viewpoint.to(points) - points)
        places.append(free.flatten(0, 1))
        values.append(0.0)
    inferred = torch.cat(places[1:]) if places[1:] else points[:0]
    numbers = [p.new_full((len(p), 1), v) for p, v in zip(places, values, strict=True)]
    inside = _inside(layout, inferred)
    coords = torch.cat([points, inferred[inside]])
    rest = torch.cat(numbers[1:])[inside] if numbers[1:] else numbers[0][:0]
    return Observations(coords, torch.cat([numbers[0], rest]))


def _inside(layout: PlaneLayout, points: Tensor) -> Tensor:
    """Which points lie in the layout's box, ``(P,)``."""
    low = points.new_tensor([a.low for a in layout.axes.values()])
    high = points.new_tensor([a.high for a in layout.axes.values()])
    return ((points >= low) & (points <= high)).all(1)


def _node_spacing(layout: PlaneLayout) -> float:
    return min((a.high - a.low) / a.size for a in layout.axes.values())
