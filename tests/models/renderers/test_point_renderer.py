"""Observation of fields at points."""

import pytest
import torch
from torch import nn

from ddmi_toolkit.models.renderers import PointRenderer
from ddmi_toolkit.structures import Field, PlaneLayout

LAYOUT = PlaneLayout([dict(name='x', size=8), dict(name='y', size=8)], ['xy'])


class Recorder(nn.Module):
    """The field ``a x + y``; remembers how many queries it was given at a time."""

    def __init__(self):
        super().__init__()
        self.sizes, self.extras = [], {}

    def forward(self, state, coords, **extras):
        dense = coords.dense()
        self.sizes.append(dense[0, ..., 0].numel())
        self.extras = extras
        slope = state['a'].view(-1, *[1] * (dense.ndim - 2))
        return (slope * dense[..., 0] + dense[..., 1])[..., None]


def field():
    return Field(Recorder(), {'a': torch.tensor([1.0, 2.0])}, LAYOUT, 1)


def test_prediction_is_the_value_at_the_query():
    points = torch.rand(2, 5, 2)
    out = PointRenderer()(field(), {'points': points}, LAYOUT)
    slope = torch.tensor([[1.0], [2.0]])
    torch.testing.assert_close(out[..., 0], slope * points[..., 0] + points[..., 1])


def test_a_grid_query_has_the_shape_of_its_keys():
    axes = {'y': torch.rand(2, 3), 'x': torch.rand(2, 4)}
    out = PointRenderer()(field(), axes, LAYOUT)
    expected = axes['x'][:, None] * torch.tensor([1.0, 2.0]).view(2, 1, 1) + axes['y'][..., None]
    torch.testing.assert_close(out[..., 0], expected)


def test_scale_and_directions_reach_the_field():
    f, scale, dirs = field(), torch.ones(2), torch.ones(2, 5, 3)
    query = {'points': torch.rand(2, 5, 2), 'scale': scale, 'dirs': dirs}
    PointRenderer()(f, query, LAYOUT)
    assert f.evaluator.extras['scale'] is scale
    assert f.evaluator.extras['dirs'] is dirs


def test_queries_are_split_without_gradients_only():
    f, query = field(), {'points': torch.rand(2, 10, 2)}
    renderer = PointRenderer(max_queries=4)
    whole = renderer(f, query, LAYOUT)
    with torch.no_grad():
        parts = renderer(f, query, LAYOUT)
    assert f.evaluator.sizes == [10, 4, 4, 2]
    assert torch.equal(whole, parts)


def test_incomplete_query_is_refused():
    with pytest.raises(ValueError, match="'points' or all of the axes 'xy'"):
        PointRenderer()(field(), {'x': torch.rand(2, 3)}, LAYOUT)
