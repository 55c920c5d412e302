"""Radiance fields drawn: what is seen, how far it is, which way it faces."""

import numpy as np
import pytest
import torch
from radiance_scenes import balls, scene, slabs

from ddmi_toolkit.layers.occupancy_grid import OccupancyGrid
from ddmi_toolkit.layers.view_rendering import cameras_around, render_views
from ddmi_toolkit.structures import Camera, PlaneLayout, look_at, orbit
from ddmi_toolkit.visualization import FieldVisualizer, draw_view, draw_views
from ddmi_toolkit.visualization.views import depth_levels, normal_colors

RADIUS = 0.5


def ball(x, dirs):
    """Red, nearly opaque, of radius one half."""
    inside = torch.sigmoid((RADIUS - x.norm(dim=-1, keepdim=True)) / 0.004)
    color = torch.tensor([0.9, -0.9, -0.9]).to(x).expand(*x.shape[:-1], 3)
    return torch.cat([color, 400 * inside], dim=-1)


def test_views_of_a_ball_are_those_of_geometry():
    """Silhouette, depth along the ray and outward normals of an opaque ball."""
    field = scene(ball)
    cameras = orbit(2, 2.0, 30.0, size=(33, 33))
    seen = render_views(field, cameras, with_normals=True)
    for i, camera in enumerate(cameras):
        origins, dirs = camera.rays()
        along = -(origins * dirs).sum(-1)
        apart = 4 - along.square()
        hit = apart < (0.95 * RADIUS) ** 2
        missed = apart > (1.1 * RADIUS) ** 2
        expected = along - (RADIUS**2 - apart).clamp(min=0).sqrt()
        assert hit.sum() > 50
        torch.testing.assert_close(seen.depth[i][hit], expected[hit], atol=0.03, rtol=0)
        outward = (origins + expected[..., None] * dirs)[hit] / RADIUS
        assert (seen.normal[i][hit] * outward).sum(-1).min() > 0.97
        assert seen.opacity[i][hit].min() > 0.99
        assert seen.color[i][missed].min() > 0.99
        assert seen.depth[i][missed].isinf().all()
        assert (seen.normal[i][missed] == 0).all()


def test_any_camera_and_background():
    """From inside too; a grid that is given is used."""
    field = scene(balls())
    inside = Camera.from_fov(look_at((0.0, -0.6, 0.0)), 2.2, 8, 6)
    grid = OccupancyGrid.of_field(field, 32)
    field.evaluator.calls.clear()
    seen = render_views(field, [inside], grid=grid, background=(-1.0, 0.0, 1.0))
    assert sum(field.evaluator.calls) < 33**3
    assert seen.color.shape == (1, 6, 8, 3)
    assert seen.normal is None
    # Seen along y, the light of the ball is as from the side.
    assert seen.color[0, 3, 4].tolist() == pytest.approx([0.68, -0.51, -0.51], abs=0.05)
    assert seen.color[0, 0, 0].tolist() == pytest.approx([-1, 0, 1], abs=1e-5)


@pytest.mark.parametrize('size', [(20, 20), (20, 30), (30, 20)])
def test_cameras_show_the_whole_ball_of_a_box(size):
    """It touches the narrower sides of the picture, wherever the box is."""
    axes = [dict(name=a, size=4, low=1.0, high=5.0) for a in 'xyz']
    (camera,) = cameras_around(PlaneLayout(axes, ['xy']), 1, size)
    middle = torch.tensor([3.0, 3.0, 3.0])
    pixels, depth = camera.project(middle)
    torch.testing.assert_close(pixels, torch.tensor([size[1] / 2, size[0] / 2]))
    angle = torch.arcsin(2.0 / depth)  # of the ball's rim
    rim = camera.fx * torch.tan(angle).item()
    assert rim == pytest.approx(min(size) / 2, rel=0.2)
    assert rim <= min(size) / 2 * 1.02


def test_a_view_shows_colors_on_white():
    """Red in the middle, white in the corner; a row of views has as many."""
    image = draw_view(scene(balls()), 16)
    assert image.shape == (16, 16, 3)
    assert (image[0, 0] == 255).all()
    assert image[8, 8, 0] > 200
    assert image[8, 8, 1] < 80
    assert draw_views(scene(balls()), 8, 3).shape == (8, 3 * 10 - 2, 3)
    assert draw_view(scene(balls()), (8, 12)).shape == (8, 12, 3)


def test_the_visualizer_draws_radiance_fields_as_rows_of_views():
    """Where targets are views, they are drawn above the prediction's."""
    visualizer = FieldVisualizer(name='radiance', size=16)
    field = scene(balls())
    assert np.array_equal(visualizer.draw_field(field), draw_views(field, 5))
    views = torch.zeros(2, 8, 8, 3)
    drawn = visualizer.draw_reconstructions([dict(target=views, pred=views + 1, field=field)])
    assert drawn.shape == (18, 18, 3)
    assert (drawn[:8, :8] == 128).all()
    assert (drawn[10:] == 255).all()


def test_depth_and_normals_are_encoded_as_said():
    """Steps of a unit, zero for infinity; vectors around gray."""
    depth = torch.tensor([[1.0, torch.inf], [2.5, 1e9]])
    assert depth_levels(depth, 0.5).tolist() == [[2, 0], [5, 65535]]
    assert depth_levels(depth, 0.5).dtype == np.uint16
    normals = torch.tensor([[1.0, 0.0, -1.0], [0.0, 0.0, 0.0]])
    assert normal_colors(normals).tolist() == [[255, 128, 0], [128, 128, 128]]


def test_an_empty_field_has_views_too():
    """White, without depth or normals."""
    seen = render_views(scene(slabs([])), orbit(1, 3.0, size=(4, 4)), with_normals=True)
    assert (seen.color == 1).all()
    assert seen.depth.isinf().all()
    assert (seen.normal == 0).all()
