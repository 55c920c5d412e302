"""Radiance fields as a model observes them."""

import pytest
import torch
from radiance_scenes import balls, scene, slabs

from ddmi_toolkit.layers.ray_marching import render_rays
from ddmi_toolkit.models.renderers import VolumeRenderer
from ddmi_toolkit.registry import MODELS
from ddmi_toolkit.structures import orbit, stack_rays


def query(num_fields: int = 1, size: int = 12, **more) -> dict:
    origins, dirs = stack_rays(orbit(2, 3.0, size=(size, size)))
    rays = dict(origins=origins, dirs=dirs)
    return {k: v.expand(num_fields, *v.shape) for k, v in rays.items()} | more


def renderer(**options) -> VolumeRenderer:
    return MODELS.build(dict(type='VolumeRenderer', num_samples=16, num_importance=8) | options)


def test_predictions_are_the_colors_of_rays():
    """Shaped like targets, with the numbers of samples and the background asked for."""
    field, q = scene(balls()), query()
    pred = renderer(background=(0.1, 0.2, 0.3))(field, q, field.layout)
    assert pred.shape == (1, 2, 12, 12, 3)
    rays = q['origins'], q['dirs']
    expected = render_rays(
        field, *rays, num_samples=16, num_importance=8, background=(0.1, 0.2, 0.3)
    )
    assert torch.equal(pred, expected.color)


def test_seeds_of_the_query_jitter_and_nothing_else_does():
    """A prediction without seeds is the same every time; with them it follows from them."""
    field, render = scene(balls()), renderer()
    q = query()
    assert torch.equal(render(field, q, field.layout), render(field, q, field.layout))
    first, again, other = (
        render(field, q | dict(seed=torch.tensor([s])), field.layout) for s in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_background_may_come_with_the_query():
    """One for each sample."""
    field = scene(slabs([]), torch.zeros(2, 3))
    colors = torch.tensor([[0.1, 0.2, 0.3], [-1.0, 0.0, 1.0]])
    render = renderer(background=None)
    pred = render(field, query(2, background=colors), field.layout)
    torch.testing.assert_close(pred, colors[:, None, None, None].expand_as(pred))
    with pytest.raises(ValueError, match=r"keys \['origins', 'dirs'\]; rays need \['background'\]"):
        render(field, query(2), field.layout)


@pytest.mark.parametrize('background', [None, 1.0])
def test_skipping_serves_each_field_of_a_batch(background):
    """The same pictures from a fraction of the points; never in training."""
    shifts = torch.tensor([[0.0, 0.0, 0.0], [0.2, -0.3, 0.1]])
    field = scene(balls(), shifts)
    q = query(2, background=torch.zeros(2, 3), seed=torch.tensor([1, 2]))
    plain = renderer(background=background)
    fast = renderer(background=background, grid_resolution=32)
    with torch.no_grad():
        expected = plain(field, q, field.layout)
        placed = sum(field.evaluator.calls)
        field.evaluator.calls.clear()
        pred = fast(field, q, field.layout)
    torch.testing.assert_close(pred, expected, atol=2e-2, rtol=0)
    assert (pred - expected).square().mean() < 4e-5
    grids = 2 * 33**3
    assert sum(field.evaluator.calls) - grids < 0.3 * placed
    assert torch.equal(fast(field, q, field.layout), plain(field, q, field.layout))


def test_impossible_backgrounds_and_queries_are_refused():
    """The messages name what is wrong."""
    with pytest.raises(ValueError, match=r'background=255 must be a value in \[-1, 1\]'):
        renderer(background=255)
    field = scene(balls())
    with pytest.raises(ValueError, match=r"rays need \['dirs'\] too"):
        renderer()(field, dict(origins=torch.zeros(1, 2, 3)), field.layout)
