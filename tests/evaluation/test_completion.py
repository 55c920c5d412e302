"""Fidelity of completions to what was observed."""

import numpy as np
import pytest
import torch

from ddmi_toolkit.evaluation import UnidirectionalHausdorff
from ddmi_toolkit.evaluation.completion import fidelity


def sphere(radius, num=200):
    """Points on a sphere."""
    points = torch.randn(num, 3, generator=torch.Generator().manual_seed(0))
    return radius * torch.nn.functional.normalize(points, dim=-1)


def metric(**options):
    """Quick."""
    return UnidirectionalHausdorff(**{**dict(resolution=32, num_points=20_000), **options})


def test_distances_by_hand():
    """Largest, mean, and share within."""
    surface = np.array([[0.0, 0, 0], [1, 0, 0]])
    observed = np.array([[0.0, 0.3, 0], [1, 0, 0.1], [1, 0, 0]])
    found = fidelity(observed, surface, within=0.2)
    assert found['hausdorff'] == pytest.approx(0.3)
    assert found['distance'] == pytest.approx(0.4 / 3)
    assert found['completeness'] == pytest.approx(2 / 3)


def test_points_on_the_surface_are_kept(ball_field):
    """Up to the spacing of the sample; those inside are as far as they are deep."""
    found = metric()
    points = torch.stack([sphere(0.4), sphere(0.3)])
    found.process(dict(inputs=points), [dict(field=ball_field(0.4), seed=i) for i in range(2)])
    values = found.evaluate(2)
    assert values['fidelity/completeness'] == 0.5
    assert 0.1 / 2 < values['fidelity/hausdorff'] < 0.1 / 2 + 0.02
    assert values['fidelity/distance'] == pytest.approx(0.1 / 2, abs=0.006)
    assert values['fidelity/empty'] == 0


def test_only_one_direction_counts(ball_field):
    """A few observed points are kept by any shape that passes through them."""
    found = metric(observed='meta.observed')
    points = sphere(0.4, 1)[None]
    found.process(dict(meta=dict(observed=points)), [dict(field=ball_field(0.4), seed=0)])
    assert found.evaluate(1)['fidelity/hausdorff'] < 0.02


def test_what_was_not_observed_is_not_read(ball_field):
    """NaN rows change nothing."""
    points = sphere(0.3)
    padded = torch.cat([points, torch.full((50, 3), torch.nan)])
    values = []
    for cloud in (points, padded):
        found = metric()
        found.process(dict(inputs=cloud[None]), [dict(field=ball_field(0.4), seed=0)])
        values.append((found.evaluate(1), found.protocol()))
    assert values[0] == values[1]


def test_an_empty_field_is_as_far_as_can_be(ball_field):
    """sqrt(3), and nothing is kept."""
    found = metric()
    found.process(dict(inputs=sphere(0.3)[None]), [dict(field=ball_field(-1.0), seed=0)])
    values = found.evaluate(1)
    assert values['fidelity/hausdorff'] == pytest.approx(3**0.5)
    assert (values['fidelity/completeness'], values['fidelity/empty']) == (0, 1)


def test_missing_and_broken_observations_are_named(ball_field):
    """Where they were looked for, and what they are."""
    sample = [dict(field=ball_field(), seed=0)]
    with pytest.raises(ValueError, match=r"no observed points at 'inputs', it has \['seed'\]"):
        metric().process(dict(seed=[0]), sample)
    with pytest.raises(ValueError, match=r"sample 0 has 'inputs' of shape \(4, 2\)"):
        metric().process(dict(inputs=torch.zeros(1, 4, 2)), sample)
    with pytest.raises(ValueError, match=r'of shape \(0, 3\) without NaN'):
        metric().process(dict(inputs=torch.full((1, 4, 3), torch.nan)), sample)
    with pytest.raises(ValueError, match='resolution=0'):
        metric(resolution=0)
