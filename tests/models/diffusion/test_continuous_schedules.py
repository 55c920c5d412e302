"""EDM and flow schedules: paths, training times, grids."""

import math

import pytest
import torch

from ddmi_toolkit.models.diffusion import EDMSchedule, FlowSchedule

SCHEDULES = [EDMSchedule(), FlowSchedule(), FlowSchedule(logit_normal=(0.5, 0.8))]


def test_paths_are_as_defined():
    """EDM keeps the data and adds noise t; a flow moves from data to noise."""
    t = torch.tensor([0.25, 0.75])
    assert [v.flatten().tolist() for v in EDMSchedule()(t, 3)] == [[1, 1], [0.25, 0.75]]
    assert [v.flatten().tolist() for v in FlowSchedule()(t, 3)] == [[0.75, 0.25], [0.25, 0.75]]
    assert FlowSchedule()(t, 3)[0].shape == (2, 1, 1)
    assert FlowSchedule().has_zero_terminal_snr
    assert not EDMSchedule().has_zero_terminal_snr


def test_edm_grid_is_the_published_one():
    """Eq. 5 of Karras et al. 2022 for four steps, by hand."""
    low, high = 0.002 ** (1 / 7), 80 ** (1 / 7)
    expected = [(high + i / 3 * (low - high)) ** 7 for i in range(4)]
    torch.testing.assert_close(EDMSchedule().grid(4), torch.tensor(expected), rtol=1e-5, atol=0)
    torch.testing.assert_close(
        EDMSchedule().grid(4, 'karras'), EDMSchedule().grid(4), rtol=1e-5, atol=0
    )
    assert EDMSchedule().grid(1).item() == pytest.approx(80)


def test_flow_grid_is_even_and_starts_at_noise():
    """1 to 1 / n."""
    torch.testing.assert_close(FlowSchedule().grid(4), torch.tensor([1, 0.75, 0.5, 0.25]))
    for spacing in ('log_snr', 'karras'):
        times = FlowSchedule(min_t=0.01).grid(6, spacing)
        assert times[0] == 1
        assert times[-1].item() == pytest.approx(0.01, rel=1e-4)
        assert (times.diff() < 0).all()


@pytest.mark.parametrize('schedule', SCHEDULES)
def test_times_at_inverts_the_log_snr(schedule):
    """log(alpha / sigma) of the times found is what was asked for."""
    levels = torch.tensor([-4.0, 0.0, 0.5, 5.0])
    alpha, sigma = schedule(schedule.times_at(levels), 1)
    torch.testing.assert_close((alpha / sigma).log(), levels, atol=1e-5, rtol=1e-5)


def test_training_times_have_the_published_distributions():
    """Log-normal noise, uniform and logit-normal times: mean and spread to 4 standard errors."""
    n, seeds = 4000, torch.arange(4000)
    for schedule, unwrap, mean, std in (
        (EDMSchedule(), torch.log, -1.2, 1.2),
        (FlowSchedule(min_t=1e-6), lambda t: t, 0.5, 12**-0.5),
        (FlowSchedule((0.5, 0.8)), torch.logit, 0.5, 0.8),
    ):
        for given in (seeds, None):
            torch.manual_seed(0)
            values = unwrap(schedule.sample_t(n, given))
            assert values.mean().item() == pytest.approx(mean, abs=4 * std / math.sqrt(n))
            assert values.std().item() == pytest.approx(std, rel=4 / math.sqrt(2 * n))


@pytest.mark.parametrize('schedule', SCHEDULES)
def test_training_times_depend_on_seeds_alone(schedule):
    """Not on the batch or the global state; none is without noise."""
    seeds = torch.arange(200)
    t = schedule.sample_t(len(seeds), seeds)
    torch.manual_seed(1)
    assert torch.equal(schedule.sample_t(3, seeds[5:8]), t[5:8])
    assert not torch.equal(schedule.sample_t(3), schedule.sample_t(3))
    assert t.min() > 0
    assert not schedule.state_dict()


def test_networks_are_told_times_apart():
    """log(sigma) / 4 as published, and flow times on the scale of 1000 discrete ones."""
    torch.testing.assert_close(EDMSchedule().c_noise(torch.tensor([math.e**4])), torch.ones(1))
    torch.testing.assert_close(FlowSchedule().c_noise(torch.tensor([0.5])), torch.tensor([500.0]))


@pytest.mark.parametrize(
    ('cls', 'kwargs', 'message'),
    [
        (EDMSchedule, dict(sigma_min=0.0), '0 < sigma_min < sigma_max, got 0.0 and 80.0'),
        (EDMSchedule, dict(rho=0.0), 'rho=0.0'),
        (EDMSchedule, dict(log_std=-1.0), 'log_std=-1.0 must be positive'),
        (FlowSchedule, dict(min_t=0.0), r'min_t=0.0 must be in \(0, 1\)'),
        (FlowSchedule, dict(logit_normal=(0.0, 0.0)), r'logit_normal=\(0.0, 0.0\) .* None'),
    ],
)
def test_impossible_paths_are_refused(cls, kwargs, message):
    """Errors name the argument, the value and the expectation."""
    with pytest.raises(ValueError, match=message):
        cls(**kwargs)
