"""Samplers on data whose best denoiser is known in closed form."""

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
    ScaledLinearSchedule,
    UniPC,
)
from ddmi_toolkit.structures import generators, seeded_normal

MEAN, STD = 0.7, 0.5
STOCHASTIC = [DDIM(7, eta=0.5), DDPM(7), DPMSolverPPSDE(7), Heun(7, s_churn=2.0)]
DETERMINISTIC = [DDIM(7), Heun(7), FlowEuler(7), FlowHeun(7), DPMSolverPP(7), UniPC(7), UniPC(7, 3)]
SAMPLERS = STOCHASTIC + DETERMINISTIC


def gaussian_denoiser(schedule):
    """E[x0 | z_t] for x0 ~ N(MEAN, STD^2)."""

    def denoise(z, t):
        alpha, sigma = schedule(t, z.ndim)
        gain = alpha * STD**2 / (alpha.square() * STD**2 + sigma.square())
        return MEAN + gain * (z - alpha * MEAN)

    return denoise


def fine_schedule():
    """The linear schedule on 16 times finer times."""
    return ScaledLinearSchedule(16000, 0.0015 / 16, 0.0195 / 16)


@pytest.mark.parametrize('schedule', [ScaledLinearSchedule(), CosineSchedule()])
@pytest.mark.parametrize('num_steps', [1, 2, 20])
def test_ddim_moves_straight_to_known_data(schedule, num_steps):
    """Given the data, z_t = alpha x0 + sigma eps with one eps all the way, and x0 comes out."""
    x0, noise = seeded_normal([1, 2], (4, 6), 'x0'), seeded_normal([3, 4], (4, 6), 'noise')
    path = []
    out = DDIM(num_steps)(
        lambda z, t: x0, schedule, noise, callback=lambda i, z, x: path.append((i, z))
    )
    assert torch.equal(out, x0)
    assert [i for i, _ in path] == list(range(num_steps))
    alpha, sigma = schedule(schedule.grid(num_steps)[:1], 3)
    eps = (path[0][1] - alpha * x0) / sigma
    for (_, z), t in zip(path, schedule.grid(num_steps), strict=True):
        alpha, sigma = schedule(t[None], 3)
        torch.testing.assert_close(z, alpha * x0 + sigma * eps, atol=1e-4, rtol=0)


def test_ddim_is_first_order():
    """On Gaussian data the exact flow is affine; twice the steps halve the error."""
    schedule = fine_schedule()
    alpha, sigma = schedule(torch.tensor([schedule.num_steps - 1]), 1)
    noise = torch.tensor([[[-1.5, 0.0, 2.0]]])
    spread = (alpha.square() * STD**2 + sigma.square()).sqrt()
    exact = MEAN + STD * (noise - alpha * MEAN) / spread
    denoise = gaussian_denoiser(schedule)
    errors = [(DDIM(n)(denoise, schedule, noise) - exact).norm().item() for n in (16, 32, 64, 128)]
    for coarse, fine in itertools.pairwise(errors):
        assert 1.6 < coarse / fine < 2.5, errors
    assert errors[-1] < 0.06


@pytest.mark.parametrize(
    ('sampler', 'tolerance'),
    [(DDPM(1000), 0.01), (DDPM(200), 0.03), (DDIM(200, eta=0.5), 0.03), (DDIM(200), 0.03)],
    ids=['ddpm-1000', 'ddpm-200', 'ddim-eta', 'ddim'],
)
def test_samples_have_the_mean_and_spread_of_the_data(sampler, tolerance):
    """Ancestral and implicit sampling of Gaussian data, to 4 standard errors and the step's."""
    schedule, n = ScaledLinearSchedule(), 20_000
    noise = seeded_normal([0], (1, n), 'noise')
    out = sampler(gaussian_denoiser(schedule), schedule, noise, generators([0], 'sampler'))
    assert out.mean().item() == pytest.approx(MEAN, abs=4 * STD / math.sqrt(n))
    assert out.std().item() == pytest.approx(STD, rel=tolerance + 4 / math.sqrt(2 * n))


