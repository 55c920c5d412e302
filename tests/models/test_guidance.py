"""Guided generation: exact at the ends, affine between, the same in one pass and in two."""

import pytest
import torch

from ddmi_toolkit.models.diffusion import Guidance
from ddmi_toolkit.registry import MODELS

SEED = torch.arange(4)
LABELS = torch.tensor([0, 1, 2, 0])
FIRST_STAGE = dict(
    type='D2CVAE',
    layout=dict(
        axes=[dict(name='x', size=16), dict(name='y', size=16)], planes=['xy'], latent_stride=4
    ),
    latent_channels=2,
    encoder=dict(type='ConvEncoder', base_channels=8, channel_mult=(1, 1, 1), num_res_blocks=1),
    generator=dict(
        type='WeightGenerator',
        out_channels=3,
        width=8,
        hypernetwork=dict(type='MLPHypernetwork', hidden_channels=8),
    ),
    renderer=dict(type='PointRenderer'),
    losses=dict(recon=dict(type='L1Loss')),
)
UNET = dict(
    type='PlaneUNet', model_channels=64, channel_mult=(1,), num_res_blocks=1, attention_rates=(1,)
)
LABEL = dict(type='LabelConditioner', num_classes=3, channels=8)


def model(seed=0, **changes):
    """A conditional model with no weight at zero."""
    torch.manual_seed(seed)
    net = MODELS.build(
        dict(
            type='LatentDiffusion',
            first_stage=FIRST_STAGE,
            denoiser=UNET,
            diffuser=dict(
                type='Diffuser',
                schedule=dict(type='ScaledLinearSchedule'),
                parameterization=dict(type='V'),
                sampler=dict(type='DDIM', num_steps=3),
            ),
        )
        | dict(conditioner=LABEL)
        | changes
    )
    with torch.no_grad():
        for p in (*net.denoiser.parameters(), *net.conditioner.parameters()):
            p.add_(0.1 * torch.randn(p.shape))
    return net.eval()


def noisy(net):
    z = torch.randn(4, *net.first_stage.latent_shape, generator=torch.Generator().manual_seed(1))
    return z, torch.full((4,), 500)


def with_scale(net, scale, interval=None):
    net.guidance = Guidance(scale, interval)
    return net


@pytest.mark.parametrize('scale', [-1.0, 0.5, 3.0])
def test_guidance_is_affine_in_its_scale(scale):
    """eps_u + w (eps_c - eps_u), which holds for denoised latents as for noise."""
    net = model()
    z, t = noisy(net)
    x_u, x_c = (net.denoise(4, cond)(z, t) for cond in (None, LABELS))
    assert (x_c - x_u).abs().max() > 1e-2
    guided = with_scale(net, scale).denoise(4, LABELS)(z, t)
    torch.testing.assert_close(guided, x_u + scale * (x_c - x_u), atol=1e-5, rtol=1e-5)
    alpha, sigma = net.diffuser.schedule(t, 3)
    eps, eps_u, eps_c = ((z - alpha * x) / sigma for x in (guided, x_u, x_c))
    torch.testing.assert_close(eps, eps_u + scale * (eps_c - eps_u), atol=1e-5, rtol=1e-5)


def test_zero_is_unconditional_and_one_conditional():
    """To the last bit, with half the evaluations."""
    net = model()
    whole = {w: with_scale(net, w).sample(SEED, LABELS) for w in (0, 1, 1 + 1e-7)}
    assert torch.equal(whole[0], net.sample(SEED))
    assert (whole[1] - whole[1 + 1e-7]).abs().max() < 1e-5
    assert (whole[0] - whole[1]).abs().max() > 1e-2


def test_one_batched_pass_equals_two():
    """A negative condition of the null embedding takes the same way."""
    net, calls = with_scale(model(), 3.0), []
    net.denoiser.register_forward_hook(lambda m, args, out: calls.append(len(args[0])))
    z, t = noisy(net)
    one = net.denoise(4, LABELS)(z, t)
    assert calls == [8]
    net.guidance = Guidance(1.0)
    x_u, x_c = (net.denoise(4, cond)(z, t) for cond in (None, LABELS))
    torch.testing.assert_close(one, x_u + 3 * (x_c - x_u), atol=1e-5, rtol=1e-5)
    net.guidance = Guidance(3.0)
    rows = torch.cat([net.denoise(1, LABELS[i : i + 1])(z[i : i + 1], t[:1]) for i in range(4)])
    torch.testing.assert_close(one, rows, atol=1e-5, rtol=1e-5)


