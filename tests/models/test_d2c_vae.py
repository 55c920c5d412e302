"""Stage 1 and stage 2 as wholes, at tiny sizes."""

import copy

import pytest
import torch

from ddmi_toolkit.registry import MODELS
from ddmi_toolkit.structures import Grid, Points

STAGE_ONE = dict(
    type='D2CVAE',
    latent_channels=2,
    layout=dict(
        axes=[dict(name=a, size=8, low=-0.55, high=0.55) for a in 'xyz'],
        planes=['xy', 'yz', 'xz'],
        latent_stride=2,
        align_corners=True,
    ),
    encoder=dict(
        type='PointPlaneEncoder',
        hidden_channels=8,
        point_channels=4,
        num_blocks=2,
        base_channels=4,
        channel_mult=(1, 2),
        num_res_blocks=1,
        mix='token',
    ),
    generator=dict(
        type='PEGenerator',
        decoder=dict(
            type='BasisFieldDecoder',
            out_channels=4,
            strides=(2, 1),
            base_channels=4,
            channel_mult=(1, 2),
            num_res_blocks=1,
        ),
        readout=dict(type='CFCReadout', width=8, head=dict(type='LinearHead', out_channels=1)),
    ),
    renderer=dict(type='PointRenderer'),
    losses=dict(recon=dict(type='BCELoss')),
    kl_weight=0.5,
)
STAGE_TWO = dict(
    type='LatentDiffusion',
    first_stage=STAGE_ONE,
    denoiser=dict(
        type='StackedPlanes',
        denoiser=dict(
            type='PlaneUNet',
            model_channels=8,
            channel_mult=(1, 2),
            num_res_blocks=1,
            attention_rates=(2,),
            num_head_channels=8,
            mix='none',
        ),
    ),
    diffuser=dict(
        type='Diffuser',
        schedule=dict(type='ScaledLinearSchedule'),
        parameterization=dict(type='V'),
        sampler=dict(type='DDIM', num_steps=3),
    ),
)


def build(config: dict, **changes):
    torch.manual_seed(0)
    return MODELS.build(copy.deepcopy(config) | changes)


def batch(size: int = 3) -> dict:
    g = torch.Generator().manual_seed(0)
    return dict(
        inputs=torch.rand(size, 32, 3, generator=g) - 0.5,
        query=dict(points=torch.rand(size, 16, 3, generator=g) - 0.5),
        target=torch.randint(0, 2, (size, 16, 1), generator=g).float(),
        seed=torch.arange(size) + 7,
        meta=dict(name=['a', 'b', 'c'][:size]),
    )


def test_losses_are_reconstruction_and_weighted_divergence():
    model, data = build(STAGE_ONE), batch()
    losses = model(**data)
    assert set(losses) == {'loss_recon', 'loss_kl', 'kl_nats'}
    kl = model.encode(data['inputs']).kl().mean()
    torch.testing.assert_close(losses['loss_kl'], 0.5 * kl)
    torch.testing.assert_close(losses['kl_nats'], kl.detach())
    model.kl_weight = 0.25
    torch.testing.assert_close(model(**data)['loss_kl'], 0.25 * kl)


def test_without_a_prior_it_is_an_autoencoder():
    """``kl_weight=None``: training decodes the posterior mean, and no divergence is charged."""
    model = build(STAGE_ONE, kl_weight=None)
    losses = model(**batch(), mode='loss')
    predicted = torch.stack([p['pred'] for p in model(**batch(), mode='predict')])
    assert 'loss_kl' not in losses
    torch.testing.assert_close(
        losses['loss_recon'], model.losses['recon'](predicted, batch()['target'])
    )


def test_only_losses_are_summed():
    """mmengine adds up every key that contains 'loss'; the logged divergence is not one."""
    losses = build(STAGE_ONE)(**batch())
    total, _ = build(STAGE_ONE).parse_losses(losses)
    torch.testing.assert_close(total, losses['loss_recon'] + losses['loss_kl'])


@pytest.mark.parametrize('config', [STAGE_ONE, STAGE_TWO], ids=['d2c_vae', 'latent_diffusion'])
def test_noise_depends_on_the_samples_seeds_alone(config):
    model, data = build(config), batch()
    torch.manual_seed(1)
    one = {k: v.detach() for k, v in model(**data).items()}
    torch.manual_seed(2)
    two = model(**data)
    for key in one:
        assert torch.equal(one[key], two[key])
    other = model(**{**data, 'seed': data['seed'] + 1})
    assert any(not torch.equal(one[k], other[k]) for k in one)


def test_prediction_is_the_field_of_the_posterior_mean():
    model, data = build(STAGE_ONE).eval(), batch()
    results = model(**data, mode='predict')
    field = model.decode(model.encode(data['inputs']).mean)
    want = field(Points(data['query']['points'], model.layout))
    for i, result in enumerate(results):
        torch.testing.assert_close(result['pred'], want[i])
        assert torch.equal(result['target'], data['target'][i])
        alone = result['field'](data['query']['points'][i : i + 1])[0]
        torch.testing.assert_close(alone, want[i], atol=1e-5, rtol=0)


def test_gradients_reach_every_parameter_of_stage_one():
    model = build(STAGE_ONE, regularizer=dict(type='SpectralRegularizer', weight=0.1))
    losses = model(**batch())
    sum(v for k, v in losses.items() if k.startswith('loss')).backward()
    assert losses['loss_regularizer'] > 0
    missing = [n for n, p in model.named_parameters() if p.grad is None]
    assert not missing


