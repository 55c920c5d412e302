"""Pictures follow from the axes of a field."""

import numpy as np
import pytest
import torch
from torch import nn

from ddmi_toolkit.structures import Field, PlaneLayout
from ddmi_toolkit.visualization import FieldVisualizer, draw_line, draw_plane, image_grid


class Coordinates(nn.Module):
    """``f(x) = gain * x``, one channel per axis, or a ball's logit for three axes."""

    def forward(self, state, coords, *, scale=None, dirs=None):
        x = coords.dense()
        if x.shape[-1] == 3:
            return 20 * (0.3 - x.norm(dim=-1, keepdim=True))
        return x * state['gain'].view(-1, *[1] * (x.ndim - 1))


def field(axes: str, gain: float = 1.0) -> Field:
    layout = PlaneLayout([dict(name=a, size=8) for a in axes], [axes[:2]])
    channels = 1 if len(axes) == 3 else len(axes)
    return Field(Coordinates(), {'gain': torch.tensor([gain])}, layout, channels)


def test_a_plane_is_drawn_with_x_to_the_right():
    image = draw_plane(field('xy'), 16)
    assert image.shape == (16, 16, 3)
    assert np.array_equal(image[0], image[-1])  # the first channel is x: rows are equal
    assert (np.diff(image[0, :, 0].astype(int)) > 0).all()
    assert image[0, 0, 0] == round((1 - 15 / 16) * 127.5)


def test_a_plane_keeps_its_shape_and_shows_regions():
    layout = PlaneLayout([dict(name='x', size=16), dict(name='y', size=8)], ['xy'])
    wide = Field(Coordinates(), {'gain': torch.ones(1)}, layout, 2)
    image = draw_plane(wide, 32)
    assert image.shape == (16, 32, 3)
    part = draw_plane(wide, (8, 8), (-1.0, -1.0, -0.5, 0.0))
    assert np.array_equal(part, image[:8, :8])
    assert draw_plane(wide, 4, cell=1).shape == (2, 4, 3)


def test_reconstructed_pictures_follow_their_originals():
    rows = [torch.full((4, 4, 3), v) for v in (-1.0, 1.0, 0.0, 0.5)]
    outputs = [
        dict(target=rows[0], pred=rows[1], field=field('xy')),
        dict(target=rows[2], pred=rows[3], field=field('xy')),
    ]
    visualizer = FieldVisualizer(name='pairs', size=4, resolution=8)
    drawn = visualizer.draw_reconstructions(outputs)
    assert drawn[0, ::6, 0].tolist() == [0, 255, 128, 191]
    points = dict(target=torch.zeros(9, 1), pred=torch.zeros(9, 1), field=field('xyz'))
    assert visualizer.draw_reconstructions([points]).shape == (4, 4, 3)


def test_a_line_is_drawn_upward():
    image = draw_line(field('t'), 32)
    dark = [np.nonzero(image[:, x, 0] == 40)[0].mean() for x in range(32)]
    assert dark == sorted(dark, reverse=True)
    assert dark[0] > 28
    assert dark[-1] < 4


class Sine(nn.Module):
    """A sine of 64 periods over the box."""

    def forward(self, state, coords, *, scale=None, dirs=None):
        return (64 * torch.pi * (coords.dense() + 1)).sin() / 2


def test_a_line_of_more_nodes_than_pixels_shows_no_waves_that_it_lacks():
    """32 values of 64 periods would be one and the same: each column spans the amplitude."""
    layout = PlaneLayout([dict(name='t', size=1024)], ['t'])
    image = draw_line(Field(Sine(), {'gain': torch.ones(1)}, layout, 1), 32)
    for x in range(32):
        dark = np.nonzero(image[:, x, 0] == 40)[0]
        assert dark[[0, -1]].tolist() == [8, 23]
        assert len(dark) == 16


def test_a_ball_is_drawn_in_the_middle():
    image = FieldVisualizer(name='ball', size=64, resolution=32).draw_field(field('xyz'))
    shaded = (image != 255).any(-1)
    rows, cols = np.nonzero(shaded)
    assert abs(rows.mean() - 31.5) < 1.5
    assert abs(cols.mean() - 31.5) < 1.5
    assert not shaded[0, 0]


def test_grids_keep_the_order_and_refuse_mixtures():
    tiles = [np.full((2, 3, 3), i, np.uint8) for i in range(5)]
    grid = image_grid(tiles, columns=3, pad=1)
    assert grid.shape == (5, 11, 3)
    assert [grid[0, 0, 0], grid[0, 4, 0], grid[3, 0, 0], grid[3, 8, 0]] == [0, 1, 3, 255]
    with pytest.raises(ValueError, match='one size'):
        image_grid([tiles[0], np.zeros((1, 1, 3), np.uint8)])
    with pytest.raises(ValueError, match='got none'):
        image_grid([])
