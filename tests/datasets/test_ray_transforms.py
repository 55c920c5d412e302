"""Samples of posed views: rays and colors of the right pixels, drawn as asked for."""

import numpy as np
import pytest
import torch
from posed_files import ball_views, cloud, picture
from torch.utils.data import default_collate

from ddmi_toolkit.datasets import JitterCloud, PackViews, SampleRays, SubsampleCloud
from ddmi_toolkit.datasets.posed_views import PosedObject, View
from ddmi_toolkit.structures import Camera


def record(seed=0, num=6, alpha=False, **extras):
    points = cloud()
    points[:, 3:] = 2 * points[:, 3:] - 1
    posed = PosedObject('ball', ball_views(num, alpha=alpha), points, extras)
    rng = np.random.Generator(np.random.PCG64(seed))
    return posed.record() | dict(rng=rng, index=0, visit=0)


def pixels_of(sample, views):
    """Of each ray: the number of its view, and its pixel (row, column)."""
    found = []
    for origin, direction in zip(sample['query']['origins'], sample['query']['dirs'], strict=True):
        distances = [float((origin - v.camera.center).norm()) for v in views]
        v = int(np.argmin(distances))
        assert distances[v] < 1e-6
        (column, row), _ = views[v].camera.project(origin + direction)
        found.append((v, int(row), int(column)))
        assert max(abs(float(column) % 1 - 0.5), abs(float(row) % 1 - 0.5)) < 1e-3
    return found


def test_colors_of_rays_are_those_of_their_pixels():
    """Rays start at camera centers, pass pixel centers, and no pixel comes twice."""
    source = record()
    views = source['views']
    sample = SampleRays(num_rays=50, num_views=3).transform(source)
    found = pixels_of(sample, views)
    assert len(set(found)) == 50
    assert sorted(sum(v == w for w, _, _ in found) for v in range(6)) == [0, 0, 0, 16, 17, 17]
    pictures = [picture(v.camera) / np.float32(127.5) - 1 for v in views]
    expected = np.stack([pictures[v][row, column] for v, row, column in found])
    np.testing.assert_allclose(sample['target'].numpy(), expected, atol=1e-6)
    lengths = sample['query']['dirs'].norm(dim=-1)
    torch.testing.assert_close(lengths, torch.ones(50))
    assert sample['query']['seed'].dtype == torch.int64
    assert sample['meta'] == dict(name='ball')


def test_all_pixels_can_be_taken_once():
    """Every pixel of one view, in another order: nothing is drawn twice."""
    source = record(num=1)
    view = source['views'][0]
    sample = SampleRays(num_rays=24 * 24).transform(source)
    assert {(r, c) for _, r, c in pixels_of(sample, [view])} == {
        (r, c) for r in range(24) for c in range(24)
    }


@pytest.mark.parametrize('alpha', [False, True])
def test_share_of_the_foreground(alpha):
    """At least that many rays see the ball; where pixels run out, all do."""
    mask = ball_views(1, alpha=True)[0].mask()
    for share, least in ((0.0, 0), (0.5, 50), (1.0, 100)):
        sample = SampleRays(100, foreground_share=share).transform(record(num=1, alpha=alpha))
        on_ball = int((sample['target'] < 0.99).any(-1).sum())
        assert least <= on_ball
        assert share == 1 or on_ball < 100
    everything = SampleRays(500, foreground_share=1.0).transform(record(num=1, alpha=alpha))
    assert int((everything['target'] < 0.99).any(-1).sum()) == mask.sum() < 500


def test_background_of_each_sample_is_drawn_and_told():
    """The renderer puts the same color behind the field."""
    source = record(num=1, alpha=True)
    mask = source['views'][0].mask()
    sample = SampleRays(24 * 24, background=None).transform(source)
    ground = sample['query']['background']
    assert int((sample['target'] == ground).all(-1).sum()) == (~mask).sum()
    other = SampleRays(24 * 24, background=None).transform(record(1, num=1, alpha=True))
    assert not torch.equal(other['query']['background'], ground)
    with pytest.raises(ValueError, match='view 0 has no alpha channel, so no random background'):
        SampleRays(10, background=None).transform(record(num=1))


def test_samples_follow_from_the_generator():
    samples = [SampleRays(20, num_views=2).transform(record(seed)) for seed in (5, 5, 6)]
    for key in ('origins', 'dirs', 'seed'):
        a, b, c = (s['query'][key] for s in samples)
        assert torch.equal(a, b)
        assert not torch.equal(a, c)


