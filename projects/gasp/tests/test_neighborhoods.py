"""Neighbors, centers and orders of points."""

import pytest
import torch
from gasp_project import neighborhoods as module
from gasp_project.neighborhoods import (
    canonical_order,
    farthest_points,
    neighborhoods,
    take,
)


def points(batch=2, count=40, dim=3):
    return torch.rand(batch, count, dim, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize('search', ['_nearest_by_trees', '_nearest_by_distances'])
def test_the_nearest_points_are_those_of_all_distances(search, monkeypatch):
    """By both searches; also when only two rows of distances fit into memory."""
    find = getattr(module, search)
    centers, others = points(count=7), points()
    distances = (centers[:, :, None] - others[:, None]).norm(dim=-1)
    expected = distances.argsort(dim=-1)[..., :5]
    assert torch.equal(find(centers, others, 5), expected)
    monkeypatch.setattr(module, 'MAX_PAIRS', 2 * others.shape[0] * others.shape[1])
    assert torch.equal(find(centers, others, 5), expected)


def test_farthest_points_halve_a_line():
    line = torch.arange(9.0)[None, :, None]
    assert farthest_points(line, 5).tolist() == [[0, 8, 4, 2, 6]]


def test_too_many_farthest_points_are_named():
    with pytest.raises(ValueError, match='41 farthest points wanted of a set of 40'):
        farthest_points(points(), 41)


@pytest.mark.parametrize('dim', [1, 2, 3])
def test_sorted_points_forget_their_order(dim):
    """Points of a grid, whose coordinates are often equal."""
    axes = torch.meshgrid(*[torch.arange(4.0)] * dim, indexing='ij')
    grid = torch.stack(axes, dim=-1).flatten(0, -2)
    shuffled = grid[torch.randperm(len(grid), generator=torch.Generator().manual_seed(1))][None]
    assert torch.equal(take(shuffled, canonical_order(shuffled))[0], grid)


def test_a_neighborhood_holds_its_center_and_gathers_features():
    """Offsets plus the center are the coordinates of the neighbors."""
    x = points()
    place = neighborhoods(x, 6, num_centers=5)
    assert (place.offsets.norm(dim=-1).min(-1).values == 0).all()
    torch.testing.assert_close(place.gather(x), place.centers[:, :, None] + place.offsets)


def test_points_of_a_whole_batch_are_searched_once():
    x = points(batch=1)
    shared, each = neighborhoods(x, 6, 5), neighborhoods(x.expand(3, -1, -1), 6, 5)
    features = torch.rand(3, 40, 2)
    assert len(shared.index) == 1
    assert torch.equal(shared.gather(features), each.gather(features))
