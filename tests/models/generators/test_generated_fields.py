"""Fields of every generator over every kind of layout."""

import json

import pytest
import torch

from ddmi_toolkit.models.generators import PEGenerator
from ddmi_toolkit.registry import MODELS
from ddmi_toolkit.structures import Grid, PlaneLayout, Points


def latents(layout, batch=2):
    generator = torch.Generator().manual_seed(3)
    return torch.randn(batch, 3, layout.num_tokens(), generator=generator, dtype=torch.float64)


def grid(layout, batch=2, order=None):
    """A grid that ends a little outside the box, its sizes all different."""
    axes = {
        a: torch.linspace(1.05 * layout.axes[a].low, 1.05 * layout.axes[a].high, 3 + i).double()
        for i, a in enumerate(order or layout.axes)
    }
    return Grid({a: v.expand(batch, -1) for a, v in axes.items()}, layout)


def close(a, b):
    torch.testing.assert_close(a, b, atol=1e-9, rtol=1e-9)


def test_grid_and_points_agree(generator, layout):
    field = generator(latents(layout))
    for order in (list(layout.axes), list(layout.axes)[::-1]):
        coords = grid(layout, order=order)
        points = Points(coords.dense().flatten(1, -2), layout)
        close(field(coords).flatten(1, -2), field(points))


def test_values_do_not_depend_on_chunks(generator, layout):
    field, coords = generator(latents(layout)), grid(layout)
    close(field.chunked(coords, 4), field(coords))
    points = coords.dense().flatten(1, -2)
    close(field.chunked(points, 5), field(points))


def test_values_do_not_depend_on_the_batch(generator, layout):
    z, coords = latents(layout, 3), grid(layout, 1)
    together = generator(z)(grid(layout, 3))
    for i in range(3):
        close(together[i : i + 1], generator(z[i : i + 1])(coords))
        close(together[i : i + 1], generator(z)[i](coords))


def test_different_latents_give_different_fields(generator, layout):
    values = generator(latents(layout))(grid(layout))
    assert (values[0] - values[1]).abs().max() > 1e-3


def test_gradients_reach_every_parameter_and_the_latent(generator, layout):
    z = latents(layout).requires_grad_()
    generator(z)(grid(layout)).square().sum().backward()
    dead = [n for n, p in generator.named_parameters() if p.grad is None or not p.grad.any()]
    assert dead == []
    assert z.grad.abs().sum(1).gt(0).all()


def test_spec_is_plain_data_that_rebuilds_the_evaluator(generator, layout):
    field, coords = generator(latents(layout)), grid(layout)
    rebuilt = MODELS.build(json.loads(json.dumps(field.spec))).double()
    rebuilt.load_state_dict(field.evaluator.state_dict())
    assert torch.equal(rebuilt(field.state, coords), field(coords))


def test_points_of_a_sample_have_gradients_of_that_sample_only(generator, layout):
    z = latents(layout).requires_grad_()
    generator(z)(grid(layout))[0].sum().backward()
    assert z.grad[0].any()
    assert not z.grad[1].any()


def test_fields_follow_the_precision_of_model_and_latent(generator, layout):
    exact = generator(latents(layout))(grid(layout))
    single = Grid({a: v.float() for a, v in grid(layout).axes.items()}, layout)
    values = generator.float()(latents(layout).float())(single)
    assert values.dtype == torch.float32
    torch.testing.assert_close(values.double(), exact, atol=1e-3, rtol=1e-2)


def test_readout_given_as_a_module_is_refused():
    layout = PlaneLayout([dict(name='t', size=16)], ['t'])
    decoder = dict(type='BasisFieldDecoder', out_channels=4, base_channels=8)
    with pytest.raises(TypeError, match='plain data, got Linear'):
        PEGenerator(layout, 3, decoder, torch.nn.Linear(2, 2))
