"""Values at places as inputs: rasters, targets, and points that are held out."""

import pytest
import torch

from ddmi_toolkit.datasets.transforms import ObserveTarget
from ddmi_toolkit.structures import Grid, PlaneLayout, observed_values

PLANE = PlaneLayout(
    axes=[dict(name='x', size=4, low=0.0, high=2.0), dict(name='y', size=4)], planes=['xy']
)


def test_a_raster_is_observed_where_its_cells_are():
    """A raster of the coordinates themselves: each value names the place that is queried."""
    x, y = torch.tensor([0.5, 1.5]), torch.tensor([-2 / 3, 0, 2 / 3])
    raster = torch.stack([x.expand(3, 2), y[:, None].expand(3, 2)])[None].expand(5, -1, -1, -1)
    query, target = observed_values(raster, PLANE)
    assert target.shape == (5, 3, 2, 2)
    torch.testing.assert_close(Grid(query, PLANE).dense(), target)


def test_packed_values_are_taken_as_they_are():
    """Any query a renderer takes."""
    inputs = dict(query=dict(points=torch.rand(2, 7, 2)), target=torch.rand(2, 7, 1))
    query, target = observed_values(inputs, PLANE)
    assert query['points'] is inputs['query']['points']
    assert target is inputs['target']


@pytest.mark.parametrize(
    ('inputs', 'message'),
    [
        (torch.zeros(2, 30, 3), r"shape \(2, 30, 3\) are no raster .* axes 'xy'.*ObserveTarget"),
        (dict(points=torch.zeros(2, 3)), r"dict\(query, target\), got the keys \['points'\]"),
    ],
)
def test_other_inputs_are_refused(inputs, message):
    """A cloud of the surface says nothing of values."""
    with pytest.raises(ValueError, match=message):
        observed_values(inputs, PLANE)


def sample(num: int = 6) -> dict:
    """Points whose target is their number."""
    numbers = torch.arange(num, dtype=torch.float32)
    return dict(
        inputs=torch.zeros(3),
        query=dict(points=numbers[:, None].expand(-1, 2), scale=torch.tensor(1.0)),
        target=numbers[:, None],
    )


def test_what_is_asked_is_observed():
    """By default."""
    packed = ObserveTarget()(sample())
    assert packed['inputs']['target'] is packed['target']
    assert torch.equal(packed['inputs']['query']['points'], packed['query']['points'])


def test_held_out_points_are_asked_and_not_observed():
    """Both parts together are all points, once each; values stay with their points."""
    packed = ObserveTarget(num_held_out=2)(sample())
    observed = packed['inputs']
    for part in (observed, packed):
        assert torch.equal(part['query']['points'][:, :1], part['target'])
        assert part['query']['scale'] == 1
    assert packed['target'][:, 0].tolist() == [4, 5]
    assert observed['target'][:, 0].tolist() == [0, 1, 2, 3]


def test_too_few_points_are_named():
    """Nothing to observe, a grid, or a number that means nothing."""
    with pytest.raises(ValueError, match=r'num_held_out=6 leaves no .* with 6 points; draw more'):
        ObserveTarget(num_held_out=6)(sample())
    with pytest.raises(ValueError, match=r"with keys \['x', 'y'\]"):
        ObserveTarget(num_held_out=1)(dict(query=dict(x=0, y=0), target=torch.zeros(4, 4, 3)))
    with pytest.raises(ValueError, match='num_held_out=0 must be at least 1, or None'):
        ObserveTarget(num_held_out=0)
