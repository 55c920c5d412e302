"""Parameterizations are invertible views of the clean latent."""

import pytest
import torch

from ddmi_toolkit.models.diffusion import X0, Eps, Mixed, V
from ddmi_toolkit.registry import MODELS
from ddmi_toolkit.structures import PlaneLayout

LAYOUT = PlaneLayout(
    [dict(name='x', size=3), dict(name='y', size=2), dict(name='t', size=4)],
    ['xy', 'xt', 'yt'],
    latent_stride=1,
)
SCALES = [(0.8, 0.6), (0.02, 0.9998), (0.999, 0.04), (1.0, 3.0)]  # the last is not VP


def latents(num: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(num, 2, 5, LAYOUT.num_tokens(), generator=generator, dtype=torch.float64)


def scales(alpha: float, sigma: float) -> tuple[torch.Tensor, torch.Tensor]:
    return tuple(torch.full((2, 1, 1), s, dtype=torch.float64) for s in (alpha, sigma))


def mixed(inner: str = 'Eps', init: float = -6.0) -> Mixed:
    return Mixed(dict(type=inner), LAYOUT, channels=5, init=init).double()


@pytest.mark.parametrize('pair', SCALES)
@pytest.mark.parametrize('cls', [Eps, X0, V])
def test_outputs_and_clean_latents_are_one_to_one(cls, pair):
    """from_x0 inverts to_x0, and the target stands for the true latent."""
    x0, eps, out = latents(3)
    alpha, sigma = scales(*pair)
    z_t = alpha * x0 + sigma * eps
    param = cls()
    target = param.target(x0, eps, alpha, sigma)
    torch.testing.assert_close(param.to_x0(target, z_t, alpha, sigma), x0)
    torch.testing.assert_close(param.from_x0(x0, z_t, alpha, sigma), target)
    there = param.to_x0(out, z_t, alpha, sigma)
    torch.testing.assert_close(param.from_x0(there, z_t, alpha, sigma), out)


@pytest.mark.parametrize('inner', ['Eps', 'X0', 'V'])
def test_mixed_is_the_exact_denoiser_of_a_normal_at_weight_zero(inner):
    """For x0 ~ N(0, I) the best estimate is the regression alpha z / (alpha^2 + sigma^2)."""
    _, _, out = latents(3)
    x0 = torch.randn(2, 5, LAYOUT.num_tokens(), dtype=torch.float64)
    alpha, sigma = scales(1.0, 3.0)
    z_t = alpha * x0 + sigma * latents(1)[0]
    estimate = mixed(inner, init=-1e3).to_x0(out, z_t, alpha, sigma)
    torch.testing.assert_close(estimate, z_t * 0.1)


@pytest.mark.parametrize('inner', ['Eps', 'X0', 'V'])
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
