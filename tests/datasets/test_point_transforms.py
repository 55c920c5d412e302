"""Shape transforms: what is drawn, and what a sample holds."""

import numpy as np
import pytest
import torch

from ddmi_toolkit.datasets import (
    CropSurface,
    JitterSurface,
    PackShape,
    SubsamplePoints,
    SubsampleSurface,
)


def record(seed=0, **extra):
    """Points whose x is their index, occupied where even."""
    grid = np.arange(100, dtype=np.float32)
    points = np.stack([grid, grid, grid], axis=1)
    return dict(
        name='shape',
        rng=np.random.default_rng(seed),
        points=points,
        occupancies=grid % 2 == 0,
        surface_points=points[:50] / 100,
        surface_normals=-points[:50],
        **extra,
    )


def test_occupancy_stays_with_its_point():
    out = SubsamplePoints(64)(record())
    assert np.array_equal(out['occupancies'], out['points'][:, 0] % 2 == 0)


def test_normals_stay_with_their_points():
    out = SubsampleSurface(64)(record())
    assert np.allclose(out['surface_normals'], -100 * out['surface_points'])


@pytest.mark.parametrize('replace', [True, False])
def test_replacement_is_what_it_says(replace):
    """100 of 100 points: all of them without replacement, about 63 different ones with."""
    chosen = SubsamplePoints(100, replace=replace)(record())['points'][:, 0]
    assert len(set(chosen)) == 100 if not replace else 50 < len(set(chosen)) < 80


def test_all_points_are_equally_likely():
    """Counts of 40,000 draws of 100 points: chi-square within 5 deviations of its mean."""
    chosen = SubsamplePoints(40_000)(record())['points'][:, 0].astype(int)
    counts = np.bincount(chosen, minlength=100)
    assert abs(((counts - 400) ** 2 / 400).sum() - 99) < 5 * np.sqrt(2 * 99)


def test_near_share_is_taken_from_the_near_points():
    near = np.full((30, 3), -1, dtype=np.float32)
    extra = dict(near_points=near, near_occupancies=np.ones(30, dtype=bool))
    out = SubsamplePoints(40, near_share=0.25)(record(**extra))
    assert (out['points'][:, 0] == -1).sum() == 10
    assert len(out['points']) == len(out['occupancies']) == 40


def test_too_many_points_without_replacement():
    with pytest.raises(ValueError, match=r'101 points wanted .* has 100; .*replace=True'):
        SubsamplePoints(101, replace=False)(record())


def test_near_points_must_exist():
    with pytest.raises(ValueError, match=r"near_share=0.5, but 'shape' has no near-surface"):
        SubsamplePoints(4, near_share=0.5)(record())


@pytest.mark.parametrize(
    ('make', 'message'),
    [
        (lambda: SubsamplePoints(0), 'num_points must be at least 1, got 0'),
        (lambda: SubsamplePoints(near_share=1.5), r'near_share is a fraction in \[0, 1\], got 1.5'),
        (lambda: SubsampleSurface(-1), 'num_points must be at least 1, got -1'),
        (lambda: JitterSurface(-0.1), 'std must not be negative, got -0.1'),
    ],
)
def test_wrong_arguments_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_jitter_has_its_deviation_and_leaves_the_stored_points_alone():
    """Residuals of 30,000 coordinates: mean 0 and deviation 0.005 within 5 errors."""
    cloud = np.zeros((10_000, 3), dtype=np.float32)
    data = record() | dict(surface_points=cloud)
    moved = JitterSurface(0.005)(data)['surface_points']
    assert not cloud.any()
    assert abs(moved.mean()) < 5 * 0.005 / np.sqrt(30_000)
    assert abs(moved.std() / 0.005 - 1) < 5 / np.sqrt(2 * 30_000)


def test_packed_sample_is_the_batch_contract():
    """Inputs, queries and targets are float32 tensors, targets channels-last, 1 inside."""
    data = record(label=3, class_name='chair', caption='a chair')
    sample = PackShape(cond='caption')(data)
    assert set(sample) == {'inputs', 'query', 'target', 'meta', 'cond'}
    assert sample['cond'] == 'a chair'
    assert sample['meta'] == dict(name='shape', label=3, class_name='chair', caption='a chair')
    assert sample['target'].shape == (100, 1)
    assert torch.equal(sample['target'][:, 0], (sample['query']['points'][:, 0] % 2 == 0).float())
    for value in (sample['inputs'], sample['query']['points'], sample['target']):
        assert value.dtype == torch.float32


def test_reference_surface_is_kept_for_metrics():
    points = np.ones((4, 3))
    meta = PackShape()(record(reference_points=points, reference_normals=-points))['meta']
    assert torch.equal(meta['surface_points'], torch.ones(4, 3))
    assert torch.equal(meta['surface_normals'], -torch.ones(4, 3))


def test_unknown_condition_is_named():
    with pytest.raises(ValueError, match=r"cond='text' is not in the record of 'shape'"):
        PackShape(cond='text')(record())


def ball(seed, num=500):
    points = np.random.default_rng(99).standard_normal((num, 3)).astype(np.float32)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return dict(record(seed), surface_points=points, surface_normals=points)


def test_a_part_lies_on_one_side_of_a_plane():
    """The share that is kept is within the range; directions are not those of the axes."""
    directions = []
    for seed in range(20):
        out = CropSurface(100, min_share=0.3, max_share=0.5)(ball(seed))
        part = out['partial_points'].numpy()
        middle = part.mean(axis=0)
        middle /= np.linalg.norm(middle)
        all_points = out['surface_points']
        share = (all_points @ middle >= (part @ middle).min()).mean()
        assert 0.25 < share < 0.6
        directions.append(middle)
    assert np.abs(np.mean(directions, axis=0)).max() < 0.5
    assert np.std(directions, axis=0).min() > 0.3


def test_a_small_part_repeats_its_points():
    """Fewer stored than wanted; enough are drawn without repetition."""
    few = CropSurface(64, 0.5, 0.5)(ball(0, num=20))['partial_points']
    assert few.shape == (64, 3)
    assert len(few.unique(dim=0)) <= 10
    many = CropSurface(64, 0.5, 0.5)(ball(0))['partial_points']
    assert len(many.unique(dim=0)) == 64


def test_a_part_is_packed_as_the_condition():
    sample = PackShape(cond='partial_points')(CropSurface(8)(record()))
    assert sample['cond'].shape == (8, 3)
    assert sample['cond'].dtype == torch.float32


@pytest.mark.parametrize('shares', [(0.0, 0.5), (0.6, 0.5), (0.5, 1.5)])
def test_shares_are_checked(shares):
    with pytest.raises(ValueError, match='expected a range in'):
        CropSurface(8, *shares)
