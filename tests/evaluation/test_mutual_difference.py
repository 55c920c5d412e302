"""Diversity under one condition: known answers."""

import numpy as np
import pytest
import torch

from ddmi_toolkit.evaluation import TotalMutualDifference
from ddmi_toolkit.evaluation.functional import pairwise_chamfer
from ddmi_toolkit.evaluation.mutual_difference import total_mutual_difference


def diversity(**options):
    """Small and quick."""
    return TotalMutualDifference(**{**dict(num_shapes=2, resolution=16, num_points=200), **options})


def samples(ball_field, *radii, first=0):
    """Balls."""
    return [dict(field=ball_field(r), seed=first + i) for i, r in enumerate(radii)]


def test_equal_shapes_do_not_differ():
    """TMD 0."""
    cloud = np.random.default_rng(0).random((50, 3))
    assert total_mutual_difference(pairwise_chamfer([cloud] * 4)) == 0


def test_two_points_by_hand():
    """Clouds of one point: squared distances both ways are 2 d²."""
    clouds = [np.array([[x, 0.0, 0.0]]) for x in (0.0, 1.0, 3.0)]
    each = [(2 * 1 + 2 * 9) / 2, (2 * 1 + 2 * 4) / 2, (2 * 9 + 2 * 4) / 2]
    assert total_mutual_difference(pairwise_chamfer(clouds)) == pytest.approx(sum(each))


def test_two_clusters_by_hand():
    """k = 4 in two equal pairs at distance d: each shape's mean is 2/3 of 2 d²."""
    clouds = [np.array([[x, 0.0, 0.0]]) for x in (0.0, 0.0, 0.5, 0.5)]
    expected = 4 * (2 / 3) * 2 * 0.25
    assert total_mutual_difference(pairwise_chamfer(clouds)) == pytest.approx(expected)


def test_order_does_not_matter():
    """Of the shapes."""
    clouds = list(np.random.default_rng(0).random((5, 20, 3)))
    forward, backward = (
        total_mutual_difference(pairwise_chamfer(c)) for c in (clouds, clouds[::-1])
    )
    assert forward == pytest.approx(backward)


def test_conditions_are_averaged(ball_field):
    """One with equal overlap, one with different shapes; batches do not matter."""
    metric = diversity(distance='iou', resolution=32)
    metric.process(dict(cond=['a', 'b']), samples(ball_field, 0.3, 0.2))
    metric.process(dict(cond=['b', 'a']), samples(ball_field, 0.4, 0.3, first=2))
    overlap = (0.2 / 0.4) ** 3
    assert metric.evaluate(4)['diversity/mutual_iou'] == pytest.approx((1 + overlap) / 2, abs=0.02)
    protocol = metric.protocol()['diversity']
    assert protocol['num_conditions'] == 2
    assert 'mean IoU' in protocol['definition']
    assert 'num_points' not in protocol


def test_concentric_balls_are_as_far_as_their_radii(ball_field):
    """2 shapes: the sum is 2 (2 d²) for surfaces at distance d, sampled densely."""
    metric = diversity(resolution=32, num_points=4000)
    metric.process(dict(cond=['a', 'a']), samples(ball_field, 0.25, 0.45))
    assert metric.evaluate(2)['diversity/tmd'] == pytest.approx(2 * 2 * 0.2**2, rel=0.05)
    protocol = metric.protocol()['diversity']
    assert 'Wu et al. 2020' in protocol['definition']
    assert protocol['num_shapes'] == 2


def test_labels_and_clouds_are_conditions_too(ball_field):
    """Equal tensors are one condition."""
    for cond in (torch.tensor([3, 3]), torch.ones(2, 5, 3)):
        metric = diversity()
        metric.process(dict(cond=cond), samples(ball_field, 0.3, 0.3))
        metric.evaluate(2)
        assert metric.protocol()['diversity']['num_conditions'] == 1
    metric = diversity(by='name')
    metric.process(dict(meta=dict(name=['a', 'a'])), samples(ball_field, 0.3, 0.3))
    assert metric.evaluate(2)['diversity/tmd'] >= 0


def test_fields_without_a_surface_are_told(ball_field):
    """Both at the origin: no difference, and half... all are empty."""
    metric = diversity()
    metric.process(dict(cond=['a', 'a']), samples(ball_field, -1.0, -1.0))
    assert metric.evaluate(2) == {'diversity/tmd': 0.0, 'diversity/empty': 1.0}


def test_a_wrong_number_of_shapes_is_named(ball_field):
    """Of which condition, and what to do."""
    metric = diversity(num_shapes=3)
    metric.process(dict(cond=['a chair', 'a chair']), samples(ball_field, 0.2, 0.3))
    with pytest.raises(ValueError, match=r"num_shapes=3 .*'a chair' has 2; repeat the conditions"):
        metric.evaluate(2)


def test_missing_conditions_are_named(ball_field):
    """With what the batch has."""
    with pytest.raises(ValueError, match=r"no 'cond' for its 1 samples, it has \['seed'\]"):
        diversity().process(dict(seed=torch.tensor([0])), samples(ball_field, 0.2))
    with pytest.raises(ValueError, match=r"no meta\['name'\]"):
        diversity(by='name').process(dict(cond=['a']), samples(ball_field, 0.2))
    with pytest.raises(ValueError, match=r"compares fields; the samples have \['pred'\]"):
        diversity().process(dict(cond=['a']), [dict(pred=1)])


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(distance='emd'), "distance='emd'; choose one of"),
        (dict(num_shapes=1), 'num_shapes=1; shapes differ from others'),
        (dict(threshold=1.0), 'threshold=1.0'),
    ],
)
def test_bad_arguments_are_named(options, message):
    """Before hours of sampling."""
    with pytest.raises(ValueError, match=message):
        diversity(**options)
