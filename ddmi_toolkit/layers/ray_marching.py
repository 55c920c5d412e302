"""Pictures of radiance fields: rays through the box of a field, sampled twice and summed up."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ..structures import Field, Points, seeded_uniform
from .occupancy_grid import OccupancyGrid, box, check_radiance
from .ray_quadrature import (
    cell_edges,
    composite,
    intersect_box,
    sample_histogram,
    strata,
    widened,
)

_SPENT = 1e-3  # what is left of a ray when it is not followed any further
_LEGS = 4  # parts of a ray after which it is asked whether anything is left
_A, _B = 2 / (1 + 5**0.5), (1 + 5**0.5) / 2
_DODECAHEDRON = [
    *[(1, 1, 1), (1, 1, -1), (1, -1, 1), (-1, 1, 1), (0, _A, _B)],
    *[(0, _A, -_B), (_A, _B, 0), (_A, -_B, 0), (_B, 0, _A), (-_B, 0, _A)],
]

Color = float | Sequence[float] | Tensor


class RenderedRays(NamedTuple):
    """What rays see.

    Attributes:
        color: ``(B, *S, 3)`` in [-1, 1], on the background.
        opacity: Share that is absorbed before the background, ``(B, *S)``.
        depth: Expected distance of what absorbs, ``(B, *S)`` in data units; infinite where the
            opacity is below 1e-4.
        num_evaluated: Points at which the field was evaluated.
        num_placed: Points that were placed on rays that meet the box.
    """

    color: Tensor
    opacity: Tensor
    depth: Tensor
    num_evaluated: int
    num_placed: int


def render_rays(
    field: Field,
    origins: Tensor,
    dirs: Tensor,
    *,
    num_samples: int = 64,
    num_importance: int = 64,
    background: Color = 1.0,
    seed: Tensor | None = None,
    max_points: int = 2**18,
    grid: OccupancyGrid | None = None,
) -> RenderedRays:
    """Volume rendering of radiance fields along rays.

    Each ray is sampled evenly inside the layout's box; more samples follow where these absorb
    (they are of the same field, and all samples count). Deterministic without seeds, then also
    independent of the batch. With gradients (and no grid) all is evaluated at once; without, ray
    by ray as memory allows.

    Args:
        field: A batch of radiance fields: color in [-1, 1], then density.
        origins: ``(B, *S, 3)`` in data units.
        dirs: Unit directions ``(B, *S, 3)``.
        num_samples: Even samples per ray.
        num_importance: Further samples per ray, 0 for none.
        background: What is seen where nothing absorbs: a value, three, or ``(B, 3)``.
        seed: ``(B,)`` int64; samples are then jittered inside their strata. None: the middles.
        max_points: Without gradients, points placed at a time.
        grid: Where the field (a batch of one) may be anything else than empty. Nothing is
            evaluated elsewhere, nor behind what has absorbed 99.9 % of a ray.

    Raises:
        ValueError: No radiance field, rays of another shape or number, or numbers of samples that
            do not fit.
    """
    plan = _Plan(num_samples, num_importance, max_points)
    _check(field, origins, dirs, grid, plan)
    batch, *shape = origins.shape[:-1]
    origins, dirs = (x.reshape(batch, -1, 3).to(box(field)[0]) for x in (origins, dirs))
    places = None
    if seed is not None:
        size = (origins.shape[1], num_samples + num_importance)
        places = seeded_uniform(seed, 'rays', origins.device, size).to(origins.dtype)
    if torch.is_grad_enabled() and grid is None:
        parts = [_march(field, origins, dirs, places, plan, None)]
    else:
        parts = [
            _march_in_parts(
                field[i], origins[i], dirs[i], None if places is None else places[i], plan, grid
            )
            for i in range(batch)
        ]
    color, opacity, depth = (torch.cat(x) for x in zip(*(p[:3] for p in parts), strict=True))
    color = color + (1 - opacity)[..., None] * _as_color(background, color)
    return RenderedRays(
        color.reshape(batch, *shape, 3),
        opacity.reshape(batch, *shape),
        depth.reshape(batch, *shape),
        sum(p.num_evaluated for p in parts),
        sum(p.num_placed for p in parts),
    )


def density_normals(field: Field, points: Tensor, step: float | None = None) -> Tensor:
    """Directions in which the density falls, ``(B, Q, 3)`` unit vectors.

    From differences along the ten axes of a dodecahedron: derivatives jump at the nodes of the
    planes, and three axes say little of a density that leaps within ``step``. Off by 2 degrees on
    average where it leaps within a fifth of it.

    Args:
        field: A batch of radiance fields, evaluated at 20 places around each point.
        points: ``(B, Q, 3)``.
        step: Distance of these; None is that of the finest nodes.

    Returns:
        Zero where the density is the same on all sides.
    """
    if step is None:
        step = min((a.high - a.low) / a.size for a in field.layout.axes.values())
    axes = F.normalize(points.new_tensor(_DODECAHEDRON), dim=-1)  # (10, 3)
    around = points[:, :, None] + step * torch.cat([axes, -axes])  # (B, Q, 20, 3)
    density = field(Points(around.flatten(1, 2), field.layout))[..., -1]
    ahead, behind = density.unflatten(1, around.shape[1:3]).chunk(2, dim=-1)
    return F.normalize((behind - ahead) @ axes, dim=-1)


@dataclass(frozen=True)
class _Plan:
    num_samples: int
    num_importance: int
    max_points: int

    @property
    def total(self) -> int:
        return self.num_samples + self.num_importance


class _Values:
    """Values of a field along rays, evaluated where they can matter, and their number."""

    def __init__(
        self, field: Field, origins: Tensor, dirs: Tensor, grid: OccupancyGrid | None
    ) -> None:
        self.field, self.origins, self.dirs, self.grid = field, origins, dirs, grid
        self.num_evaluated = 0

    def at(self, t: Tensor, is_followed: Tensor | None = None) -> Tensor:
        """Color and density ``(B, R, n, 4)`` at distances ``(B, R, n)``.

        Zero in the empty cells of a grid and on rays that are not followed.
        """
        points = self.origins[..., None, :] + t[..., None] * self.dirs[..., None, :]
        dirs = self.dirs[..., None, :].expand_as(points)
        if self.grid is None:
            self.num_evaluated += t.numel()
            coords = Points(points.flatten(1, 2), self.field.layout)
            return self.field(coords, dirs=dirs.flatten(1, 2)).unflatten(1, t.shape[1:])
        wanted = self.grid.contains(points)
        if is_followed is not None:
            wanted = wanted & is_followed[..., None]
        values = points.new_zeros(*t.shape, 4)
        chosen = points[wanted]
        self.num_evaluated += len(chosen)
        if len(chosen):
            coords = Points(chosen[None], self.field.layout)
            values[wanted] = self.field(coords, dirs=dirs[wanted][None])[0].to(values.dtype)
        return values


def _march(
    field: Field,
    origins: Tensor,
    dirs: Tensor,
    places: Tensor | None,
    plan: _Plan,
    grid: OccupancyGrid | None,
) -> RenderedRays:
    """Rays ``(B, R, 3)`` on no background; ``places (B, R, n + m)`` inside the strata."""
    near, far = intersect_box(origins, dirs, *box(field))
    if places is None:
        places = torch.full_like(near[..., None], 0.5).expand(*near.shape, plan.total)
    first, second = places.split([plan.num_samples, plan.num_importance], dim=-1)
    values = _Values(field, origins, dirs, grid)
    t = strata(near, far, first)
    edges = cell_edges(t, near, far)
    found = values.at(t) if grid is None else _follow(values, t, edges)
    if plan.num_importance:
        with torch.no_grad():
            weights = composite(t, edges, found[..., 3], found[..., :3]).weights
            more = sample_histogram(edges, widened(weights), second)
        t, order = torch.cat([t, more], dim=-1).sort(dim=-1)
        found = torch.cat([found, values.at(more)], dim=-2)
        found = found.gather(-2, order[..., None].expand_as(found))
        edges = cell_edges(t, near, far)
    color, opacity, depth, _ = composite(t, edges, found[..., 3], found[..., :3])
    return RenderedRays(color, opacity, depth, values.num_evaluated, t.numel())


def _follow(values: _Values, t: Tensor, edges: Tensor) -> Tensor:
    """Values at ``t``, leg by leg along the rays of which something is left."""
    found, passed = [], torch.zeros_like(t[..., 0])
    sizes = [len(part) for part in torch.arange(t.shape[-1]).tensor_split(_LEGS)]
    for leg, length in zip(t.split(sizes, -1), edges.diff(dim=-1).split(sizes, -1), strict=True):
        found.append(values.at(leg, torch.exp(-passed) > _SPENT))
        passed = passed + (found[-1][..., 3] * length).sum(-1)
    return torch.cat(found, dim=-2)


def _march_in_parts(
    field: Field,
    origins: Tensor,
    dirs: Tensor,
    places: Tensor | None,
    plan: _Plan,
    grid: OccupancyGrid | None,
) -> RenderedRays:
    """Rays ``(R, 3)`` of one field, those that meet its box, as many at a time as fit."""
    near, far = intersect_box(origins, dirs, *box(field))
    met = (far > near).nonzero()[:, 0]
    color, opacity = origins.new_zeros(1, len(origins), 3), origins.new_zeros(1, len(origins))
    depth = torch.full_like(opacity, torch.inf)
    num_evaluated = 0
    for rays in met.split(max(plan.max_points // plan.total, 1)):
        own = None if places is None else places[None, rays]
        part = _march(field, origins[None, rays], dirs[None, rays], own, plan, grid)
        color[:, rays], opacity[:, rays], depth[:, rays] = part[:3]
        num_evaluated += part.num_evaluated
    return RenderedRays(color, opacity, depth, num_evaluated, len(met) * plan.total)


def _as_color(background: Color, like: Tensor) -> Tensor:
    """``(B, 1, 3)`` of a value, three of them, or three per field."""
    color = torch.as_tensor(background, dtype=like.dtype, device=like.device)
    if color.shape not in ((), (3,), (len(like), 3)):
        raise ValueError(
            f'background of shape {tuple(color.shape)} must be a value, three of them, or '
            f'({len(like)}, 3)'
        )
    return color.expand(len(like), 3)[:, None]


def _check(
    field: Field, origins: Tensor, dirs: Tensor, grid: OccupancyGrid | None, plan: _Plan
) -> None:
    check_radiance(field)
    if origins.shape != dirs.shape or origins.ndim < 2 or origins.shape[-1] != 3:
        raise ValueError(
            f'origins {tuple(origins.shape)} and dirs {tuple(dirs.shape)} must both be (B, *S, 3)'
        )
    if len(origins) != len(field):
        raise ValueError(
            f'rays for {len(origins)} fields given to a batch of {len(field)}; expand them or '
            f'index the field'
        )
    if plan.num_samples < 1 or plan.num_importance < 0 or plan.max_points < 1:
        raise ValueError(
            f'num_samples={plan.num_samples} and max_points={plan.max_points} must be at least 1, '
            f'num_importance={plan.num_importance} at least 0'
        )
    if grid is not None and len(field) != 1:
        raise ValueError(f'a grid is of one field, got a batch of {len(field)}; take field[i]')
