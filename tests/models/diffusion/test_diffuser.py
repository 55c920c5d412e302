"""Loss and sampling: what they estimate and what they depend on."""

import math

import pytest
import torch
from mmengine.config import Config
from torch import nn

from ddmi_toolkit.apis import configs_root
from ddmi_toolkit.models.diffusion import AbstractSampler, Diffuser
from ddmi_toolkit.registry import MODELS
from ddmi_toolkit.structures import PlaneLayout

LAYOUT = PlaneLayout([dict(name=a, size=4) for a in 'xyz'], ['xy', 'yz', 'xz'], latent_stride=1)
OFFERS = dict(layout=LAYOUT, channels=2)
SHAPE = (2, LAYOUT.num_tokens())
EPS = dict(type='Eps')
EDM = dict(type='EDMPreconditioning')
MIXED = dict(type='Mixed', inner=EPS)
PARAMETERIZATIONS = [
    EPS,
    dict(type='X0'),
    dict(type='V'),
    MIXED,
    dict(type='Mixed', inner=dict(type='V')),
    dict(type='FlowVelocity'),
    EDM,
]
BASES = sorted(p.stem for p in (configs_root() / '_base_/diffusion').glob('*.py'))


def build(
    parameterization=EPS, sampler=None, schedule='ScaledLinearSchedule', loss_weight=None
) -> Diffuser:
    return MODELS.build(
        dict(
            type='Diffuser',
            loss_weight=loss_weight,
            schedule=dict(type=schedule) if isinstance(schedule, str) else schedule,
            parameterization=parameterization,
            sampler=sampler or dict(type='DDIM', num_steps=4),
        ),
        role=Diffuser,
        default_args=OFFERS,
    )


def random_unet() -> nn.Module:
    """A small U-Net with no weight at zero."""
    net = MODELS.build(
        dict(
            type='PlaneUNet',
            model_channels=48,  # 2 channels a group: the norm of one would remove the time
            channel_mult=(1, 2),
            num_res_blocks=1,
            attention_rates=(2,),
            num_head_channels=16,
            num_mix_heads=2,
        ),
        default_args=OFFERS,
    )
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for p in net.parameters():
            p.add_(0.1 * torch.randn(p.shape, generator=generator))
    return net.eval()


def sample(diffuser: Diffuser, net: nn.Module, seeds, cond=None, callback=None) -> torch.Tensor:
    """Latents of a network."""
    device = next(diffuser.schedule.buffers()).device
    return diffuser.sample(
        lambda z, t: diffuser.denoise(net, z, t, cond),
        diffuser.initial_noise(SHAPE, seeds, device),
        seeds,
        callback,
    )


class Oracle(nn.Module):
    """Puts out what stands for a known clean latent."""

    def __init__(self, diffuser: Diffuser, x0: torch.Tensor) -> None:
        super().__init__()
        self.diffuser, self.x0 = diffuser, x0

    def forward(self, z_t, t, cond=None):
        times = {
            'EDMSchedule': lambda: (4 * t).exp(),
            'FlowSchedule': lambda: t / 1000,
        }.get(type(self.diffuser.schedule).__name__, t.long)()
        alpha, sigma = self.diffuser.schedule(times, z_t.ndim)
        param, one = self.diffuser.parameterization, torch.ones_like(z_t)
        z_t = z_t / param.scale_input(one, alpha, sigma)
        return param.from_x0(self.x0, z_t, alpha, sigma)


class Zero(nn.Module):
    """Puts out zero."""

    def forward(self, z_t, t, cond=None):
        return torch.zeros_like(z_t)


@pytest.mark.parametrize('schedule', ['ScaledLinearSchedule', 'CosineSchedule'])
@pytest.mark.parametrize('parameterization', PARAMETERIZATIONS[:3], ids=lambda p: p['type'])
def test_the_exact_denoiser_has_no_loss_and_gives_the_data(schedule, parameterization):
    """A network that knows x0 is scored zero, and sampling returns x0."""
    diffuser = build(parameterization, schedule=schedule)
    x0 = torch.randn(3, *SHAPE, generator=torch.Generator().manual_seed(1))
    net = Oracle(diffuser, x0)
    assert diffuser.loss(net, x0, seeds=[1, 2, 3]).max() < 1e-6
    tolerance = 1e-2 if schedule == 'CosineSchedule' else 1e-4  # alpha is 5e-5 at its last time
    torch.testing.assert_close(sample(diffuser, net, [4, 5, 6]), x0, atol=tolerance, rtol=0)


