"""Parameterizations are invertible views of the clean latent."""

import pytest
import torch

from ddmi_toolkit.models.diffusion import X0, EDMPreconditioning, Eps, FlowVelocity, Mixed, V
from ddmi_toolkit.registry import MODELS
from ddmi_toolkit.structures import PlaneLayout

LAYOUT = PlaneLayout(
    [dict(name='x', size=3), dict(name='y', size=2), dict(name='t', size=4)],
    ['xy', 'xt', 'yt'],
    latent_stride=1,
)
SCALES = [(0.8, 0.6), (0.02, 0.9998), (0.999, 0.04), (1.0, 3.0), (0.3, 0.7)]  # three are VP
PLAIN = [Eps(), X0(), V(), FlowVelocity(), EDMPreconditioning(), EDMPreconditioning(0.5)]


def latents(num: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(num, 2, 5, LAYOUT.num_tokens(), generator=generator, dtype=torch.float64)


def scales(alpha: float, sigma: float) -> tuple[torch.Tensor, torch.Tensor]:
    return tuple(torch.full((2, 1, 1), s, dtype=torch.float64) for s in (alpha, sigma))


def mixed(inner: str = 'Eps', init: float = -6.0) -> Mixed:
    return Mixed(dict(type=inner), LAYOUT, channels=5, init=init).double()


@pytest.mark.parametrize('pair', SCALES)
@pytest.mark.parametrize('param', PLAIN)
def test_outputs_and_clean_latents_are_one_to_one(param, pair):
    """from_x0 inverts to_x0, and the target stands for the true latent."""
    x0, eps, out = latents(3)
    alpha, sigma = scales(*pair)
    z_t = alpha * x0 + sigma * eps
    target = param.target(x0, eps, alpha, sigma)
    torch.testing.assert_close(param.to_x0(target, z_t, alpha, sigma), x0)
    torch.testing.assert_close(param.from_x0(x0, z_t, alpha, sigma), target)
    there = param.to_x0(out, z_t, alpha, sigma)
    torch.testing.assert_close(param.from_x0(there, z_t, alpha, sigma), out)


@pytest.mark.parametrize('pair', SCALES)
@pytest.mark.parametrize('param', PLAIN)
def test_all_parameterizations_say_the_same(param, pair):
    """An output, told in the words of every other parameterization and back, is itself."""
    _, z_t, out = latents(3)
    alpha, sigma = scales(*pair)
    x0 = param.to_x0(out, z_t, alpha, sigma)
    for other in PLAIN:
        told = other.from_x0(x0, z_t, alpha, sigma)
        back = param.from_x0(other.to_x0(told, z_t, alpha, sigma), z_t, alpha, sigma)
        torch.testing.assert_close(back, out, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize('pair', SCALES)
@pytest.mark.parametrize('param', [*PLAIN, Mixed(dict(type='V'), LAYOUT, 5).double()])
def test_the_weight_is_that_of_the_error_of_x0(param, pair):
    """|out - out'|^2 = x0_weight * |x0 - x0'|^2."""
    x0, other, z_t = latents(3)
    alpha, sigma = scales(*pair)
    gap = param.from_x0(x0, z_t, alpha, sigma) - param.from_x0(other, z_t, alpha, sigma)
    weighted = param.x0_weight(alpha, sigma) * (x0 - other).square()
    torch.testing.assert_close(gap.square(), weighted)


@pytest.mark.parametrize('param', [p for p in PLAIN if not p.needs_signal])
def test_pure_noise_is_a_level_like_any(param):
    """Without signal, outputs and clean latents are still one to one."""
    x0, eps, out = latents(3)
    alpha, sigma = scales(0.0, 1.0)
    target = param.target(x0, eps, alpha, sigma)
    torch.testing.assert_close(param.to_x0(target, eps, alpha, sigma), x0)
    there = param.to_x0(out, eps, alpha, sigma)
    torch.testing.assert_close(param.from_x0(there, eps, alpha, sigma), out)


def test_only_noise_predictions_need_signal():
    """And mixtures of them."""
    assert [type(p).__name__ for p in PLAIN if p.needs_signal] == ['Eps']
    assert mixed('Eps').needs_signal
    assert not mixed('V').needs_signal


@pytest.mark.parametrize('sigma_data', [0.5, 1.0, 2.0])
@pytest.mark.parametrize('pair', SCALES)
def test_edm_shows_and_asks_for_unit_variance(pair, sigma_data):
    """Input and target of latents with the spread sigma_data, to 4 standard errors."""
    param = EDMPreconditioning(sigma_data)
    x0, eps = torch.randn(2, 100_000, generator=torch.Generator().manual_seed(5)).double()
    alpha, sigma = (torch.tensor(s, dtype=torch.float64) for s in pair)
    x0 = x0 * sigma_data
    seen = param.scale_input(alpha * x0 + sigma * eps, alpha, sigma)
    for values in (seen, param.target(x0, eps, alpha, sigma)):
        assert values.var().item() == pytest.approx(1, abs=4 * (2 / 100_000) ** 0.5)


def test_edm_has_the_published_coefficients():
    """Table 1 of Karras et al. 2022 at alpha = 1: c_skip, c_out, c_in."""
    sigma, data = 3.0, 0.5
    param = EDMPreconditioning(data)
    one, zero = torch.ones(1, 1, 1).double(), torch.zeros(1, 1, 1).double()
    scale = one, sigma * one
    assert param.to_x0(zero, one, *scale).item() == pytest.approx(data**2 / (sigma**2 + data**2))
    c_out = sigma * data / (sigma**2 + data**2) ** 0.5
    assert param.to_x0(one, zero, *scale).item() == pytest.approx(c_out)
    assert param.scale_input(one, *scale).item() == pytest.approx((sigma**2 + data**2) ** -0.5)


def test_edm_is_the_velocity_of_variance_preserving_schedules():
    """With sigma_data = 1, the network puts out -v."""
    _, z_t, out = latents(3)
    alpha, sigma = scales(0.8, 0.6)
    ours = EDMPreconditioning(1.0).to_x0(-out, z_t, alpha, sigma)
    torch.testing.assert_close(ours, V().to_x0(out, z_t, alpha, sigma))


def test_flow_velocity_is_the_derivative_of_a_straight_path():
    """d z_t / dt of z_t = (1 - t) x0 + t eps, by finite differences."""
    x0, eps = latents(2)
    z = [(1 - t) * x0 + t * eps for t in (0.3, 0.3 + 1e-4)]
    target = FlowVelocity().target(x0, eps, *scales(0.7, 0.3))
    torch.testing.assert_close((z[1] - z[0]) / 1e-4, target, atol=1e-8, rtol=1e-8)


@pytest.mark.parametrize('inner', ['Eps', 'X0', 'V', 'FlowVelocity', 'EDMPreconditioning'])
def test_mixed_is_the_exact_denoiser_of_a_normal_at_weight_zero(inner):
    """For x0 ~ N(0, I) the best estimate is the regression alpha z / (alpha^2 + sigma^2)."""
    _, _, out = latents(3)
    x0 = torch.randn(2, 5, LAYOUT.num_tokens(), dtype=torch.float64)
    alpha, sigma = scales(1.0, 3.0)
    z_t = alpha * x0 + sigma * latents(1)[0]
    estimate = mixed(inner, init=-1e3).to_x0(out, z_t, alpha, sigma)
    torch.testing.assert_close(estimate, z_t * 0.1)


@pytest.mark.parametrize('inner', ['Eps', 'X0', 'V', 'FlowVelocity', 'EDMPreconditioning'])
def test_mixed_is_its_inner_one_at_weight_one(inner):
    """With all the weight, the network decides alone; the loss space is always the inner one's."""
    x0, eps, out = latents(3)
    alpha, sigma = scales(0.8, 0.6)
    z_t = alpha * x0 + sigma * eps
    param, plain = mixed(inner, init=1e3), MODELS.build(dict(type=inner))
    for name, args in (
        ('to_x0', (out, z_t)),
        ('from_x0', (x0, z_t)),
        ('target', (x0, eps)),
        ('scale_input', (z_t,)),
    ):
        ours = getattr(param, name)(*args, alpha, sigma)
        torch.testing.assert_close(ours, getattr(plain, name)(*args, alpha, sigma))


def test_mixing_estimates_is_the_published_mixing_of_noise():
    """eps_hat = (1 - w) sigma z_t + w out, for a variance-preserving schedule."""
    x0, eps, out = latents(3)
    alpha, sigma = scales(0.8, 0.6)
    z_t = alpha * x0 + sigma * eps
    param = mixed(init=-1.0)
    w = torch.tensor(-1.0, dtype=torch.float64).sigmoid()
    pred = param.from_x0(param.to_x0(out, z_t, alpha, sigma), z_t, alpha, sigma)
    torch.testing.assert_close(pred, (1 - w) * sigma * z_t + w * out)


def test_each_plane_and_channel_has_its_own_weight():
    """Opening one logit lets the network through on that channel of that plane only."""
    param = mixed('X0', init=-1e3)
    with torch.no_grad():
        param.logit[0, 2, LAYOUT.planes.index('yt')] = 1e3
    zeros = torch.zeros(1, 5, LAYOUT.num_tokens(), dtype=torch.float64)
    one = torch.ones(1, 1, 1, dtype=torch.float64)
    open_at = LAYOUT.split(param.to_x0(zeros + 1, zeros, one, one))
    assert open_at['yt'][0, 2].eq(1).all()
    assert sum(v.sum() for v in open_at.values()) == open_at['yt'][0, 2].numel()


def test_the_network_starts_with_little_weight():
    """sigmoid(-6) = 0.00247, the published start."""
    weight = mixed().logit.sigmoid()
    assert weight.shape == (1, 5, 3)
    torch.testing.assert_close(weight, torch.full_like(weight, 0.00247262), atol=1e-8, rtol=0)


def test_unknown_arguments_are_named():
    """A parameterization without arguments refuses any."""
    with pytest.raises(TypeError, match="'Eps' has no argument 'init'"):
        MODELS.build(dict(type='Eps', init=0.0))


def test_the_spread_of_the_data_is_positive():
    """Errors name the value."""
    with pytest.raises(ValueError, match='sigma_data=0 must be positive'):
        EDMPreconditioning(0)
