"""Noise schedules: published constants, invariants, seeded times."""

import math

import pytest
import torch

from ddmi_toolkit.models.diffusion import (
    DDIM,
    CosineSchedule,
    LinearSchedule,
    ScaledLinearSchedule,
)

SCHEDULES = [ScaledLinearSchedule, LinearSchedule, CosineSchedule]


def test_scaled_linear_has_the_published_constants():
    """1 - abar_1 = 0.0015 and abar_T = 1.42e-4 (latent diffusion's scaled-linear schedule)."""
    alpha, sigma = ScaledLinearSchedule()(torch.tensor([0, 999]), 1)
    assert sigma[0].square().item() == pytest.approx(0.0015, rel=1e-5)
    assert alpha[1].square().item() == pytest.approx(1.42e-4, rel=5e-3)


def test_linear_has_the_published_constants():
    """abar_1 = 1 - 1e-4 and abar_T = 4.04e-5 (Ho et al. 2020)."""
    alpha, sigma = LinearSchedule()(torch.tensor([0, 999]), 1)
    assert sigma[0].square().item() == pytest.approx(1e-4, rel=1e-5)
    assert alpha[1].square().item() == pytest.approx(4.04e-5, rel=5e-3)


def test_cosine_follows_its_formula():
    """alpha^2 = cos^2((u + s) / (1 + s) * pi / 2), normalized at u = 0, where it is not clipped."""
    schedule = CosineSchedule(num_steps=500)
    for t in (0, 99, 249, 400):
        u = (t + 1) / 500
        f = [math.cos((v + 0.008) / 1.008 * math.pi / 2) ** 2 for v in (u, 0)]
        alpha, _ = schedule(torch.tensor([t]), 1)
        assert alpha.square().item() == pytest.approx(f[0] / f[1], rel=1e-5)


@pytest.mark.parametrize('cls', SCHEDULES)
def test_noise_grows_at_constant_total_variance(cls):
    """alpha^2 + sigma^2 = 1, alpha falls, and both have the asked number of axes."""
    schedule = cls(num_steps=200)
    alpha, sigma = schedule(torch.arange(200), 3)
    assert alpha.shape == sigma.shape == (200, 1, 1)
    torch.testing.assert_close(alpha.square() + sigma.square(), torch.ones(200, 1, 1))
    assert (alpha.flatten().diff() < 0).all()
    assert (alpha > 0).all()
    assert (sigma > 0).all()


@pytest.mark.parametrize(
    ('n', 'times'),
    [
        (7, [999, 856, 713, 570, 427, 284, 141]),
        (5, [999, 799, 599, 399, 199]),
        (1, [999]),
    ],
)
def test_grid_has_the_published_times(n, times):
    """The times of the published DDIM sampler."""
    assert ScaledLinearSchedule().grid(n).tolist() == times


@pytest.mark.parametrize('n', [50, 200, 333, 999, 1000])
def test_grid_is_the_rounded_down_linspace(n):
    """int(linspace(-1, T - 1, n + 1)) in exact arithmetic, without -1."""
    times = ScaledLinearSchedule().grid(n).tolist()
    assert times == [(1000 * i - n) // n for i in range(n, 0, -1)]
    assert len(set(times)) == n
    assert times[0] == 999
    assert times[-1] >= 0


def test_grid_says_when_steps_do_not_fit():
    """The error names the value, the range and the remedy."""
    with pytest.raises(ValueError, match=r'sampler of 11 steps.*10 times; choose .* 1 and 10'):
        ScaledLinearSchedule(num_steps=10).grid(11)


@pytest.mark.parametrize('cls', SCHEDULES)
def test_times_are_uniform_and_depend_on_seeds_alone(cls):
    """Seeded times cover all times evenly, whatever the batch and the global state."""
    schedule = cls(num_steps=4)
    seeds = torch.arange(2000)
    t = schedule.sample_t(len(seeds), seeds)
    counts = torch.bincount(t, minlength=4)
    assert len(counts) == 4
    assert (counts - 500).abs().max() < 4 * math.sqrt(2000 * 0.25 * 0.75)
    torch.manual_seed(1)
    assert torch.equal(schedule.sample_t(3, seeds[5:8]), t[5:8])


def test_unseeded_times_follow_the_global_state():
    """Without seeds, torch's state decides."""
    schedule = ScaledLinearSchedule()
    torch.manual_seed(0)
    first = schedule.sample_t(16)
    torch.manual_seed(0)
    assert torch.equal(schedule.sample_t(16), first)
    assert not torch.equal(schedule.sample_t(16), first)
    assert first.min() >= 0
    assert first.max() < 1000


def test_tables_are_no_weights():
    """Tables follow from the configuration and are not saved."""
    assert not ScaledLinearSchedule().state_dict()


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(num_steps=0), 'num_steps=0'),
        (dict(num_steps=1, zero_terminal_snr=True), 'two if zero_terminal_snr'),
        (dict(beta_start=0.1, beta_end=0.01), 'beta_start <= beta_end'),
    ],
)
def test_impossible_schedules_are_refused(kwargs, message):
    """Errors name the argument."""
    with pytest.raises(ValueError, match=message):
        ScaledLinearSchedule(**kwargs)


