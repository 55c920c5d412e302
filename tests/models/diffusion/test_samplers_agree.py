"""Our samplers and schedules against the schedulers of the library diffusers."""

import pytest
import torch

from ddmi_toolkit.models.diffusion import (
    DDIM,
    DDPM,
    CosineSchedule,
    DPMSolverPP,
    DPMSolverPPSDE,
    EDMPreconditioning,
    EDMSchedule,
    FlowEuler,
    FlowHeun,
    FlowSchedule,
    FlowVelocity,
    Heun,
    LinearSchedule,
    ScaledLinearSchedule,
    UniPC,
)
from ddmi_toolkit.structures import generators

diffusers = pytest.importorskip('diffusers')
# its conversions to NumPy are deprecated
pytestmark = pytest.mark.filterwarnings('ignore:__array__:DeprecationWarning')

NOISE = torch.randn(1, 3, 40, generator=torch.Generator().manual_seed(0))
SCALED = dict(beta_schedule='scaled_linear', beta_start=0.0015, beta_end=0.0195)
LAST = dict(timestep_spacing='trailing', prediction_type='sample')


def denoiser(schedule):
    """A smooth denoiser that is no straight line in anything."""

    def denoise(z, t):
        alpha, sigma = schedule(t, z.ndim)
        return torch.tanh(0.4 + z * alpha / (alpha.square() + sigma.square()))

    return denoise