@pytest.mark.parametrize('name', BASES)
def test_base_configs_train_and_sample(name):
    """Each base config's diffuser, given a network that knows x0, as it is but in few steps."""
    base = Config.fromfile(configs_root() / f'_base_/diffusion/{name}.py').diffuser.to_dict()
    base['sampler']['num_steps'] = 3
    diffuser = MODELS.build(base, default_args=OFFERS)
    if diffuser.parameterization.state_dict():
        diffuser.parameterization.logit.data.fill_(1e3)
    x0 = torch.randn(2, *SHAPE, generator=torch.Generator().manual_seed(1))
    net = Oracle(diffuser, x0)
    assert diffuser.loss(net, x0, seeds=[1, 2]).max() < 1e-5
    torch.testing.assert_close(sample(diffuser, net, [4, 5]), x0, atol=1e-3, rtol=0)
    assert (diffuser.loss(Zero(), x0, seeds=[1, 2]) > 1e-3).all()


@pytest.mark.parametrize('parameterization', [EPS, dict(type='V'), EDM], ids=lambda p: p['type'])
@pytest.mark.parametrize('weight', ['MinSNR', 'P2', 'EDMWeight'])
def test_weighted_losses_do_not_depend_on_the_parameterization(weight, parameterization):
    """The same wrong denoiser is scored weight * |x0_hat - x0|^2 in every space."""
    diffuser = build(parameterization, loss_weight=dict(type=weight))
    x0 = torch.randn(4, *SHAPE, generator=torch.Generator().manual_seed(1))
    wrong = x0 + torch.arange(4).view(4, 1, 1)
    scales = diffuser.schedule(diffuser.schedule.sample_t(4, [1, 2, 3, 4]), 3)
    expected = diffuser.loss_weight(*scales).flatten() * torch.arange(4) ** 2
    loss = diffuser.loss(Oracle(diffuser, wrong), x0, seeds=[1, 2, 3, 4])
    torch.testing.assert_close(loss, expected, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize('parameterization', [EPS, MIXED], ids=lambda p: p['type'])
@pytest.mark.parametrize('zero', ['FlowSchedule', 'ScaledLinearSchedule'])
def test_noise_predictions_and_pure_noise_do_not_go_together(zero, parameterization):
    """The error names both and what to take instead."""
    schedule = dict(type=zero)
    if zero != 'FlowSchedule':
        schedule['zero_terminal_snr'] = True
    message = rf"{zero} ends in pure noise.*{parameterization['type']} predicts.*type='V'"
    with pytest.raises(ValueError, match=message):
        build(parameterization, schedule=schedule)


def test_loss_of_the_normal_denoiser_on_normal_data_is_alpha_squared():
    """E|eps - sigma z_t|^2 = alpha^2 for x0 ~ N(0, I): the floor below which no network gets."""
    diffuser = build(dict(MIXED, init=-1e3))
    seeds, (c, n) = torch.arange(64), SHAPE
    x0 = torch.randn(64, c, n, generator=torch.Generator().manual_seed(2))
    ratio = diffuser.loss(Zero(), x0, seeds=seeds) / (
        diffuser.schedule(diffuser.schedule.sample_t(64, seeds), 1)[0].square()
    )
    assert ratio.mean().item() == pytest.approx(1, abs=4 * math.sqrt(2 / (64 * c * n)))


def test_loss_compares_in_the_space_of_the_parameterization():
    """Zero output: |eps|^2, |x0|^2 and |v|^2 are the losses of Eps, X0 and V."""
    seeds = torch.arange(5)
    x0 = torch.full((5, *SHAPE), 2.0)
    losses = [build(p).loss(Zero(), x0, seeds=seeds) for p in PARAMETERIZATIONS[:3]]
    torch.testing.assert_close(losses[1], torch.full((5,), 4.0))
    diffuser = build()
    alpha, sigma = diffuser.schedule(diffuser.schedule.sample_t(5, seeds), 1)
    eps = diffuser.loss(Oracle(diffuser, x0 * 0), x0 * 0, seeds=seeds)
    assert eps.max() < 1e-6
    # |v|^2 = alpha^2 |eps|^2 + sigma^2 |x0|^2 - 2 alpha sigma <eps, x0>; the last is small.
    expected = alpha.square() * losses[0] + 4 * sigma.square()
    assert (losses[2] - expected).abs().max() < 4 * 4 / math.sqrt(math.prod(SHAPE))


@pytest.mark.parametrize('parameterization', [EPS, MIXED], ids=lambda p: p['type'])
def test_loss_depends_on_seeds_only(parameterization):
    """Not on batch size, order or the global state."""
    diffuser, net = build(parameterization), random_unet()
    z0 = torch.randn(4, *SHAPE, generator=torch.Generator().manual_seed(3))
    seeds = torch.tensor([9, 2, 7, 4])
    torch.manual_seed(0)
    whole = diffuser.loss(net, z0, seeds=seeds)
    torch.manual_seed(1)
    for i in range(4):
        one = diffuser.loss(net, z0[i : i + 1], seeds=seeds[i : i + 1])
        torch.testing.assert_close(one, whole[i : i + 1], atol=0, rtol=5e-5)
    flipped = diffuser.loss(net, z0.flip(0), seeds=seeds.flip(0))
    torch.testing.assert_close(flipped, whole.flip(0), atol=0, rtol=5e-5)
    assert (diffuser.loss(net, z0, seeds=seeds + 100) - whole).abs().min() > 1e-4
    first, second = (diffuser.loss(net, z0) for _ in range(2))
    assert not torch.equal(first, second)


@pytest.mark.parametrize(
    'sampler',
    [
        dict(type='DDIM', num_steps=4),
        dict(type='DDIM', num_steps=4, eta=1.0),
        dict(type='DDPM', num_steps=6),
        dict(type='DPMSolverPPSDE', num_steps=4),
        dict(type='UniPC', num_steps=4, order=3),
        dict(type='Heun', num_steps=4, s_churn=1.0),
    ],
    ids=['ddim', 'ddim-eta', 'ddpm', 'sde', 'unipc', 'churn'],
)
@pytest.mark.parametrize('batch', [2])
def test_samples_depend_on_seeds_only(sampler, batch):
    """Sample i of any batch size is sample i."""
    diffuser, net = build(dict(MIXED, init=-1.0), sampler), random_unet()
    seeds = torch.tensor([11, 5, 8, 2])
    whole = sample(diffuser, net, seeds)
    torch.manual_seed(batch)
    parts = [sample(diffuser, net, s) for s in seeds.split(batch)]
    assert (torch.cat(parts) - whole).abs().max() < 1e-5 * whole.abs().max()
    assert (whole[0] - whole[1]).abs().max() > 0.1


@pytest.mark.parametrize('parameterization', PARAMETERIZATIONS, ids=str)
def test_gradients_reach_every_parameter(parameterization):
    """Of the network and of the mixture."""
    diffuser, net = build(parameterization), random_unet()
    z0 = torch.randn(2, *SHAPE, generator=torch.Generator().manual_seed(4))
    diffuser.loss(net, z0, seeds=[1, 2]).mean().backward()
    for module in (net, diffuser):
        for name, p in module.named_parameters():
            assert p.grad is not None, name
            assert p.grad.abs().max() > 1e-6, name


def test_condition_and_times_reach_the_network():
    """The network is told c_noise and cond, the callback sees every step."""
    diffuser, calls, steps = build(), [], []

    class Spy(Zero):
        def forward(self, z_t, t, cond=None):
            calls.append((t.tolist(), cond))
            return super().forward(z_t, t)

    cond = dict(vector=torch.ones(2, 3))
    sample(diffuser, Spy(), [1, 2], cond, lambda i, z, x0: steps.append(i))
    assert [t for t, _ in calls] == [[999.0] * 2, [749.0] * 2, [499.0] * 2, [249.0] * 2]
    assert all(c is cond for _, c in calls)
    assert steps == [0, 1, 2, 3]


def test_sampling_keeps_no_graph():
    """Hundreds of steps must not hold their activations."""
    assert not sample(build(), random_unet(), [1]).requires_grad


def test_runs_on_the_meta_device():
    """Configurations are checked without memory."""
    with torch.device('meta'):
        diffuser, net = build(MIXED, dict(type='DDPM', num_steps=3)), random_unet_like_meta()
        loss = diffuser.loss(net, torch.zeros(2, *SHAPE), seeds=[1, 2])
        assert loss.shape == (2,)
        assert diffuser.loss(net, torch.zeros(2, *SHAPE)).device.type == 'meta'
        assert sample(diffuser, net, [1, 2, 3]).shape == (3, *SHAPE)


def random_unet_like_meta() -> nn.Module:
    return MODELS.build(
        dict(type='PlaneUNet', model_channels=32, channel_mult=(1, 2)), default_args=OFFERS
    )


def test_a_wrong_role_is_named():
    """A schedule where a sampler belongs."""
    with pytest.raises(TypeError, match=r'Schedule, expected AbstractSampler.*DDIM'):
        build(sampler=dict(type='CosineSchedule'))
    assert isinstance(build().sampler, AbstractSampler)