@pytest.mark.parametrize('cls', SCHEDULES)
def test_zero_terminal_snr_ends_in_pure_noise(cls):
    """alpha runs from its first value to 0, as an affine function of the alpha it replaces."""
    plain, schedule = cls(num_steps=50), cls(num_steps=50, zero_terminal_snr=True)
    (alpha, sigma), (old, _) = (s(torch.arange(50), 1) for s in (schedule, plain))
    assert schedule.has_zero_terminal_snr
    assert not plain.has_zero_terminal_snr
    assert (alpha[-1].item(), sigma[-1].item()) == (0, 1)
    torch.testing.assert_close(alpha[0], old[0])
    torch.testing.assert_close(alpha.square() + sigma.square(), torch.ones(50))
    slopes = alpha.double().diff() / old.double().diff()
    torch.testing.assert_close(slopes, slopes.mean().expand(49), atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize('zero', [False, True])
@pytest.mark.parametrize('cls', SCHEDULES)
@pytest.mark.parametrize('spacing', ['log_snr', 'karras'])
@pytest.mark.parametrize('n', [1, 2, 8, 20, 100, 1000])
def test_spaced_times_are_different_and_reach_both_ends(cls, zero, spacing, n):
    """Crowded levels make room for each other; the first is the noisiest, the last time 0."""
    times = cls(zero_terminal_snr=zero).grid(n, spacing)
    assert times.shape == (n,)
    assert (times.diff() < 0).all()
    assert times[0] == 999
    assert n == 1 or times[-1] == 0


@pytest.mark.parametrize(
    ('spacing', 'scale'),
    [('log_snr', lambda a, s: (a / s).log()), ('karras', lambda a, s: (s / a) ** (1 / 7))],
)
def test_spacings_are_even_on_their_scale(spacing, scale):
    """To the nearest of the times, here 20000."""
    schedule = ScaledLinearSchedule(20_000, 0.0015 / 20, 0.0195 / 20)
    gaps = scale(*schedule(schedule.grid(9, spacing), 1)).diff()
    torch.testing.assert_close(gaps, gaps.mean().expand(8), atol=0, rtol=0.02)


def test_spacing_and_number_of_steps_are_checked():
    """Before anything is sampled."""
    with pytest.raises(ValueError, match=r"spacing='cubic' .* \('time', 'log_snr', 'karras'\)"):
        ScaledLinearSchedule().grid(4, 'cubic')
    with pytest.raises(ValueError, match=r"spacing='cubic' .* \('time', 'log_snr', 'karras'\)"):
        DDIM(4, spacing='cubic')
    with pytest.raises(ValueError, match='at least one step, got num_steps=0'):
        DDIM(0)
    with pytest.raises(ValueError, match=r'sampler of 11 steps.*10 times; choose .* 1 and 10'):
        ScaledLinearSchedule(num_steps=10).grid(11, 'log_snr')
