"""Carved clouds lie on the object, have its colors, and need silhouettes."""

import numpy as np
import pytest
from posed_files import BLUE, RADIUS, RED, ball_views, write_srn, write_transforms

from ddmi_toolkit.datasets import PosedViews
from ddmi_toolkit.datasets.posed_views import View
from ddmi_toolkit.datasets.posed_views.carving import carve_cloud

COLORS = np.array([RED, BLUE]) / 127.5 - 1


@pytest.mark.parametrize('alpha', [False, True])
def test_a_ball_is_carved_back(alpha):
    """No point is within the ball, hardly any outside, and halves have their colors."""
    cloud = carve_cloud(ball_views(24, 64, alpha=alpha), 2000, resolution=48)
    radius = np.linalg.norm(cloud[:, :3], axis=1)
    pixel, cell = 0.033, 2 / 48
    assert radius.min() > RADIUS - pixel
    assert radius.mean() < RADIUS + cell
    is_top = cloud[:, 2] > 0.1
    for half, color in ((is_top, COLORS[0]), (cloud[:, 2] < -0.1, COLORS[1])):
        assert half.sum() > 500
        assert np.abs(cloud[half, 3:] - color).max(1).mean() < 0.05


def test_what_is_behind_does_not_color_what_is_in_front():
    """A point is colored by the views that see it, not by those behind the object."""
    views = ball_views(24, 64)
    cloud = carve_cloud(views, 1000, resolution=32)
    nearest = np.abs(cloud[:, None, 3:] - COLORS).max(-1).argmin(1)
    sure = np.abs(cloud[:, 2]) > 0.15
    assert (nearest[sure] == (cloud[sure, 2] < 0)).mean() > 0.995


def test_clouds_are_the_same_every_time_and_in_any_scale():
    """Nothing is drawn; a world of twice the size gives twice the cloud."""
    views = ball_views(8)
    one = carve_cloud(views, 300, resolution=24)
    assert np.array_equal(one, carve_cloud(views, 300, resolution=24))
    large = [v.moved((0, 0, 0), 2.0) for v in views]
    other = carve_cloud(large, 300, resolution=24, box=(-2.0, 2.0))
    np.testing.assert_allclose(other[:, :3], 2 * one[:, :3], atol=2e-3)


def test_set_carves_where_there_is_no_cloud(tmp_path):
    """From all views of the object unless told, whichever views it hands out; once."""
    write_srn(tmp_path / 'set')
    points = dict(type='carve', num_points=100, resolution=24)
    clouds = [
        PosedViews(str(tmp_path / 'set'), views=views, points=points)[0]['points']
        for views in (None, '::3')
    ]
    assert np.array_equal(*clouds)
    fewer = dict(points, views='not ::3')
    data = PosedViews(str(tmp_path / 'set'), points=fewer)
    assert not np.array_equal(data[0]['points'], clouds[0])
    assert data[0]['points'] is data[0]['points']


def test_evaluation_can_carve_the_views_of_training(tmp_path):
    """Where splits are views of one object."""
    for split in ('train', 'val'):
        write_transforms(tmp_path, split)
    points = dict(type='carve', num_points=60, resolution=24, split='train')
    train, val = (PosedViews(str(tmp_path), split=s, points=points)[0] for s in ('train', 'val'))
    assert np.array_equal(train['points'], val['points'])
    assert 'val' in val['views'][0].name


def test_photographs_without_ground_are_refused():
    """A picture that is all object has no silhouette; the message says what would help."""
    views = [
        View(v.name, v.camera, lambda: np.full((24, 24, 3), 90, np.uint8)) for v in ball_views(3)
    ]
    message = r'view 0 shows no silhouette: .* 100 % of its border .* give pictures with an alpha'
    with pytest.raises(ValueError, match=message):
        carve_cloud(views)
    opaque = [
        View(v.name, v.camera, lambda: np.full((24, 24, 4), 255, np.uint8)) for v in ball_views(3)
    ]
    with pytest.raises(ValueError, match='view 0 shows no silhouette'):
        carve_cloud(opaque)


def test_objects_outside_of_the_box_are_named():
    far = [v.moved((-9.0, 0.0, 0.0), 1.0) for v in ball_views(4)]
    with pytest.raises(ValueError, match=r'no place in the box \(-1\.0, 1\.0\) is inside .* scale'):
        carve_cloud(far, 100, resolution=16)
    with pytest.raises(ValueError, match='1 views carve nothing; give at least two'):
        carve_cloud(ball_views(1))
