"""Generated fields are functions: of their seed and the coordinate, of nothing else."""

import copy
import math

import pytest
import torch
from torch import nn

from ddmi_toolkit.apis import load_field, save_field
from ddmi_toolkit.registry import MODELS

LAYOUTS = {
    'x': dict(axes=[dict(name='x', size=8)], planes=['x'], latent_stride=1),
    'xy': dict(
        axes=[dict(name='x', size=6), dict(name='y', size=4)], planes=['xy'], latent_stride=1
    ),
    'xyz': dict(
        axes=[dict(name=a, size=4, low=-0.55, high=0.55) for a in 'xyz'], planes=['xy', 'yz', 'xz']
    ),
}
SAMPLERS = [
    dict(type='DDIM', num_steps=4),
    dict(type='UniPC', num_steps=4, order=3),
    dict(type='DPMSolverPP', num_steps=4),
]
NET = dict(type='SetTransformer', hidden_channels=16, num_latents=4, depth=1, num_heads=2)


def config(layout='xy', **changes):
    """A tiny model."""
    diffuser = dict(
        type='Diffuser',
        schedule=dict(type='ScaledLinearSchedule', num_steps=1000),
        parameterization=dict(type='V'),
        sampler=dict(type='DDIM', num_steps=4),
    )
    model = dict(
        type='DiffusionField',
        layout=LAYOUTS[layout],
        out_channels=2,
        denoiser=NET,
        diffuser=diffuser,
        num_context=5,
        num_queries=3,
    )
    model['diffuser'].update(changes.pop('diffuser', {}))
    return copy.deepcopy(model | changes)


def build(*args, **changes):
    """A model in evaluation mode that has learned something, if nothing of use."""
    import dpf  # noqa: F401 (registers)

    torch.manual_seed(0)
    model = MODELS.build(config(*args, **changes)).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model.requires_grad_(False)


def fields(model, *seeds):
    """Fields of seeds, one by one."""
    z = [o['field'] for o in model(seed=torch.tensor(seeds), mode='predict')]
    return z[0] if len(z) == 1 else z


def coords(model, count, batch=1):
    """Random coordinates in data units."""
    low, high = (
        torch.tensor([getattr(a, end) for a in model.layout.axes.values()])
        for end in ('low', 'high')
    )
    rand = torch.rand(batch, count, model.layout.dim, generator=torch.Generator().manual_seed(1))
    return (low + (high - low) * rand).double()


@pytest.mark.parametrize('layout', LAYOUTS)
@pytest.mark.parametrize('sampler', SAMPLERS, ids=lambda s: s['type'])
def test_values_do_not_depend_on_chunks_order_or_batch(layout, sampler):
    model = build(layout, diffuser=dict(sampler=sampler))
    field, x = fields(model, 3), coords(model, 7)
    values = field(x)
    order = torch.randperm(7)
    torch.testing.assert_close(field(x[:, order]), values[:, order])
    torch.testing.assert_close(field.chunked(x, 2), values)
    together = fields(model, 8, 3)[1]
    torch.testing.assert_close(together(x), values)
    assert (fields(model, 8)(x) - values).abs().max() > 1e-2


@pytest.mark.parametrize('sampler', SAMPLERS, ids=lambda s: s['type'])
def test_points_of_the_context_have_the_values_that_the_context_ended_with(sampler):
    """Asked again, a point of the context takes the same way."""
    model = build(diffuser=dict(sampler=sampler))
    z = torch.randn(2, *model.latent_shape, dtype=torch.float64)
    field, seen = model.decode(z), []
    points = model.context_coords.expand(2, -1, -1)
    hook = model.evaluator.denoiser.register_forward_pre_hook(
        lambda net, args: seen.append((args[0].values, args[1].values))
    )
    field(points)
    hook.remove()
    assert len(seen) == field.state['context'].shape[1] == 4
    for context, queries in seen:
        torch.testing.assert_close(queries, context)


@pytest.mark.parametrize('size', [(4, 6), (9, 31)])
def test_rasters_of_any_size_are_point_values(size):
    model = build()
    field = fields(model, 3)
    picture = field.render(size)
    y, x = (-1 + (2 * torch.arange(n) + 1) / n for n in size)
    points = torch.stack([x.expand(size), y[:, None].expand(size)], dim=-1)
    torch.testing.assert_close(
        picture.flatten(1, 2), field(points.reshape(1, -1, 2).double()), rtol=1e-5, atol=1e-5
    )


def test_gradients_are_those_of_the_function():
    model = build()
    field, x, h = fields(model, 3), coords(model, 5), 1e-5
    found = field.gradient(x)
    for axis in range(2):
        step = torch.zeros(2, dtype=torch.float64)
        step[axis] = h
        slope = (field(x + step) - field(x - step)) / (2 * h)
        torch.testing.assert_close(found[..., axis], slope, rtol=1e-5, atol=1e-6)