def test_a_negative_condition_takes_the_place_of_none():
    """Guidance from label 2 to label 0 is that of label 0 seen from label 2."""
    net = with_scale(model(), 2.0)
    z, t = noisy(net)
    other = torch.full_like(LABELS, 2)
    guided = net.denoise(4, LABELS, other)(z, t)
    net.guidance = Guidance(1.0)
    x_n, x_c = (net.denoise(4, cond)(z, t) for cond in (other, LABELS))
    torch.testing.assert_close(guided, x_n + 2 * (x_c - x_n), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(guided[2], x_c[2], atol=1e-5, rtol=1e-5)  # wanted is unwanted


def test_outside_its_interval_guidance_leaves_the_condition_alone():
    """Also within one batch of different times."""
    net = model()
    z, _ = noisy(net)
    t = torch.tensor([10, 400, 600, 990])
    alpha, sigma = net.diffuser.schedule(t, 1)
    level = sigma / alpha
    interval = (float(level[0]) * 1.1, float(level[2]))
    plain = net.denoise(4, LABELS)(z, t)
    guided = with_scale(net, 3.0).denoise(4, LABELS)(z, t)
    part = with_scale(net, 3.0, interval).denoise(4, LABELS)(z, t)
    torch.testing.assert_close(part[[1, 2]], guided[[1, 2]], atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(part[[0, 3]], plain[[0, 3]], atol=1e-6, rtol=1e-6)
    assert (part[1] - plain[1]).abs().max() > 1e-3


@pytest.mark.parametrize('cond', [LABELS, None])
def test_autoguidance_moves_away_from_another_checkpoint(tmp_path, cond):
    """With all that was trained beside the weak denoiser: its words for conditions, its mixture."""
    mixed = dict(type='Mixed', inner=dict(type='V'), init=1.0)
    diffuser = dict(
        type='Diffuser',
        schedule=dict(type='ScaledLinearSchedule'),
        parameterization=mixed,
        sampler=dict(type='DDIM', num_steps=3),
    )
    weak, path = model(seed=5, diffuser=diffuser), str(tmp_path / 'weak.pth')
    torch.nn.init.constant_(weak.diffuser.parameterization.logit.detach(), -1.0)
    torch.save(dict(meta={}, state_dict=weak.state_dict()), path)
    guidance = dict(type='Guidance', scale=2.5)
    strong = model(diffuser=diffuser, guidance=guidance, weak=dict(checkpoint=path))
    assert not [k for k in strong.state_dict() if 'weak' in k]
    z, t = noisy(strong)
    guided = strong.denoise(4, cond)(z, t)
    x_w = weak.denoise(4, cond)(z, t)
    x_s = with_scale(strong, 1.0).denoise(4, cond)(z, t)
    torch.testing.assert_close(guided, x_w + 2.5 * (x_s - x_w), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize('batch', [1, 3])
def test_guided_samples_depend_on_seed_and_condition_only(batch):
    """Whatever the batch."""
    net = with_scale(model(), 3.0)
    whole = net.sample(SEED, LABELS)
    parts = [net.sample(s, c) for s, c in zip(SEED.split(batch), LABELS.split(batch), strict=True)]
    torch.testing.assert_close(torch.cat(parts), whole, atol=1e-5, rtol=1e-5)


def test_bad_guidance_is_named(tmp_path):
    """What is missing, and what to do."""
    with pytest.raises(ValueError, match=r'interval=\(5, 1\).*lower one first'):
        Guidance(2.0, (5, 1))
    for scale in (float('nan'), float('-inf')):
        with pytest.raises(ValueError, match=rf'scale={scale} must be finite, such as 3'):
            Guidance(scale)
    with pytest.raises(ValueError, match=r'scale 3 .*set model.conditioner or model.weak'):
        MODELS.build(
            dict(
                type='LatentDiffusion',
                first_stage=FIRST_STAGE,
                denoiser=UNET,
                diffuser=dict(
                    type='Diffuser',
                    schedule=dict(type='CosineSchedule'),
                    parameterization=dict(type='V'),
                    sampler=dict(type='DDIM'),
                ),
                guidance=dict(type='Guidance', scale=3),
            )
        )
    with pytest.raises(ValueError, match='needs a conditioner and a positive condition'):
        model().denoise(4, None, LABELS)
    with pytest.raises(ValueError, match=r'guidance of scale 1 .*leaves out a negative.*such as 3'):
        model().denoise(4, LABELS, LABELS)
    with pytest.raises(ValueError, match=r'takes checkpoint.*got \[.*denoiser.*file'):
        model(weak=dict(file='a.pth'))
    guidance = dict(type='Guidance', scale=2.0)
    missing = model(guidance=guidance, weak=dict(checkpoint=str(tmp_path / 'none.pth')))
    with pytest.raises(FileNotFoundError, match=r'none\.pth'):
        missing.denoise(4, LABELS)
    with pytest.raises(ValueError, match=r'away from model\.weak.*leave out one'):
        missing.denoise(4, LABELS, LABELS)