@pytest.mark.parametrize('num_steps', [5, 50, 1000])
def test_ddpm_is_ddim_with_all_the_noise(num_steps):
    """The ancestral posterior of the kept times equals DDIM with eta = 1."""
    schedule = ScaledLinearSchedule()
    noise = seeded_normal([1, 2], (2, 3), 'noise')
    results = [
        sampler(gaussian_denoiser(schedule), schedule, noise, generators([5, 6], 'sampler'))
        for sampler in (DDPM(num_steps), DDIM(num_steps, eta=1.0))
    ]
    torch.testing.assert_close(*results, atol=2e-5, rtol=0)


def test_ancestral_step_has_the_posterior_variance():
    """One step with known data: mean and variance of q(z_s | z_t, x0), beta-tilde."""
    schedule = ScaledLinearSchedule()
    (a_t, s_t), (a_s, s_s) = (
        tuple(v.item() for v in schedule(t[None], 1)) for t in schedule.grid(2)
    )
    seen = []
    x0, noise = torch.full((1, 1, 40_000), 0.3), torch.full((1, 1, 40_000), 1.2)
    DDPM(2)(
        lambda z, t: x0,
        schedule,
        noise,
        generators([0], 'sampler'),
        callback=lambda i, z, x: seen.append(z),
    )
    variance = s_s**2 / s_t**2 * (1 - (a_t / a_s) ** 2)
    mean = a_s * 0.3 + math.sqrt(s_s**2 - variance) * (1.2 - a_t * 0.3) / s_t
    assert seen[1].mean().item() == pytest.approx(mean, abs=4 * math.sqrt(variance / 40_000))
    assert seen[1].var().item() == pytest.approx(variance, rel=4 * math.sqrt(2 / 40_000))


@pytest.mark.parametrize('sampler', SAMPLERS)
@pytest.mark.parametrize('batch', [1, 2, 4])
def test_samples_depend_on_their_own_noise_and_generator(sampler, batch):
    """The same four samples whatever the batch size and the global state."""
    schedule, seeds = ScaledLinearSchedule(), [3, 1, 4, 5]
    denoise = gaussian_denoiser(schedule)

    def sample(part):
        torch.manual_seed(len(part))
        noise = seeded_normal(part, (2, 3), 'noise')
        return sampler(denoise, schedule, noise, generators(part, 'sampler'))

    parts = [sample(seeds[i : i + batch]) for i in range(0, 4, batch)]
    assert torch.equal(torch.cat(parts), sample(seeds))


@pytest.mark.parametrize('sampler', DETERMINISTIC)
def test_deterministic_samplers_draw_nothing(sampler):
    """They leave the generators and the global state alone."""
    assert sampler.is_deterministic
    schedule, gens = ScaledLinearSchedule(), generators([0], 'sampler')
    before, state = gens[0].get_state(), torch.get_rng_state()
    sampler(gaussian_denoiser(schedule), schedule, torch.zeros(1, 1, 2), gens)
    assert torch.equal(before, gens[0].get_state())
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize('sampler', STOCHASTIC)
def test_stochastic_samplers_use_each_generator(sampler):
    """Equal noise becomes different samples."""
    assert not sampler.is_deterministic
    schedule = ScaledLinearSchedule()
    noise = torch.zeros(2, 1, 50)
    out = sampler(gaussian_denoiser(schedule), schedule, noise, generators([0, 1], 'sampler'))
    assert (out[0] - out[1]).abs().max() > 0.1


@pytest.mark.parametrize('sampler', SAMPLERS)
def test_num_evaluations_counts_calls_of_the_network(sampler):
    """And the callback sees every step once."""
    schedule, calls, steps = ScaledLinearSchedule(), [], []
    sampler(
        lambda z, t: calls.append(t) or z,
        schedule,
        torch.zeros(1, 1, 2),
        callback=lambda i, z, x0: steps.append(i),
    )
    assert len(calls) == sampler.num_evaluations
    assert steps == list(range(7))


