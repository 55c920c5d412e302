"""Empty space is skipped, and nobody sees it."""

from math import log1p, sqrt

import pytest
import torch
from radiance_scenes import balls, scene, slabs

from ddmi_toolkit.layers.occupancy_grid import OccupancyGrid
from ddmi_toolkit.layers.ray_marching import render_rays
from ddmi_toolkit.structures import orbit, stack_rays

WHITE = (1.0, 1.0, 1.0)


def psnr(a: torch.Tensor, b: torch.Tensor) -> float:
    """Of values in [-1, 1], dB."""
    return -10 * torch.log10((a - b).square().mean() / 4 + 1e-12).item()


def views(size: int = 40) -> tuple[torch.Tensor, torch.Tensor]:
    origins, dirs = stack_rays(orbit(3, 3.0, 25.0, size=(size, size)))
    return origins[None], dirs[None]


@torch.no_grad()
@pytest.mark.parametrize('density', [20.0, 300.0])
def test_skipping_changes_nothing_to_be_seen(density):
    """At least 45 dB, from at most a quarter of the points, of soft and of solid balls."""
    field = scene(balls(density))
    grid = OccupancyGrid.of_field(field, 32)
    whole = render_rays(field, *views())
    fast = render_rays(field, *views(), grid=grid)
    assert psnr(fast.color, whole.color) > 45
    assert psnr(fast.opacity, whole.opacity) > 45
    assert fast.num_placed == whole.num_placed == whole.num_evaluated
    assert fast.num_evaluated < 0.25 * fast.num_placed
    seen = whole.opacity > 0.5
    torch.testing.assert_close(fast.depth[seen], whole.depth[seen], atol=1e-2, rtol=0)


@torch.no_grad()
@pytest.mark.parametrize('factor', [0.9, 1.1])
def test_fog_is_dropped_as_far_as_allowed(factor):
    """Below the density at which the whole box absorbs the allowed loss, and no more."""
    least = -log1p(-0.01) / (2 * sqrt(3))
    field = scene(slabs([(-2.0, 2.0, factor * least, (-1.0, -1.0, -1.0))]))
    grid = OccupancyGrid.of_field(field, 8, max_loss=0.01)
    assert grid.share == (factor > 1)
    fast, whole = (render_rays(field, *views(8), grid=g) for g in (grid, None))
    assert (fast.color - whole.color).abs().max() <= 2 * 0.01


@torch.no_grad()
def test_cells_around_matter_are_occupied():
    """One cell more on each side, as the density between its nodes is not known."""
    grid = OccupancyGrid.of_field(scene(slabs([(0.1, 0.4, 5.0, WHITE)])), 8)
    z = grid.is_occupied.any(0).any(0)
    # nodes at 0.25 alone lie inside: the cells on its sides, then one more on each
    assert z.tolist() == [False, False, False, True, True, True, True, False]
    assert grid.share == pytest.approx(0.5)


def test_points_are_looked_up_in_their_cells():
    """Axis by axis, the ends of the box included."""
    is_occupied = torch.zeros(4, 4, 4, dtype=torch.bool)
    is_occupied[0, 1, 3] = True
    grid = OccupancyGrid(is_occupied, torch.tensor([-1.0] * 3), torch.tensor([1.0] * 3))
    points = torch.tensor([[-1.0, -0.3, 1.0], [-0.6, -0.1, 0.6], [-0.4, -0.3, 0.9]])
    assert grid.contains(points).tolist() == [True, True, False]


@torch.no_grad()
def test_nothing_is_evaluated_behind_what_is_opaque():
    """A wall hides the room: its first quarter of the even samples is enough."""
    field = scene(slabs([(-2.0, 2.0, 1000.0, WHITE)]))
    grid = OccupancyGrid.of_field(field, 8)
    ray = torch.tensor([[[0.0, 0.0, 3.0]]]), torch.tensor([[[0.0, 0.0, -1.0]]])
    out = render_rays(field, *ray, num_samples=64, num_importance=0, grid=grid)
    assert out.num_evaluated == 16
    assert out.opacity.item() == pytest.approx(1)


@torch.no_grad()
def test_an_empty_field_costs_nothing():
    """Nothing to see, nothing evaluated."""
    field = scene(slabs([]))
    out = render_rays(field, *views(4), grid=OccupancyGrid.of_field(field, 4), background=0.5)
    assert out.num_evaluated == 0
    assert (out.color == 0.5).all()


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(field=scene(balls(), torch.zeros(2, 3))), r'a grid is of one field, got 2; take'),
        (dict(resolution=0), 'resolution=0 must be at least one cell'),
        (dict(max_loss=1.0), r'max_loss=1.0 an opacity in \(0, 1\)'),
    ],
)
def test_errors_of_grids_say_what_to_do(change, message):
    """Each names the argument, the value and the expectation."""
    with pytest.raises(ValueError, match=message):
        OccupancyGrid.of_field(**(dict(field=scene(balls())) | change))


def test_a_grid_goes_with_one_field():
    """The grid of one field says nothing about another."""
    fields = scene(balls(), torch.zeros(2, 3))
    grid = OccupancyGrid.of_field(fields[0], 4)
    rays = (x.expand(2, *x.shape[1:]) for x in views(2))
    with pytest.raises(ValueError, match=r'a grid is of one field, got a batch of 2; take field'):
        render_rays(fields, *rays, grid=grid)
