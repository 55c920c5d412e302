"""Accuracy of a classifier by question."""

import pytest
import torch

from ddmi_toolkit.evaluation import ClassifierAccuracy


def sample(color, size=(), truth=None):
    """Scores of two questions, the first with three classes."""
    scores = dict(color=torch.tensor(color), size=torch.tensor(size or [0.0, 1.0]))
    return dict(scores=scores, truth=truth)


SAMPLES = [
    sample([0.1, 0.7, 0.2], truth=dict(color=1, size=1)),
    sample([0.8, 0.1, 0.1], truth=dict(color=0, size=0)),
    sample([0.1, 0.1, 0.8], truth=dict(color=1, size=-1)),
]


def test_the_most_probable_class_counts_where_the_truth_is_known():
    """Two of three colors, one of two sizes."""
    metric = ClassifierAccuracy()
    metric.process(dict(meta=dict(name=['a', 'b', 'c'])), SAMPLES)
    found = metric.evaluate(3)
    assert found['classifier/color'] == pytest.approx(2 / 3)
    assert found['classifier/size'] == pytest.approx(1 / 2)
    assert found['classifier/mean'] == pytest.approx((2 / 3 + 1 / 2) / 2)
    protocol = metric.protocol()['classifier']
    assert protocol['num_asked'] == dict(color=3, size=2)
    assert protocol['headline'] == ('color', 'size')


def test_the_mean_is_over_the_headline():
    """Other questions are reported beside it."""
    metric = ClassifierAccuracy(headline=['size'])
    metric.process(None, SAMPLES)
    found = metric.evaluate(3)
    assert found['classifier/mean'] == found['classifier/size'] == 0.5
    assert found['classifier/color'] == pytest.approx(2 / 3)


@pytest.mark.parametrize('headline', [None, ['size']])
def test_nothing_known_is_an_error(headline):
    """The message says what was asked."""
    metric = ClassifierAccuracy(headline=headline)
    metric.process(None, [sample([1.0, 0, 0], truth=dict(color=-1, size=-1))])
    with pytest.raises(ValueError, match=r'was asked of any of 1 shapes, only \[\]'):
        metric.evaluate(1)
