"""Samplers on data whose best denoiser is known in closed form."""

import itertools
import math

import pytest
import torch

from ddmi_toolkit.models.diffusion import DDIM, DDPM, CosineSchedule, ScaledLinearSchedule
from ddmi_toolkit.structures import generators, seeded_normal

MEAN, STD = 0.7, 0.5
SAMPLERS = [DDIM(7), DDIM(7, eta=0.5), DDPM(7)]


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


def test_deterministic_ddim_draws_nothing():
    """eta = 0 leaves the generators and the global state alone."""
    schedule, gens = ScaledLinearSchedule(), generators([0], 'sampler')
    before, state = gens[0].get_state(), torch.get_rng_state()
    DDIM(5)(gaussian_denoiser(schedule), schedule, torch.zeros(1, 1, 2), gens)
    assert torch.equal(before, gens[0].get_state())
    assert torch.equal(state, torch.get_rng_state())


def test_errors_name_the_remedy():
    """A generator per sample, and eta in its range."""
    with pytest.raises(ValueError, match='1 generators for 2 samples'):
        DDPM(2)(
            lambda z, t: z, ScaledLinearSchedule(), torch.zeros(2, 1, 1), generators([0], 'sampler')
        )
    with pytest.raises(ValueError, match=r'eta .* \[0, 1\], got 2'):
        DDIM(5, eta=2.0)
