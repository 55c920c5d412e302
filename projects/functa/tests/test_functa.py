"""Functa: the inner loop in closed form, its gradients, the denoiser, and both stages."""

import sys
from pathlib import Path

import pytest
import torch

from ddmi_toolkit.apis import (
    FieldInferencer,
    check_config,
    load_config,
    load_field,
    save_field,
    train,
)
from ddmi_toolkit.registry import DATASETS, MODELS
from ddmi_toolkit.structures import Field, Grid, PlaneLayout, Points

PROJECT = Path(__file__).parents[1]
CONFIGS = sorted(p.name for p in (PROJECT / 'configs').glob('*.py'))
AXES = [dict(name=a, size=4) for a in 'xy']
LAYOUT = PlaneLayout(axes=AXES, planes=['xy'], latent_stride=4)


@pytest.fixture(autouse=True)
def functa(monkeypatch):
    """The project's module; its classes are registered once."""
    monkeypatch.syspath_prepend(str(PROJECT))
    import functa

    return functa


class ConstantField(torch.nn.Module):
    """A field whose value is the latent itself, everywhere: its inner loop has a closed form."""

    out_channels = 2

    def forward(self, z):
        """``(B, C, 1)`` to fields of ``C`` channels."""
        return Field(_Constant(), dict(value=z[..., 0]), LAYOUT, 2)


class _Constant(torch.nn.Module):
    def forward(self, state, coords, scale=None, dirs=None):
        shape = [1] * len(coords.shape)
        value = state['value']
        return value.view(len(value), *shape, -1).expand(-1, *coords.shape, -1)


def config(**changes):
    """A small Functa of pictures."""
    generator = dict(
        type='WeightGenerator',
        out_channels=2,
        width=8,
        num_layers=3,
        network=dict(type='Siren', frequency=5.0),
        modulation=dict(type='ShiftedBiases', is_scaled=False),
        hypernetwork=dict(type='LinearHypernetwork'),
    )
    return (
        dict(
            type='Functa',
            layout=dict(axes=AXES, planes=['xy'], latent_stride=4),
            latent_channels=2,
            generator=generator,
            renderer=dict(type='PointRenderer'),
            losses=dict(recon=dict(type='MSELoss', reduction='mean')),
        )
        | changes
    )


def build(**changes):
    """With weights of seed 0."""
    torch.manual_seed(0)
    return MODELS.build(config(**changes))


@pytest.mark.parametrize('num_steps', [1, 3])
def test_inner_loop_is_gradient_descent_in_closed_form(num_steps):
    """For a constant field of value z and the MSE over 2 channels, z' = z - rate (z - mean)."""
    model = build(num_steps=num_steps, rate_range=(0.3, 0.9))
    model.generator = ConstantField()
    pictures = torch.rand(3, 2, 4, 4)
    mean = pictures.mean((2, 3))[..., None]
    expected = mean * (1 - (1 - model.rates) ** num_steps)
    torch.testing.assert_close(model.encode(pictures).mean, expected)
    with torch.no_grad():
        torch.testing.assert_close(model.encode(pictures).mean, expected.detach())


def test_training_differentiates_through_the_steps():
    """d loss / d rate of one step equals a finite difference; a first-order loop would give 0."""
    model = build(num_steps=2).double()
    pictures = torch.rand(2, 2, 4, 4, dtype=torch.float64)

    def loss():
        query = dict(points=torch.linspace(-1, 1, 10, dtype=torch.float64).view(1, 5, 2))
        query['points'] = query['points'].expand(2, -1, -1)
        target = torch.ones(2, 5, 2, dtype=torch.float64)
        return model(pictures, query, target)['loss_recon']

    loss().backward()
    step = torch.zeros_like(model.rates)
    step[1, 0] = 1e-5
    with torch.no_grad():
        model.rates += step
        high = loss()
        model.rates -= 2 * step
        low = loss()
    assert float(model.rates.grad[1, 0]) == pytest.approx(float(high - low) / 2e-5, rel=1e-5)
    assert all(p.grad is not None and p.grad.any() for p in model.parameters())


def test_steps_lower_each_items_own_loss():
    """Gradients are those of each item alone: a batch changes nothing."""
    model = build(rate_range=(0.01, 0.02)).eval()
    pictures = torch.rand(4, 2, 4, 4)
    z = model.encode(pictures).mean
    torch.testing.assert_close(model.encode(pictures[1:2]).mean, z[1:2], rtol=1e-4, atol=1e-6)
    query = {a: torch.tensor([[-0.75, -0.25, 0.25, 0.75]]).expand(4, -1) for a in 'yx'}

    def errors(latent):
        pred = model.render(model.decode(latent), query)
        return (pred - pictures.movedim(1, -1)).square().flatten(1).mean(1)

    assert (errors(z) < errors(torch.zeros_like(z))).all()


def test_latents_are_found_in_evaluation_too():
    """Under no_grad and with frozen weights, as stage 2 encodes; nothing keeps a graph."""
    model = build().requires_grad_(False).eval()
    with torch.no_grad():
        posterior = model.encode(torch.rand(2, 2, 4, 4))
    assert posterior.mean.abs().min() > 0
    assert not posterior.moments.requires_grad
    assert float(posterior.logvar.max()) == -30


