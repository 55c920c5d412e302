"""Chairs on grids, and the transforms that make grids look like decoded ones."""

import numpy as np
import pytest
import torch

from ddmi_toolkit.datasets import (
    MirrorGrid,
    MoveGrid,
    ProceduralChairGrids,
    ProceduralChairs,
    RoughenGrid,
    VoteGrid,
)
from ddmi_toolkit.datasets.procedural.chair_design import design_seat
from ddmi_toolkit.datasets.transforms.grids import blur


def rng():
    """The same draws in every test."""
    return np.random.default_rng(0)


def box(size=16):
    """A box off the middle."""
    grid = np.zeros((size,) * 3, dtype=bool)
    grid[4:8, 6:9, 5:13] = True
    return grid


@pytest.mark.parametrize('seed', [0, 3, 7, 11])
def test_a_grid_is_the_solid_at_the_centers_of_cells(seed):
    """Exactly, also at a second visit, which reads the kept bits."""
    data = ProceduralChairGrids(num_shapes=12, resolution=20)
    line = (np.arange(20) + 0.5) / 20 * 1.1 - 0.55
    points = np.stack(np.meshgrid(line, line, line, indexing='ij'), -1).reshape(-1, 3)
    solid, attributes = design_seat(seed)
    expected = solid.contains(points).reshape(20, 20, 20)
    for _ in range(2):
        sample = data[seed]
        assert np.array_equal(sample['inputs'].numpy(), expected)
        assert sample['inputs'].dtype == torch.uint8
        assert sample['meta']['attributes'] == attributes


def test_grids_and_clouds_are_of_the_same_shapes():
    """Names, labels and captions of a seed agree with those of `ProceduralChairs`."""
    grids = ProceduralChairGrids(num_shapes=3, first_seed=40, resolution=8)
    chairs = ProceduralChairs(num_shapes=3, first_seed=40, num_points=8, num_inputs=8)
    assert grids.metainfo == chairs.metainfo
    for i in range(3):
        for key in ('name', 'label', 'class_name', 'caption'):
            assert grids[i]['meta'][key] == chairs[i]['meta'][key]


@pytest.mark.parametrize('options', [dict(num_shapes=0), dict(resolution=0)])
def test_counts_are_positive(options):
    """The message names the argument."""
    with pytest.raises(ValueError, match=f'{next(iter(options))} must be at least 1, got 0'):
        ProceduralChairGrids(**options)


def test_mirroring_swaps_left_and_right_half_of_the_time():
    """Along x, and nothing else."""
    draws = rng()
    found = [MirrorGrid()(dict(grid=box(), rng=draws))['grid'] for _ in range(64)]
    mirrored = [np.array_equal(grid, box()[::-1]) for grid in found]
    assert all(m or np.array_equal(grid, box()) for m, grid in zip(mirrored, found, strict=True))
    assert 16 < sum(mirrored) < 48


def test_moving_by_nothing_changes_nothing():
    """The lookup is at the cells themselves."""
    moved = MoveGrid(scale=0, shift=0)(dict(grid=box(), rng=rng()))['grid']
    assert np.array_equal(moved, box())


def test_moving_shifts_and_scales_within_bounds():
    """The middle of the box moves by the shift at most, its volume by the scale."""
    for seed in range(8):
        draws = np.random.default_rng(seed)
        grid = np.zeros((32,) * 3, dtype=bool)
        grid[10:22, 10:22, 10:22] = True
        moved = MoveGrid(scale=0.0, shift=0.1)(dict(grid=grid, rng=draws))['grid']
        middle = np.argwhere(moved).mean(0)
        assert np.abs(middle - 15.5).max() <= 3.2 + 0.5
        assert moved.sum() == grid.sum()


def test_what_leaves_the_grid_is_lost():
    """Nothing comes in on the other side."""
    full = np.ones((16,) * 3, dtype=bool)
    moved = MoveGrid(scale=0, shift=0.4)(dict(grid=full, rng=rng()))['grid']
    assert not moved.all()
    assert moved.any()


def test_a_blur_keeps_the_sum_inside_and_is_symmetric():
    """Weights (1, 2, 1) / 4 of each axis."""
    values = np.zeros((5, 5, 5))
    values[2, 2, 2] = 1
    blurred = blur(values)
    assert blurred.sum() == pytest.approx(1)
    assert blurred[2, 2, 2] == pytest.approx(1 / 8)
    assert blurred[1, 2, 3] == pytest.approx(1 / 32)
    assert blurred[0].sum() == 0


def test_roughening_moves_surfaces_and_keeps_the_bulk():
    """Cells two away from the surface stay as they are without noise."""
    grid = np.zeros((24,) * 3, dtype=bool)
    grid[4:20, 4:20, 4:20] = True
    changed = 0
    for seed in range(10):
        record = dict(grid=grid, rng=np.random.default_rng(seed))
        rough = RoughenGrid(clean=0, noise=0)(record)['grid']
        assert rough[7:17, 7:17, 7:17].all()
        assert not rough[:2].any()
        changed += int((rough != grid).any())
    assert changed > 3


def test_clean_grids_stay():
    """All of them, if the share is one."""
    for seed in range(5):
        record = dict(grid=box(), rng=np.random.default_rng(seed))
        assert np.array_equal(RoughenGrid(clean=1)(record)['grid'], box())


def test_votes_of_queries_make_the_grid():
    """Enough uniform points reproduce it, cells without any follow their neighbors."""
    draws = rng()
    points = draws.uniform(-0.55, 0.55, (40_000, 3))
    cells = np.floor((points / 0.55 + 1) / 2 * 16).astype(int)
    inside = box()[tuple(cells.T)]
    record = dict(name='a', points=points, occupancies=inside, rng=draws)
    assert np.array_equal(VoteGrid(16)(record)['grid'], box())
    keep = (cells != [5, 7, 8]).any(1)
    record = dict(name='a', points=points[keep], occupancies=inside[keep], rng=draws)
    assert np.array_equal(VoteGrid(16)(record)['grid'], box())


def test_too_few_queries_are_named():
    """With the number that is needed."""
    record = dict(name='a', points=np.zeros((10, 3)), occupancies=np.zeros(10), rng=rng())
    with pytest.raises(ValueError, match="'a' has 10 queries for 512 cells"):
        VoteGrid(8)(record)


@pytest.mark.parametrize(
    ('make', 'message'),
    [
        (lambda: MoveGrid(scale=0.5), r'scale=0.5 must be in \[0, 0.5\)'),
        (lambda: RoughenGrid(clean=2), 'clean=2 is a share'),
        (lambda: RoughenGrid(noise=-1), 'noise=-1 must not be negative'),
        (lambda: RoughenGrid(levels=(0.6, 0.4)), 'levels=.* the lower one first'),
        (lambda: VoteGrid(0), 'resolution must be at least 1, got 0'),
    ],
)
def test_bad_arguments_of_transforms_are_named(make, message):
    """When the pipeline is built."""
    with pytest.raises(ValueError, match=message):
        make()