@pytest.mark.parametrize('schedule', [FlowSchedule(), EDMSchedule(), ScaledLinearSchedule()])
@pytest.mark.parametrize('sampler', SAMPLERS)
def test_known_data_comes_out(sampler, schedule):
    """A denoiser that knows the data ends at it from any schedule, also from pure noise."""
    if type(sampler) is Heun and schedule.has_zero_terminal_snr:
        with pytest.raises(ValueError, match=r"infinite where FlowSchedule starts.*'FlowHeun'"):
            sampler(lambda z, t: z, schedule, torch.zeros(1, 1, 1))
        return
    x0, noise = seeded_normal([1], (4, 6), 'x0'), seeded_normal([3], (4, 6), 'noise')
    seen = []
    out = sampler(lambda z, t: x0, schedule, noise, callback=lambda i, z, x: seen.append(z))
    assert torch.equal(out, x0)
    assert all(z.isfinite().all() for z in seen)
    if sampler.is_deterministic:
        level = sampler.levels(schedule, 3)[-1]
        first = sampler.levels(schedule, 3)[0]
        eps = (seen[0] - first.alpha * x0) / first.sigma
        expected = level.alpha * x0 + level.sigma * eps
        torch.testing.assert_close(seen[-1], expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize('schedule', [FlowSchedule(), ScaledLinearSchedule(), CosineSchedule()])
def test_euler_on_the_straight_path_is_ddim(schedule):
    """Both hold the denoised latent fixed for a step."""
    noise = seeded_normal([1, 2], (2, 3), 'noise')
    pair = [s(gaussian_denoiser(schedule), schedule, noise) for s in (FlowEuler(9), DDIM(9))]
    torch.testing.assert_close(*pair, atol=1e-5, rtol=1e-5)


def test_churn_raises_the_level_as_published():
    """sigma grows by 1 + min(s_churn / n, sqrt(2) - 1) inside [s_min, s_max] only."""
    schedule, told = EDMSchedule(), []

    def denoise(z, t):
        told.append(t[0].item())
        return torch.zeros_like(z)

    for s_churn, growth in ((1.0, 0.25), (100.0, math.sqrt(2) - 1)):
        told.clear()
        Heun(4, s_churn, s_min=0.05, s_max=50.0)(denoise, schedule, torch.zeros(1, 1, 1))
        for sigma, seen in zip(schedule.grid(4).tolist(), told[::2], strict=True):
            factor = 1 + growth if 0.05 <= sigma <= 50 else 1
            assert seen == pytest.approx(sigma * factor, rel=1e-5)


def test_churn_adds_what_the_level_lacks():
    """Variance s_noise^2 * (raised^2 - sigma^2), at the nearest time of a discrete schedule."""
    schedule, seen = ScaledLinearSchedule(), []
    sampler = Heun(2, s_churn=0.5, s_noise=1.5)
    z = torch.zeros(1, 1, 40_000)
    sampler(
        lambda z, t: seen.append((z, t)) or torch.zeros_like(z),
        schedule,
        z,
        generators([0], 'sampler'),
    )
    first, last = sampler.levels(schedule, 1)
    alpha, sigma = schedule(seen[2][1], 1)
    low, high = (last.sigma / last.alpha).item(), (sigma / alpha).item()
    assert high == pytest.approx(1.25 * low, rel=0.15)
    start = seen[1][0].var().item() / last.alpha.item() ** 2
    gained = (seen[2][0] / alpha).var().item() - start
    assert first.t == seen[0][1]
    assert gained == pytest.approx(1.5**2 * (high**2 - low**2), rel=0.05)


def test_errors_name_the_remedy():
    """A generator per sample, and eta in its range."""
    with pytest.raises(ValueError, match='1 generators for 2 samples'):
        DDPM(2)(
            lambda z, t: z, ScaledLinearSchedule(), torch.zeros(2, 1, 1), generators([0], 'sampler')
        )
    with pytest.raises(ValueError, match=r'eta .* \[0, 1\], got 2'):
        DDIM(5, eta=2.0)
    with pytest.raises(ValueError, match=r'1, 2 or 3, got order=4'):
        UniPC(5, order=4)
    for bad in (dict(s_churn=-1.0), dict(s_min=2.0, s_max=1.0), dict(s_noise=0.0)):
        with pytest.raises(
            ValueError, match=rf'churn needs .*{next(iter(bad))}={bad[next(iter(bad))]}'
        ):
            Heun(5, **bad)
    with pytest.raises(ValueError, match=r'1001 steps does not fit .* between 1 and 1000'):
        UniPC(1001)(lambda z, t: z, ScaledLinearSchedule(), torch.zeros(1, 1, 1))