def test_rates_stay_in_their_range():
    """A rate that training pushes below zero stops its number of the latent."""
    model = build()
    with torch.no_grad():
        model.rates[0] = -1.0
    z = model.encode(torch.rand(2, 2, 4, 4)).mean
    assert (z[:, 0] == 0).all()
    assert (z[:, 1] != 0).all()


def test_latent_zero_is_the_shared_network(functa):
    """The hypernetwork is linear: sums of latents are sums of shifts."""
    net = functa.LinearHypernetwork(LAYOUT, 2, [(1, 8), (1, 5)])
    a, b = torch.randn(2, 3, 2, 1)
    for one, two, both in zip(net(a), net(b), net(a + 2 * b), strict=True):
        torch.testing.assert_close(one + 2 * two, both)
    assert [tuple(n.shape) for n in net(a)] == [(3, 1, 8), (3, 1, 5)]
    assert not any(n.any() for n in net(torch.zeros(3, 2, 1)))


def test_fields_do_not_depend_on_chunks_and_are_saved(tmp_path):
    """A saved field needs none of this project's modules."""
    field = build().decode(torch.randn(2, 2, 1))
    points = Points(torch.rand(2, 50, 2) * 2 - 1, LAYOUT)
    values = field(points)
    torch.testing.assert_close(field.chunked(points, 7), values)
    torch.testing.assert_close(field[1](Points(points.coords[1:], LAYOUT)), values[1:])
    loaded = load_field(save_field(field, tmp_path / 'field.safetensors'))
    assert torch.equal(loaded(points), values)
    lines = {a: torch.rand(2, 9) for a in 'yx'}
    assert loaded(Grid(lines, LAYOUT)).shape == (2, 9, 9, 2)


def test_the_denoiser_starts_at_zero_and_learns_a_condition(functa):
    """Blocks start as the identity, the head at zero; training reaches every parameter."""
    torch.manual_seed(0)
    net = functa.ResidualMLP(LAYOUT, 6, hidden_channels=16, num_blocks=2, cond_channels=3)
    z, t, cond = torch.randn(4, 6, 1), torch.rand(4), dict(vector=torch.randn(4, 3))
    assert not net(z, t, cond).any()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        (net(z, t, cond) - z).square().mean().backward()
        optimizer.step()
    assert all(p.grad.any() for p in net.parameters())
    assert not torch.allclose(net(z, t, cond), net(z, t + 5, cond))
    with pytest.raises(ValueError, match='needs cond'):
        net(z, t)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(num_steps=0), 'num_steps=0 must be at least 1'),
        (dict(rate_range=(0.5, 0.1)), r'rate_range=\(0.5, 0.1\) must be 0 < low <= high <= max'),
        (dict(rate_range=(0.5, 2.0)), r'<= max_rate=1.0'),
    ],
)
def test_mistakes_are_named(changes, message):
    """In the config's words."""
    with pytest.raises(ValueError, match=message):
        build(**changes)


@pytest.mark.parametrize('name', CONFIGS)
def test_configs_build(name):
    """On the meta device, at their real sizes; stage 2 takes its imports from stage 1."""
    cfg = load_config(PROJECT / 'configs' / name)
    check_config(cfg)
    assert cfg.custom_imports.imports == ['functa']
    assert 'functa' in sys.modules


IMAGES = dict(
    type='ProceduralImages',
    num_images=4,
    size=32,
    pipeline=[dict(type='PackImage', input_size=16)],
)
CHAIRS = dict(
    type='ProceduralChairs',
    num_shapes=4,
    num_points=64,
    num_inputs=64,
    pipeline=[dict(type='PackShape'), dict(type='ObserveTarget')],
)


@pytest.mark.parametrize(
    ('name', 'dataset'), [('functa_catdog_32', IMAGES), ('functa_modelnet10_chair', CHAIRS)]
)
def test_both_stages_train_and_sample(name, dataset, tmp_path, monkeypatch):
    """One shrunk run from the data to fields, which depend on their seeds alone."""
    monkeypatch.syspath_prepend(str(PROJECT.parents[1] / 'tests'))
    from shrink import shrink

    data = dict(dataset, _delete_=True)
    options = {f'first_stage__{part}_dataloader__dataset': data for part in ('train', 'val')}
    options |= dict(first_stage__model__layout__latent_stride=16, train_dataloader__dataset=data)
    cfg = shrink(PROJECT / f'configs/{name}_ldm.py', tmp_path, **options)
    inferencer = FieldInferencer(cfg, train(cfg), device='cpu')
    one, two = inferencer.sample([3, 4])
    (again,) = inferencer.sample([4])
    for key, value in two.state.items():
        torch.testing.assert_close(again.state[key], value, rtol=1e-4, atol=1e-6)
    observed = DATASETS.build(dataset)[0]
    (field,) = inferencer.reconstruct([observed['inputs']])
    assert field(next(iter(two.state.values())).new_zeros(1, 5, field.layout.dim)).shape[1] == 5
    assert any(not torch.equal(one.state[k], two.state[k]) for k in one.state)
