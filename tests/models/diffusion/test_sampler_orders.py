"""How fast samplers converge to the exact flow, and to the exact distribution."""

import itertools
import math

import pytest
import torch

from ddmi_toolkit.models.diffusion import (
    DDIM,
    DDPM,
    CosineSchedule,
    DPMSolverPP,
    DPMSolverPPSDE,
    EDMSchedule,
    FlowEuler,
    FlowHeun,
    FlowSchedule,
    Heun,
    LinearSchedule,
    ScaledLinearSchedule,
    UniPC,
)
from ddmi_toolkit.structures import generators, seeded_normal

MEAN = torch.tensor([[0.7], [-0.4]])
STD = torch.tensor([[0.5], [1.2]])
NOISE = torch.tensor([[[-1.5, 0.0, 2.0], [0.3, -0.8, 1.1]]]).double()
CHURN = dict(s_churn=20.0, s_noise=1.0)


def gaussian_denoiser(schedule):
    """E[x0 | z_t] for x0 ~ N(MEAN, diag(STD^2))."""

    def denoise(z, t):
        alpha, sigma = schedule(t, z.ndim)
        gain = alpha * STD**2 / (alpha.square() * STD**2 + sigma.square())
        return MEAN + gain * (z - alpha * MEAN)

    return denoise


def exact(schedule, levels, noise):
    """The flow of Gaussian data from the first level to the last, in closed form."""
    (a, s), (b, h) = ((level.alpha, level.sigma) for level in (levels[0], levels[-1]))
    z = noise * (a.square() + s.square()).sqrt()
    ratio = ((b * STD).square() + h.square()) / ((a * STD).square() + s.square())
    return b * MEAN + (z - a * MEAN) * ratio.sqrt()


def error(sampler, schedule):
    """Distance to the exact flow at the last level, which the last denoising keeps in order."""
    last = []
    sampler(gaussian_denoiser(schedule), schedule, NOISE, callback=lambda i, z, x0: last.append(z))
    return (last[-1] - exact(schedule, sampler.levels(schedule, 3), NOISE)).norm().item()


@pytest.mark.parametrize('schedule', [EDMSchedule(0.02, 20.0), FlowSchedule(min_t=0.02)], ids=type)
@pytest.mark.parametrize(
    ('make', 'order'),
    [
        (DDIM, 1),
        (FlowEuler, 1),
        (Heun, 2),
        (FlowHeun, 2),
        (DPMSolverPP, 2),
        (lambda n, spacing: UniPC(n, 1, spacing), 2),
        (lambda n, spacing: UniPC(n, 2, spacing), 3),
        (lambda n, spacing: UniPC(n, 3, spacing), 4),
    ],
    ids=['ddim', 'euler', 'heun', 'flow-heun', '2m', 'unipc-1', 'unipc-2', 'unipc-3'],
)
def test_order_of_convergence(make, order, schedule):
    """Twice the steps divide the error by 2 ** order; UniPC's corrector adds an order to p."""
    if schedule.has_zero_terminal_snr and make is Heun:
        pytest.skip('Heun needs signal')
    steps = (20, 40, 80)
    errors = [error(make(n, spacing='karras'), schedule.double()) for n in steps]
    slopes = [math.log2(coarse / fine) for coarse, fine in itertools.pairwise(errors)]
    assert sum(slopes) / 2 > order - 0.35, (errors, slopes)
    assert sum(slopes) / 2 < order + 0.8, (errors, slopes)


@pytest.mark.parametrize(
    'sampler',
    [DPMSolverPP(12), UniPC(12), UniPC(12, 3), FlowHeun(12, 'log_snr')],
    ids=['2m', 'unipc-2', 'unipc-3', 'flow-heun'],
)
@pytest.mark.parametrize('zero', [False, True], ids=['', 'zero-snr'])
@pytest.mark.parametrize('cls', [ScaledLinearSchedule, LinearSchedule, CosineSchedule])
def test_twelve_steps_of_the_discrete_schedules_suffice(sampler, zero, cls):
    """The error against the exact sample is below 0.1, and half of DDIM's at published times."""
    schedule = cls(zero_terminal_snr=zero).double()
    level = sampler.levels(schedule, 3)[0]
    spread = ((level.alpha * STD).square() + level.sigma.square()).sqrt()
    goal = MEAN + (NOISE - level.alpha * MEAN) * STD / spread
    gap, ddim = (
        (s(gaussian_denoiser(schedule), schedule, NOISE) - goal).norm().item()
        for s in (sampler, DDIM(12))
    )
    assert gap < 0.1
    assert gap < ddim / 2


@pytest.mark.parametrize(
    ('sampler', 'schedule'),
    [
        (DPMSolverPPSDE(60), ScaledLinearSchedule()),
        (DPMSolverPPSDE(60), FlowSchedule()),
        (DPMSolverPPSDE(60), EDMSchedule()),
        (Heun(40, **CHURN), EDMSchedule()),
        (Heun(40, **CHURN), ScaledLinearSchedule()),
        (DDPM(300, 'log_snr'), LinearSchedule(zero_terminal_snr=True)),
        (DDIM(200, 0.7, 'karras'), FlowSchedule()),
    ],
    ids=['sde', 'sde-flow', 'sde-edm', 'churn-edm', 'churn', 'ddpm-zero-snr', 'ddim-flow'],
)
def test_stochastic_samplers_have_the_distribution_of_the_data(sampler, schedule):
    """Mean and spread of every channel, to 4 standard errors and 2 percent."""
    assert not sampler.is_deterministic
    n = 10_000
    noise = seeded_normal([0], (2, n), 'noise')
    out = sampler(gaussian_denoiser(schedule), schedule, noise, generators([0], 'sampler'))
    for c in range(2):
        mean, std = MEAN[c].item(), STD[c].item()
        assert out[0, c].mean().item() == pytest.approx(mean, abs=4 * std / math.sqrt(n) + 0.01)
        assert out[0, c].std().item() == pytest.approx(std, rel=0.02 + 4 / math.sqrt(2 * n))


def test_second_order_pays_for_the_stochastic_solver():
    """With few steps, SDE-DPM-Solver++(2M) has the data's spread better than ancestral sampling."""
    schedule = ScaledLinearSchedule()
    noise = seeded_normal([0], (2, 20_000), 'noise')
    gaps = []
    for sampler in (DPMSolverPPSDE(20), DDPM(20, 'log_snr')):
        out = sampler(gaussian_denoiser(schedule), schedule, noise, generators([1], 'sampler'))
        gaps.append((out.std(dim=2) / STD.T - 1).abs().max().item())
    assert gaps[0] < 0.5 * gaps[1]