def test_saved_fields_need_no_model(tmp_path):
    model = build('xyz', out_channels=1).float()
    field, x = fields(model, 3), coords(model, 7).float()
    again = load_field(save_field(field, tmp_path / 'field.safetensors'))
    assert torch.equal(again(x), field(x))
    assert again.signal is field.signal


def test_before_training_a_field_is_its_noise():
    """A velocity of zero shrinks the noise by a factor that is the same everywhere."""
    import dpf  # noqa: F401 (registers)

    model = MODELS.build(config()).double().eval()
    z = torch.randn(1, *model.latent_shape, dtype=torch.float64)
    with torch.no_grad():
        values = model.decode(z)(coords(model, 9))
        noise = model.evaluator.noise(z, coords(model, 9)).transpose(1, 2)
    ratio = values / noise
    torch.testing.assert_close(ratio, ratio.mean().expand_as(ratio))


@MODELS.register_module()
class _Wave(nn.Module):
    """Knows the data: ``sin(pi x)`` in every sample."""

    def __init__(self, num_coords, channels):
        super().__init__()
        self.channels = channels

    def forward(self, context, query, level):
        wave = (math.pi * query.coords[..., 0]).sin()
        return wave[:, None].expand(-1, self.channels, -1)


def test_a_network_that_knows_the_function_generates_it_at_any_place():
    model = build(
        'xyz', denoiser=dict(type='_Wave'), diffuser=dict(parameterization=dict(type='X0'))
    )
    x = coords(model, 50)
    wave = (math.pi * x[..., :1] / 0.55).sin().expand(-1, -1, 2)
    torch.testing.assert_close(fields(model, 3)(x), wave)


def test_the_loss_depends_on_seeds_alone():
    model = build()
    query = dict(points=coords(model, 20, 3))
    target, seed = torch.randn(3, 20, 2, dtype=torch.float64), torch.tensor([4, 5, 6])
    all_three = model._loss(query, target, seed)
    alone = model._loss(dict(points=query['points'][1:2]), target[1:2], seed[1:2])
    torch.testing.assert_close(all_three[1:2], alone)
    loss = model(query=query, target=target, seed=seed, mode='loss')['loss_diffusion']
    torch.testing.assert_close(loss, all_three.mean())


def test_pairs_are_drawn_with_their_values_and_in_the_range_that_is_diffused():
    model = build('xyz', out_channels=1, target_range=(0.0, 1.0))
    points = coords(model, 20, 2)
    inside = (points[..., :1] > 0.1).double()
    pairs = model._draw_pairs(dict(points=points), inside, torch.tensor([1, 2]))
    assert pairs.coords.shape == (2, 8, 3)
    assert len({tuple(p) for p in pairs.coords[0].tolist()}) == 8  # none twice
    expected = torch.where(pairs.coords[..., 0] * 0.55 > 0.1, 1.0, -1.0).double()
    torch.testing.assert_close(pairs.values[:, 0], expected)
    assert not torch.equal(pairs.coords[0], pairs.coords[1])


def test_learns_which_functions_there_are():
    """Trained on the constants -0.8 and 0.8, samples are constants, and of both kinds."""
    import dpf  # noqa: F401 (registers)

    torch.manual_seed(0)
    sampler = dict(type='UniPC', num_steps=8)
    changes = dict(out_channels=1, num_context=6, num_queries=2)
    net = dict(NET, hidden_channels=32)
    model = MODELS.build(config('x', denoiser=net, diffuser=dict(sampler=sampler), **changes))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 300)
    query = dict(points=torch.rand(64, 8, 1) * 2 - 1)
    target = torch.tensor([-0.8, 0.8]).repeat(32)[:, None, None].expand(-1, 8, 1)
    for step in range(300):
        seed = torch.arange(64) + 64 * step
        model(query=query, target=target, seed=seed)['loss_diffusion'].backward()
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
    model.eval().requires_grad_(False)
    z = torch.randn(32, *model.latent_shape, generator=torch.Generator().manual_seed(0))
    values = model.decode(z)(torch.linspace(-1, 1, 33).expand(32, -1)[..., None])[..., 0]
    signs = values.mean(1).sign()
    assert 6 <= (signs > 0).sum() <= 26
    assert (values - 0.8 * signs[:, None]).square().mean().sqrt() < 0.25


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(diffuser=dict(sampler=dict(type='DDPM', num_steps=4))), 'adds noise on the way'),
        (dict(num_context=0), 'num_context=0 must be between 1 and the 24 nodes'),
        (dict(num_context=25), 'num_context=25 must be between 1 and the 24 nodes'),
        (dict(num_queries=-1), 'num_queries=-1 must not be negative'),
        (dict(target_range=(1.0, 0.0)), r'target_range=\(1.0, 0.0\) must be'),
    ],
)
def test_impossible_models_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        build(**changes)


def test_samples_with_too_few_pairs_are_named():
    model = build()
    with pytest.raises(ValueError, match='ask for 8 pairs of a sample with 7'):
        model(
            query=dict(points=coords(model, 7)),
            target=torch.zeros(1, 7, 2),
            seed=torch.tensor([0]),
        )
