"""Clips as strips of frames."""

import numpy as np
import pytest
import torch
from torch import nn

from ddmi_toolkit.structures import Field, PlaneLayout
from ddmi_toolkit.visualization import FieldVisualizer, as_picture, frame_size, picture_strip

LAYOUT = PlaneLayout(
    [dict(name='x', size=8), dict(name='y', size=4), dict(name='t', size=64, strided=False)],
    ['xy', 'xt', 'yt'],
)


class Clock(nn.Module):
    """Gray that tells the time."""

    def forward(self, state, coords, *, scale=None, dirs=None):
        return coords.dense()[..., 2:].expand(*coords.dense().shape[:-1], 3)


FIELD = Field(Clock(), dict(a=torch.zeros(1)), LAYOUT, 3)


def grays(strip, height, width):
    """Gray of each frame of a strip, after a check that it is even."""
    frames = [strip[:, k : k + width] for k in range(0, strip.shape[1], width + 2)]
    assert strip.shape[0] == height
    assert all((f == f[0, 0, 0]).all() for f in frames)
    return [int(f[0, 0, 0]) for f in frames]


@pytest.mark.parametrize('total, chosen', [(16, [2, 6, 10, 14]), (3, [0, 1, 2]), (4, [0, 1, 2, 3])])
def test_a_strip_spreads_its_frames_evenly(total, chosen):
    values = (torch.arange(total) / 127.5 - 1).view(-1, 1, 1, 1).expand(-1, 2, 3, 3)
    assert grays(picture_strip(values, 4), 2, 3) == chosen


def test_a_field_is_drawn_at_evenly_spaced_times():
    """Frames of half the size of pictures, in the shape of the layout, however long the clip."""
    drawn = FieldVisualizer('clips', size=48).draw_field(FIELD)
    expected = np.round(((2 * np.arange(8) + 1) / 8) * 127.5).astype(int)
    assert np.abs(np.array(grays(drawn, 12, 24)) - expected).max() <= 1
    assert frame_size(LAYOUT, 10, (-1, -1, -1, 0, 1, 0.5)) == (10, 10)


def test_fields_lie_below_each_other():
    drawn = FieldVisualizer('clips', size=16).draw_fields([FIELD] * 3)
    assert drawn.shape == (3 * 6 - 2, 8 * 10 - 2, 3)


def test_reconstructions_show_the_target_above_the_prediction():
    target, pred = torch.rand(2, 4, 5, 6, 3) * 2 - 1
    outputs = [dict(target=target, pred=pred, field=FIELD)] * 2
    drawn = FieldVisualizer('clips').draw_reconstructions(outputs)
    assert drawn.shape == (4 * 7 - 2, 4 * 8 - 2, 3)
    assert np.array_equal(drawn[:5, :6], as_picture(target[0]))
    assert np.array_equal(drawn[7:12, 8:14], as_picture(pred[1]))
    points = [dict(target=torch.rand(9, 3), pred=torch.rand(9, 3), field=FIELD)]
    visualizer = FieldVisualizer('clips', size=16)
    assert np.array_equal(visualizer.draw_reconstructions(points), visualizer.draw_field(FIELD))


def test_axes_in_another_order_are_refused():
    layout = PlaneLayout([dict(name=a, size=4) for a in 'txy'], ['xy', 'tx', 'ty'])
    with pytest.raises(ValueError, match="has the axes 'xyt', in this order, got 'txy'"):
        frame_size(layout, 8)
