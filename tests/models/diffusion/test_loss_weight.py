"""Loss weights against their closed forms in the space of each parameterization."""

import pytest
import torch

from ddmi_toolkit.models.diffusion import (
    P2,
    X0,
    CosineSchedule,
    EDMPreconditioning,
    EDMSchedule,
    EDMWeight,
    Eps,
    MinSNR,
    ScaledLinearSchedule,
    V,
)

TIMES = torch.tensor([0, 10, 200, 500, 700, 900])


def relative(weight, param, schedule=None, times=TIMES):
    """The weight of squared errors of a network's output, and the signal-to-noise ratio."""
    schedule = schedule or ScaledLinearSchedule()
    alpha, sigma = (s.double() for s in schedule(times, 3))
    assert weight(alpha, sigma).shape == (len(times), 1, 1)
    return weight(alpha, sigma) / param.x0_weight(alpha, sigma), (alpha / sigma).square()


@pytest.mark.parametrize('gamma', [1.0, 5.0])
def test_min_snr_has_its_published_forms(gamma):
    """min(snr, gamma) / snr for noise, / (snr + 1) for v, and itself for x0."""
    weight = MinSNR(gamma)
    for param, per_snr in ((Eps(), lambda s: s), (V(), lambda s: s + 1), (X0(), torch.ones_like)):
        ours, snr = relative(weight, param)
        torch.testing.assert_close(ours, snr.clamp(max=gamma) / per_snr(snr), rtol=1e-5, atol=0)


@pytest.mark.parametrize(('gamma', 'k'), [(1.0, 1.0), (0.5, 2.0), (0.0, 1.0)])
def test_p2_has_its_published_form(gamma, k):
    """1 / (k + snr) ** gamma for a noise prediction; gamma = 0 changes nothing."""
    ours, snr = relative(P2(gamma, k), Eps(), CosineSchedule())
    torch.testing.assert_close(ours, (k + snr) ** -gamma, rtol=1e-5, atol=0)


@pytest.mark.parametrize('sigma_data', [0.5, 1.0])
def test_edm_weighs_its_own_outputs_evenly(sigma_data):
    """(sigma^2 + sigma_data^2) / (sigma sigma_data)^2 is 1 on the preconditioned output."""
    sigma = torch.tensor([0.002, 0.5, 1.0, 80.0])
    ours, _ = relative(EDMWeight(sigma_data), EDMPreconditioning(sigma_data), EDMSchedule(), sigma)
    torch.testing.assert_close(ours, torch.ones_like(ours), rtol=1e-6, atol=0)
    published = (sigma**2 + sigma_data**2) / (sigma * sigma_data) ** 2
    torch.testing.assert_close(EDMWeight(sigma_data)(torch.ones(4), sigma), published)


@pytest.mark.parametrize(
    ('cls', 'kwargs', 'message'),
    [
        (MinSNR, dict(gamma=0), 'gamma=0 must be positive'),
        (P2, dict(gamma=-1), 'gamma >= 0 and k > 0, got gamma=-1, k=1.0'),
        (P2, dict(k=0), 'got gamma=1.0, k=0'),
        (EDMWeight, dict(sigma_data=-1), 'sigma_data=-1 must be positive'),
    ],
)
def test_impossible_weights_are_refused(cls, kwargs, message):
    """Errors name the argument and the value."""
    with pytest.raises(ValueError, match=message):
        cls(**kwargs)
