"""Depth along rays: known errors, what counts as hit, what a batch must hold."""

import math

import pytest
import torch
from torch import nn

from ddmi_toolkit.evaluation import DepthError, Result
from ddmi_toolkit.evaluation.depth_error import depth_scores
from ddmi_toolkit.structures import Field, PlaneLayout

INF = math.inf


def test_scores_by_hand():
    """Five rays: two right and wrong, one missed, one too many, one of the background."""
    truth = torch.tensor([2.0, 4.0, 3.0, INF, INF])
    opacity = torch.tensor([1.0, 0.6, 0.5, 0.9, 0.1])
    expected = torch.tensor([3.0, 3.0, 3.0, 7.0, 0.0])
    assert depth_scores(expected, opacity, truth) == pytest.approx(
        dict(abs_rel=(1 / 2 + 1 / 4) / 2, rmse=1.0, compared=2 / 3, silhouette_iou=2 / 4)
    )


def test_scenes_without_common_rays_have_no_errors():
    """But their silhouettes count."""
    truth, opacity = torch.tensor([1.0, INF]), torch.tensor([0.0, 1.0])
    scores = depth_scores(torch.ones(2), opacity, truth)
    assert math.isnan(scores['abs_rel'])
    assert math.isnan(scores['rmse'])
    assert (scores['compared'], scores['silhouette_iou']) == (0, 0)
    empty = depth_scores(torch.ones(2), torch.zeros(2), torch.full((2,), INF))
    assert empty['silhouette_iou'] == 1


class Haze(nn.Module):
    """Gray, and so dense above the plane z = height that rays end there."""

    def forward(self, state, coords, *, scale=None, dirs=None):
        is_above = coords.dense()[..., 2:] > state['height'].view(-1, 1, 1)
        color = torch.zeros_like(coords.dense())
        return torch.cat([color, 1e4 * is_above], dim=-1)


def haze(height):
    layout = PlaneLayout([dict(name=a, size=8) for a in 'xyz'], ['xy', 'yz', 'xz'])
    return Field(Haze(), dict(height=torch.tensor([height])), layout, 4)


def batch(*heights):
    """Scenes of a plane each, seen by two views of 2 x 3 rays of which the last misses."""
    shape = (len(heights), 2, 2, 3)
    dirs = torch.tensor([0.0, 0.0, 1.0]).expand(*shape, 3).clone()
    dirs[:, -1, -1, -1] = torch.tensor([1.0, 0.0, 0.0])
    depth = torch.tensor(heights).view(-1, 1, 1, 1).expand(shape).clone() + 2
    depth[:, -1, -1, -1] = INF
    origins = torch.tensor([0.0, 0.0, -2.0]).expand(*shape, 3)
    query = dict(origins=origins, dirs=dirs)
    return dict(query=query, meta=dict(depth=depth, name=[f's{h}' for h in heights]))


def test_errors_are_those_of_each_scene_and_averaged():
    """Planes that are too far by a half and by a quarter; importance samples find them."""
    metric = DepthError(num_samples=64, num_importance=256)
    metric.process(batch(0.0, -0.5), [dict(field=haze(0.5)), dict(field=haze(-0.25))])
    values = metric.evaluate(2)
    expected = dict(
        abs_rel=(0.5 / 2 + 0.25 / 1.5) / 2, rmse=0.375, compared=1.0, silhouette_iou=1.0
    )
    assert values == {f'depth/{k}': pytest.approx(v, abs=2e-3) for k, v in expected.items()}
    protocol = metric.protocol()['depth']
    facts = dict(num_scenes=2, num_samples=64, num_importance=256, largest_target=(2, 2, 3))
    assert facts.items() <= protocol.items()
    assert protocol['is_hit'] == 'opacity > 0.5'
    Result(values, metric.protocol())


def test_a_batch_must_hold_rays_and_their_depth():
    whole = batch(0.0)
    for found, message in (
        (dict(whole, query=dict(points=0)), r"query has \['points'\], no \['dirs', 'origins'\]"),
        (None, r'query has \[\], no'),
        (dict(whole, meta=dict(name=['a'])), r"needs meta\['depth'\].*\['name'\].* is known"),
        (
            dict(whole, meta=dict(depth=torch.zeros(1, 2))),
            r'shape \(1, 2\), .*\(1, 2, 2, 3, 3\); expected one depth per ray',
        ),
    ):
        with pytest.raises(ValueError, match=message):
            DepthError().process(found, [dict(field=0.0)])
    with pytest.raises(ValueError, match='DepthError renders fields; the model gave none'):
        DepthError().process(whole, [dict(pred=torch.zeros(1))])