def check(sampler, schedule, theirs, **options):
    """Both from the same noise, with the same draws."""
    denoise, z = denoiser(schedule), NOISE.clone()
    ours = sampler(denoise, schedule, NOISE, generators([7], 'sampler'))
    theirs.set_timesteps(sampler.num_steps)
    assert theirs.timesteps.tolist() == schedule.grid(sampler.num_steps).tolist()
    draws = generators([7], 'sampler')[0]
    for t in theirs.timesteps:
        z = theirs.step(denoise(z, t[None]), t, z, **dict.fromkeys(options, draws)).prev_sample
    torch.testing.assert_close(ours, z, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize('n', [5, 10, 20])
@pytest.mark.parametrize('order', [1, 2, 3])
def test_unipc(n, order):
    """UniPCMultistepScheduler with bh2, predict_x0, lower_order_final."""
    theirs = diffusers.UniPCMultistepScheduler(solver_order=order, **SCALED, **LAST)
    check(UniPC(n, order, 'time'), ScaledLinearSchedule(), theirs)


@pytest.mark.parametrize('n', [5, 10, 20])
@pytest.mark.parametrize(
    ('ours', 'algorithm'), [(DPMSolverPP, 'dpmsolver++'), (DPMSolverPPSDE, 'sde-dpmsolver++')]
)
def test_dpm_solver(n, ours, algorithm):
    """DPMSolverMultistepScheduler of order 2, midpoint, to sigma = 0."""
    theirs = diffusers.DPMSolverMultistepScheduler(algorithm_type=algorithm, **SCALED, **LAST)
    options = dict(generator=None) if ours is DPMSolverPPSDE else {}
    check(ours(n, 'time'), ScaledLinearSchedule(), theirs, **options)


@pytest.mark.parametrize('n', [4, 50])
def test_ddim_and_ddpm(n):
    """DDIMScheduler and DDPMScheduler (fixed_small), with samples that are not clipped."""
    plain = dict(clip_sample=False, **SCALED, **LAST)
    theirs = diffusers.DDIMScheduler(**plain)
    check(DDIM(n), ScaledLinearSchedule(), theirs)
    theirs = diffusers.DDPMScheduler(**plain)
    check(DDPM(n), ScaledLinearSchedule(), theirs, generator=None)


@pytest.mark.parametrize(
    ('schedule', 'options'),
    [
        (ScaledLinearSchedule, SCALED),
        (LinearSchedule, {}),
        (CosineSchedule, dict(beta_schedule='squaredcos_cap_v2')),
    ],
)
@pytest.mark.parametrize('zero', [False, True])
def test_schedules(schedule, options, zero):
    """Products of 1 - beta of DDIMScheduler, also with rescale_betas_zero_snr."""
    theirs = diffusers.DDIMScheduler(rescale_betas_zero_snr=zero, **options).alphas_cumprod
    alpha, _ = schedule(zero_terminal_snr=zero)(torch.arange(1000), 1)
    torch.testing.assert_close(alpha.square(), theirs, atol=1e-5, rtol=1e-3)


def test_heun():
    """HeunDiscreteScheduler, which works on z / alpha; n divides 1000."""
    schedule = ScaledLinearSchedule()
    denoise = denoiser(schedule)
    ours = Heun(10, spacing='time')(denoise, schedule, NOISE)
    theirs = diffusers.HeunDiscreteScheduler(**SCALED, **LAST)
    theirs.set_timesteps(10)
    y = NOISE * theirs.init_noise_sigma.square().add(1).sqrt()  # the spread at sigma, not sigma
    for t in theirs.timesteps:
        alpha, _ = schedule(t.long()[None], 3)
        y = theirs.step(denoise(alpha * y, t.long()[None]), t, y).prev_sample
    torch.testing.assert_close(ours, y, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize('name', ['EDMEulerScheduler', 'EDMDPMSolverMultistepScheduler'])
def test_edm(name):
    """EDM's grid, preconditioning and noise conditioning, with steps of Euler and of 2M."""
    theirs = getattr(diffusers, name)(sigma_min=0.002, sigma_max=80.0, sigma_data=0.5)
    schedule, param = EDMSchedule(), EDMPreconditioning(0.5)
    denoise, n = denoiser(schedule), 12
    sampler = DDIM(n) if 'Euler' in name else DPMSolverPP(n, 'time')
    ours = sampler(denoise, schedule, NOISE)
    theirs.set_timesteps(n)
    torch.testing.assert_close(theirs.sigmas[:-1], schedule.grid(n), rtol=1e-5, atol=0)
    torch.testing.assert_close(theirs.timesteps, schedule.c_noise(schedule.grid(n)))
    y = NOISE * theirs.init_noise_sigma
    for t, sigma in zip(theirs.timesteps, theirs.sigmas, strict=False):
        one = torch.ones(1, 1, 1)
        seen = theirs.scale_model_input(y, t)
        torch.testing.assert_close(seen, param.scale_input(y, one, sigma * one))
        out = param.from_x0(denoise(y, sigma[None]), y, one, sigma * one)
        y = theirs.step(out, t, y).prev_sample
    torch.testing.assert_close(ours, y, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ('sampler', 'name'),
    [(FlowEuler, 'FlowMatchEulerDiscreteScheduler'), (FlowHeun, 'FlowMatchHeunDiscreteScheduler')],
)
def test_flow(sampler, name):
    """Steps along the velocity eps - x0, at their 1000 training times."""
    theirs, n = getattr(diffusers, name)(), 10
    theirs.set_timesteps(n)
    schedule, param = FlowSchedule(), FlowVelocity()
    sigmas = theirs.sigmas[:-1]
    levels = sigmas if sampler is FlowEuler else torch.cat([sigmas[:1], sigmas[1::2]])

    class Grid(FlowSchedule):
        def own_grid(self, n):
            return levels

    denoise, z = denoiser(schedule), NOISE
    ours = sampler(n)(denoise, Grid(), NOISE)
    for t, sigma in zip(theirs.timesteps, sigmas, strict=True):
        alpha, scale = schedule(sigma[None], 3)
        velocity = param.from_x0(denoise(z, sigma[None]), z, alpha, scale)
        z = theirs.step(velocity, t, z).prev_sample
    torch.testing.assert_close(ours, z, atol=1e-5, rtol=1e-5)
