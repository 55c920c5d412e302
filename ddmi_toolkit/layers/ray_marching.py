"""Pictures of radiance fields: rays through the box of a field, sampled twice and summed up."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from ..structures import Field, Points, seeded_uniform
from .occupancy_grid import OccupancyGrid, affordable, box, check_radiance
from .ray_quadrature import (
    cell_edges,
    composite,
    intersect_box,
    sample_histogram,
    strata,
    widened,
)

_LEGS = 8  # parts of a ray after which it is asked how much of it is left

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
        grid: How dense the field (a batch of one) is at most. It is not evaluated where a ray can
            hardly lose anything: in thin air, and behind what absorbs nearly all of it.

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

    def at(self, t: Tensor) -> Tensor:
        """Color and density ``(B, R, n, 4)`` at distances ``(B, R, n)``."""
        self.num_evaluated += t.numel()
        points = self._points(t)
        dirs = self.dirs[..., None, :].expand_as(points).flatten(1, 2)
        values = self.field(Points(points.flatten(1, 2), self.field.layout), dirs=dirs)
        return values.unflatten(1, t.shape[1:])

    def where_it_matters(
        self, t: Tensor, lengths: Tensor, left: Tensor, budget: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The same, but zero where a ray can afford not to look.

        Args:
            t: Distances ``(1, R, n)``.
            lengths: Of the cells around them, ``(1, R, n)``.
            left: Share of the ray that arrives there, ``(1, R, n)`` or less.
            budget: What a ray may still lose, ``(1, R)``.

        Returns:
            Values, and what remains of the budget.
        """
        points = self._points(t)
        is_out, budget = affordable(self.grid.density_at(points) * lengths * left, budget)
        values, wanted = points.new_zeros(*t.shape, 4), ~is_out
        chosen = points[wanted]
        self.num_evaluated += len(chosen)
        if len(chosen):
            dirs = self.dirs[..., None, :].expand_as(points)[wanted]
            found = self.field(Points(chosen[None], self.field.layout), dirs=dirs[None])
            values[wanted] = found[0].to(values.dtype)
        return values, budget

    def _points(self, t: Tensor) -> Tensor:
        return self.origins[..., None, :] + t[..., None] * self.dirs[..., None, :]


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
        all_t, order = torch.cat([t, more], dim=-1).sort(dim=-1)
        all_edges = cell_edges(all_t, near, far)
        if grid is None:
            others = values.at(more)
        else:
            lengths = all_edges.diff(dim=-1).gather(-1, order.argsort(-1))[..., t.shape[-1] :]
            left = _left(found[..., 3], edges, more)
            others, _ = values.where_it_matters(more, lengths, left, _half(grid, near))
        found = torch.cat([found, others], dim=-2)
        found = found.gather(-2, order[..., None].expand_as(found))
        t, edges = all_t, all_edges
    color, opacity, depth, _ = composite(t, edges, found[..., 3], found[..., :3])
    return RenderedRays(color, opacity, depth, values.num_evaluated, t.numel())


def _follow(values: _Values, t: Tensor, edges: Tensor) -> Tensor:
    """Values at even samples, leg by leg, as the rays are used up."""
    passed, budget = torch.zeros_like(t[..., :1]), _half(values.grid, t[..., 0])
    sizes = [len(part) for part in torch.arange(t.shape[-1]).tensor_split(_LEGS)]
    found = []
    for leg, length in zip(t.split(sizes, -1), edges.diff(dim=-1).split(sizes, -1), strict=True):
        there, budget = values.where_it_matters(leg, length, torch.exp(-passed), budget)
        passed = passed + (there[..., 3] * length).sum(-1, keepdim=True)
        found.append(there)
    return torch.cat(found, dim=-2)


def _left(density: Tensor, edges: Tensor, t: Tensor) -> Tensor:
    """Share of a ray that arrives at the cells in which distances ``(B, R, m)`` lie."""
    optical = density * edges.diff(dim=-1)
    before = torch.exp(optical - optical.cumsum(-1))
    cell = torch.searchsorted(edges, t.contiguous(), right=True) - 1
    return before.gather(-1, cell.clamp(0, density.shape[-1] - 1))


def _half(grid: OccupancyGrid, like: Tensor) -> Tensor:
    """What each of the two passes may lose along rays."""
    return torch.full_like(like, grid.budget / 2)


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