def test_views_are_packed_whole():
    """Rays are the camera's and targets its picture."""
    source = record()
    views = source['views']
    sample = PackViews().transform(source)
    for v, view in enumerate(views):
        origins, dirs = view.camera.rays()
        assert torch.equal(sample['query']['origins'][v], origins)
        assert torch.equal(sample['query']['dirs'][v], dirs)
        assert np.array_equal(sample['target'][v].numpy(), view.colors())
    assert set(sample['query']) == {'origins', 'dirs'}
    assert sample['target'].shape == (6, 24, 24, 3)
    batch = default_collate([sample, sample])
    assert batch['query']['dirs'].shape == (2, 6, 24, 24, 3)


def test_views_are_evenly_spaced():
    source = record()
    sample = PackViews(num_views=3).transform(record())
    chosen = PackViews().transform(source)['target'][[0, 2, 4]]
    assert torch.equal(sample['target'], chosen)


def test_resized_views_are_means_seen_through_the_same_camera():
    """Half the size: rays of a camera with half the pixels, colors averaged, means kept."""
    source = record(num=1, alpha=True)
    view = source['views'][0]
    sample = PackViews(size=12, background=-1.0).transform(source)
    _, dirs = view.camera.resized(12, 12).rays()
    assert torch.equal(sample['query']['dirs'][0], dirs)
    full = view.colors(-1.0)
    small = sample['target'][0].numpy()
    assert np.abs(small.mean((0, 1)) - full.mean((0, 1))).max() < 0.02
    assert np.abs(small[0, 0] + 1).max() == 0
    assert small.min() >= -1


def test_depth_goes_with_views_that_keep_their_size():
    depth = np.full((24, 24), 2.0, np.float32)
    source = record(num=2)
    source['views'] = [
        View(v.name, v.camera, v.load, lambda: depth).moved((0, 0, 0), 0.5) for v in source['views']
    ]
    packed = PackViews().transform(dict(source))
    assert torch.equal(packed['meta']['depth'], torch.ones(2, 24, 24))  # scaled with the world
    assert 'depth' not in PackViews(size=12).transform(dict(source))['meta']


def test_clouds_are_thinned_and_jittered():
    """Without replacement every point is one of those stored, once; colors stay."""
    points = record()['points']
    thin = SubsampleCloud(50).transform(record())['points']
    rows = {row.tobytes() for row in points}
    assert {row.tobytes() for row in thin} <= rows
    assert len({row.tobytes() for row in thin}) == 50
    assert len(SubsampleCloud(500, replace=True).transform(record())['points']) == 500
    moved = JitterCloud(0.01).transform(record())['points']
    assert np.array_equal(moved[:, 3:], points[:, 3:])
    assert (moved - points)[:, :3].std() == pytest.approx(0.01, rel=0.1)
    assert np.array_equal(record()['points'], points)  # the stored cloud is not touched


def test_conditions_are_handed_over():
    source = record(label=3)
    assert PackViews(cond='label').transform(source)['cond'] == 3
    with pytest.raises(ValueError, match=r"cond='label' is not in the record of 'ball', .*'name'"):
        SampleRays(5, cond='label').transform(record())


@pytest.mark.parametrize(
    'transform, message',
    [
        (lambda: SampleRays(0), 'num_rays must be at least 1, got 0'),
        (lambda: SampleRays(4, num_views=5), 'num_rays=4 cannot be divided over num_views=5'),
        (lambda: SampleRays(foreground_share=2.0), r'is a fraction in \[0, 1\], got 2\.0'),
        (lambda: SampleRays(background=(1, 2)), r'must be one value or three in \[-1, 1\]'),
        (lambda: SampleRays(background=255), r'background=255 must be one value'),
        (lambda: SampleRays(num_rays=14, num_views=7), 'ball has 6 views, num_views=7 are wanted'),
        (lambda: SampleRays(num_rays=577), 'has 24x24 pixels, 577 rays are wanted of it'),
        (lambda: PackViews(num_views=0), 'num_views must be at least 1, got 0'),
        (lambda: PackViews(num_views=9), 'ball has 6 views, num_views=9 are wanted'),
        (lambda: SubsampleCloud(201), r'ball has 200 points, num_points=201 .* replace=True'),
        (lambda: JitterCloud(-1.0), 'std must not be negative, got -1.0'),
    ],
)
def test_wrong_arguments_of_ray_transforms_are_named(transform, message):
    with pytest.raises(ValueError, match=message):
        transform().transform(record())


def test_views_of_two_sizes_need_one():
    source = record(num=2)
    other = source['views'][1]
    camera = Camera(other.camera.pose, 20.0, 20.0, 6.0, 6.0, 12, 12)
    source['views'][1] = View('small', camera, lambda: picture(camera))
    message = r'\(height, width\) \[\(12, 12\), \(24, 24\)\]; set size'
    with pytest.raises(ValueError, match=message):
        PackViews().transform(dict(source))
    assert PackViews(size=12).transform(dict(source))['target'].shape == (2, 12, 12, 3)
