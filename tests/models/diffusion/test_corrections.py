"""A corrected denoiser is that of the posterior where the posterior is known."""

import pytest
import torch

from ddmi_toolkit.models.diffusion import (
    DDIM,
    DDPM,
    AbstractLikelihood,
    Correction,
    DPMSolverPP,
    ScaledLinearSchedule,
    UniPC,
)

SCHEDULE = ScaledLinearSchedule().double()
STD = 0.3


class Normal(AbstractLikelihood):
    """Observations with normal noise."""

    def __init__(self, values):
        self.values = values

    def nll(self, pred):
        return ((pred - self.values) / STD).square().flatten(1).sum(1) / 2

    def gradient(self, pred):
        return (pred - self.values) / STD**2

    def curvature(self, pred):
        return torch.full_like(pred, STD**-2)


@pytest.fixture(scope='module')
def known():
    """A linear observation of a normal latent of 6 numbers, and the posterior in closed form."""
    generator = torch.Generator().manual_seed(0)
    matrix = torch.randn(4, 6, generator=generator, dtype=torch.float64)
    values = torch.randn(4, generator=generator, dtype=torch.float64)
    covariance = torch.linalg.inv(torch.eye(6).double() + matrix.T @ matrix / STD**2)
    return matrix, values, covariance @ matrix.T @ values / STD**2, covariance


def correction(known, **options):
    matrix, values, _, _ = known
    return Correction(SCHEDULE, lambda z: z.flatten(1) @ matrix.T, Normal(values), **options)


def normal_denoiser(z_t, t):
    """Exact for latents that are standard normal."""
    alpha, sigma = SCHEDULE(t, z_t.ndim)
    return alpha * z_t / (alpha**2 + sigma**2)


def noise(count, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 1, 6, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize('t', [0, 50, 300, 999])
def test_the_corrected_latent_is_the_mean_given_noise_and_observations(known, t):
    """Against the closed form: both are linear in ``z_t`` and in the observed values."""
    matrix, values, _, _ = known
    time, z_t = torch.full((5,), t), noise(5)
    alpha, sigma = (s[0, 0, 0] for s in SCHEDULE(time, 3))
    eye = torch.eye(6).double()
    precision = eye + eye * (alpha / sigma) ** 2 + matrix.T @ matrix / STD**2
    right = alpha / sigma**2 * z_t[:, 0] + (matrix.T @ values) / STD**2
    expected = torch.linalg.solve(precision, right.T).T
    found = correction(known)(normal_denoiser)(z_t, time)[:, 0]
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def error(covariance, expected):
    """Largest deviation of a covariance, in units of the expected standard deviations."""
    std = expected.diag().sqrt()
    return float(((covariance - expected).abs() / (std[:, None] * std)).max())


def drawn(known, sampler):
    """Mean and covariance of the draws of a deterministic sampler, without drawing.

    All is linear, so that draws are an affine function of the noise.
    """
    basis = torch.cat([torch.zeros(1, 6), torch.eye(6)]).double()[:, None]
    with torch.no_grad():
        found = sampler(correction(known)(normal_denoiser), SCHEDULE, basis).flatten(1)
    linear = (found[1:] - found[0]).T
    return found[0], linear @ linear.T


@pytest.mark.parametrize('sampler', [DPMSolverPP(40), UniPC(40)], ids=lambda s: type(s).__name__)
def test_draws_have_the_mean_and_the_covariance_of_the_posterior(known, sampler):
    _, _, expected, covariance = known
    mean, found = drawn(known, sampler)
    assert ((mean - expected).abs() / covariance.diag().sqrt()).max() < 0.02
    assert error(found, covariance) < 0.05


def test_first_order_samplers_approach_the_posterior(known):
    """The error of DDIM's covariance is that of its steps: it falls with their length."""
    _, _, expected, covariance = known
    mean, found = drawn(known, DDIM(800))
    assert ((mean - expected).abs() / covariance.diag().sqrt()).max() < 0.02
    coarse = error(drawn(known, DDIM(100))[1], covariance)
    assert error(found, covariance) < min(coarse / 3, 0.06)


def test_samplers_that_renew_noise_draw_from_the_posterior_too(known):
    _, _, expected, covariance = known
    with torch.no_grad():
        draws = DDPM(400)(correction(known)(normal_denoiser), SCHEDULE, noise(2000)).flatten(1)
    assert ((draws.mean(0) - expected).abs() / covariance.diag().sqrt()).max() < 0.1
    assert error(torch.cov(draws.T), covariance) < 0.15


def test_rows_are_corrected_apart(known):
    corrected = correction(known)(normal_denoiser)
    z_t, time = noise(4), torch.tensor([900, 500, 100, 3])
    whole = corrected(z_t, time)
    rows = torch.cat([corrected(z_t[i : i + 1], time[i : i + 1]) for i in range(4)])
    torch.testing.assert_close(whole, rows, atol=1e-10, rtol=1e-10)


def test_nothing_observed_of_a_direction_leaves_it_alone():
    """Only the first number is observed, so that only it moves."""
    values = torch.full((1,), 5.0, dtype=torch.float64)
    found = Correction(SCHEDULE, lambda z: z[:, 0, :1], Normal(values))(normal_denoiser)
    z_t, time = noise(3), torch.full((3,), 400)
    before, after = normal_denoiser(z_t, time), found(z_t, time)
    assert torch.equal(before[..., 1:], after[..., 1:])
    assert (after[..., 0] > before[..., 0] + 1).all()


def test_a_correction_never_makes_matters_worse():
    """Predictions that turn back: the whole Gauss-Newton step would lead far away."""
    values = torch.full((1,), 0.99, dtype=torch.float64)
    likelihood = Normal(values)

    def predict(z):
        return (3 * z[:, 0, :1]).sin()

    found = Correction(SCHEDULE, predict, likelihood)
    x0 = torch.linspace(-3, 3, 61, dtype=torch.float64).view(-1, 1, 1).expand(-1, 1, 6)
    moved = found.correct(x0, torch.ones(61, 1, 1).double())
    cost = likelihood.nll(predict(moved)) + (moved - x0).square().flatten(1).sum(1) / 2
    assert (cost <= likelihood.nll(predict(x0)) + 1e-9).all()
    assert (moved != x0).flatten(1).any(1).float().mean() > 0.8


def test_width_of_normal_latents(known):
    """``r ** 2`` is the variance of a normal latent given the noisy one."""
    time = torch.tensor([100, 900])
    alpha, sigma = SCHEDULE(time, 3)
    found = correction(known, latent_std=2.0).variance(time, 3)
    torch.testing.assert_close(found, 1 / (0.25 + (alpha / sigma) ** 2))


def test_settings_out_of_range_are_refused(known):
    with pytest.raises(ValueError, match='num_steps=0, latent_std=1'):
        correction(known, num_steps=0)
    with pytest.raises(ValueError, match='positive latent_std, got num_steps=6, latent_std=0'):
        correction(known, latent_std=0)
