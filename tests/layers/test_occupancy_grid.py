"""Empty space is skipped, and nobody sees it."""

from math import log1p, sqrt

import pytest
import torch
from radiance_scenes import balls, scene, slabs

from ddmi_toolkit.layers.occupancy_grid import OccupancyGrid, affordable
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
@pytest.mark.parametrize('max_loss', [1e-3, 0.05])
@pytest.mark.parametrize('depth', [0.2, 0.45, 0.9, 5.0])
def test_fog_is_left_out_as_far_as_allowed(max_loss, depth):
    """Of any thickness: a ray loses no more, and of thin fog nothing is looked at."""
    budget = -log1p(-max_loss)
    fog = depth * budget / (2 * sqrt(3))
    field = scene(slabs([(-2.0, 2.0, fog, (-1.0, -1.0, -1.0))]))
    grid = OccupancyGrid.of_field(field, 8, max_loss=max_loss)
    fast, whole = (render_rays(field, *views(8), grid=g) for g in (grid, None))
    assert (fast.opacity - whole.opacity).abs().max() <= max_loss
    assert (fast.color - whole.color).abs().max() <= 2 * max_loss
    assert (fast.num_evaluated == 0) == (depth < 0.5)
    assert grid.share == (depth > 1)


@torch.no_grad()
def test_bounds_hold_between_nodes():
    """A cell is as dense as what is beside it; far from matter it is empty."""
    grid = OccupancyGrid.of_field(scene(slabs([(0.1, 0.4, 5.0, WHITE)])), 8)
    z = grid.density[0, 0]
    # nodes at 0.25 alone lie inside: the cells on its sides, then one more on each
    assert z.tolist() == [0, 0, 0, 5, 5, 5, 5, 0]
    assert grid.share == pytest.approx(0.5)


def test_points_are_looked_up_in_their_cells():
    """Axis by axis, the ends of the box included."""
    density = torch.zeros(4, 4, 4)
    density[0, 1, 3] = 7
    grid = OccupancyGrid(density, torch.tensor([-1.0] * 3), torch.tensor([1.0] * 3))
    points = torch.tensor([[-1.0, -0.3, 1.0], [-0.6, -0.1, 0.6], [-0.4, -0.3, 0.9]])
    assert grid.density_at(points).tolist() == [7, 7, 0]


def test_the_least_samples_are_left_out_first():
    """As many as the budget allows; what is not spent remains."""
    loss = torch.tensor([[0.3, 0.0, 0.1, 0.2], [0.3, 0.3, 0.3, 0.3]])
    is_out, remains = affordable(loss, torch.tensor([0.35, 0.2]))
    assert is_out.tolist() == [[False, True, True, True], [False] * 4]
    torch.testing.assert_close(remains, torch.tensor([0.05, 0.2]))


@torch.no_grad()
@pytest.mark.parametrize('num_importance', [0, 64])
def test_nothing_is_evaluated_behind_what_is_opaque(num_importance):
    """A wall hides the room: an eighth of the even samples is enough, and what is at the wall."""
    field = scene(slabs([(-2.0, 2.0, 1000.0, WHITE)]))
    grid = OccupancyGrid.of_field(field, 8)
    ray = torch.tensor([[[0.0, 0.0, 3.0]]]), torch.tensor([[[0.0, 0.0, -1.0]]])
    out = render_rays(field, *ray, num_importance=num_importance, grid=grid)
    # half of the others lie in the second cell, beside the heavy one
    assert out.num_evaluated <= 8 + num_importance * 0.75
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