def test_stage_two_trains_the_denoiser_and_leaves_the_first_stage_alone():
    model = build(STAGE_TWO).train()
    assert not model.first_stage.training
    assert model.denoiser.training
    model(**batch())['loss_diffusion'].backward()
    assert all(p.grad is None for p in model.first_stage.parameters())
    assert all(p.grad is not None for p in model.denoiser.parameters())


def test_cached_moments_give_the_loss_of_encoding():
    model, data = build(STAGE_TWO), batch()
    moments = model.first_stage.encode(data['inputs']).moments
    cached = model(moments=moments, seed=data['seed'])['loss_diffusion']
    torch.testing.assert_close(cached, model(**data)['loss_diffusion'])


@pytest.mark.parametrize('size', [1, 2, 4])
def test_samples_depend_on_their_seeds_only(size):
    model = build(STAGE_TWO).eval()
    seeds = torch.arange(4)
    whole = model(seed=seeds, mode='predict')
    parts = [s for chunk in seeds.split(size) for s in model(seed=chunk, mode='predict')]
    x = torch.rand(1, 20, 3) - 0.5
    for one, other in zip(parts, whole, strict=True):
        assert one['seed'] == other['seed']
        torch.testing.assert_close(one['field'](x), other['field'](x), atol=1e-5, rtol=1e-5)


def test_generated_fields_are_rendered_where_the_query_says():
    model, data = build(STAGE_TWO).eval(), batch()
    for result, points in zip(
        model(query=data['query'], seed=data['seed'], mode='predict'),
        data['query']['points'],
        strict=True,
    ):
        torch.testing.assert_close(
            result['pred'], result['field'](points[None])[0], atol=1e-5, rtol=1e-5
        )


def test_normalized_latents_have_the_measured_statistics():
    model = build(STAGE_TWO, normalize_latents=True)
    model.latent_mean.copy_(torch.tensor([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]))
    model.latent_std.fill_(2.0)
    z = torch.zeros(1, *model.first_stage.latent_shape)
    parts = model.first_stage.layout.split(model.normalize(z))
    assert parts['yz'][0, 1].unique().item() == -2.5
    torch.testing.assert_close(model.denormalize(model.normalize(z)), z)


def test_a_grid_query_equals_points(size=2):
    model = build(STAGE_ONE).eval()
    field = model.decode(torch.randn(size, *model.latent_shape))
    grid = Grid({a: torch.rand(size, 4) - 0.5 for a in 'zxy'}, model.layout)
    points = field(Points(grid.dense().flatten(1, -2), model.layout)).unflatten(1, grid.shape)
    torch.testing.assert_close(field(grid), points, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    'change, message',
    [
        (dict(encoder=STAGE_TWO['denoiser']), 'StackedPlanes.*expected AbstractEncoder'),
        (dict(encoder=dict(type='PointPlanEncoder')), 'did you mean .PointPlaneEncoder'),
        (dict(encoder=dict(type='ConvEncoder')), 'plane'),
        (dict(renderer=dict(type='PointRenderer', step=1)), "has no argument 'step'"),
        (dict(generator=dict(decoder={})), "has no 'type'"),
        (
            dict(losses=dict(recon=STAGE_ONE['encoder'])),
            "^'PointPlaneEncoder' is AbstractEncoder, expected AbstractLoss: one of .*'BCELoss'",
        ),
        (
            dict(losses=dict(recon=dict(type=torch.nn.BCEWithLogitsLoss))),
            "^'BCEWithLogitsLoss' is of no role, expected AbstractLoss: one of",
        ),
        (
            dict(regularizer=dict(type='BCELoss')),
            r"^'BCELoss' is AbstractLoss, expected AbstractRegularizer: one of \['Spectral",
        ),
    ],
)
def test_wrong_children_are_named(change, message):
    with pytest.raises((TypeError, ValueError), match=message):
        build(STAGE_ONE, **change)


@pytest.mark.parametrize(
    'change, message',
    [
        (dict(strde=2), "PlaneLayout has no argument 'strde'; it takes .*'latent_stride'"),
        (dict(axes=[dict(name='x')]), "Axis needs 'size'; it takes .*got {'name': 'x'}"),
        (dict(axes=[dict(name='x', size=8, lo=0)]), "Axis has no argument 'lo'; it takes .*'low'"),
    ],
)
def test_mistakes_in_the_layout_are_named(change, message):
    with pytest.raises(TypeError, match=message):
        build(STAGE_ONE, layout=STAGE_ONE['layout'] | change)


def test_a_layout_without_planes_is_named():
    with pytest.raises(TypeError, match="PlaneLayout needs 'planes'; it takes"):
        build(STAGE_ONE, layout=dict(axes=STAGE_ONE['layout']['axes']))


def test_first_stage_is_loaded_strictly(tmp_path):
    first = build(STAGE_ONE)
    path = tmp_path / 'iter_1.pth'
    torch.save(dict(meta={}, state_dict=first.state_dict()), path)
    model = build(STAGE_TWO, first_stage_checkpoint=str(path))
    torch.nn.init.zeros_(model.first_stage.generator.evaluator.readout.mlp.head.linear.weight)
    model.init_weights()
    for a, b in zip(first.parameters(), model.first_stage.parameters(), strict=True):
        assert torch.equal(a, b)
    state = first.state_dict()
    state['encoder.renamed'] = state.pop(next(iter(state)))
    torch.save(dict(meta={}, state_dict=state), path)
    with pytest.raises(ValueError, match=r'first stage from .* does not fit'):
        model.init_weights()
