"""Paths between seeds and between given observations."""

import math

import pytest
import torch
from shrink import shrink

from ddmi_toolkit.apis import FieldInferencer, spherical_path
from ddmi_toolkit.registry import MODELS
from ddmi_toolkit.structures import seeded_normal


@pytest.fixture(scope='module')
def stages(tmp_path_factory):
    """Inferencers of both stages with random weights."""
    made = {}
    for stage in ('d2c_vae', 'ddmi'):
        folder = tmp_path_factory.mktemp(stage)
        cfg = shrink(f'{stage}/procedural_image.py', folder)
        torch.manual_seed(0)
        model = MODELS.build({**cfg.model})
        for p in model.parameters():  # layers that begin at zero would make all samples equal
            p.data += 0.05 * torch.randn(p.shape)
        torch.save(dict(state_dict=model.state_dict(), meta={}), folder / 'model.pth')
        made[stage] = FieldInferencer(cfg, folder / 'model.pth', 'cpu')
    return made


def values(fields):
    """Pictures ``(N, 8, 8, 3)`` of fields."""
    return torch.cat([f.render((8, 8)) for f in fields])


@pytest.mark.parametrize('num_steps', [2, 3, 7])
def test_a_spherical_path_turns_at_constant_speed(num_steps):
    a, b = seeded_normal([1, 2], (4, 50), 'test', dtype=torch.float64)
    b = b * a.norm() / b.norm()
    path = spherical_path(a, b, num_steps)
    assert torch.equal(path[0], a)
    assert torch.equal(path[-1], b)
    torch.testing.assert_close(path.flatten(1).norm(dim=1), a.norm().expand(num_steps))
    unit = path.flatten(1) / a.norm()
    angles = (unit[1:] * unit[:-1]).sum(1).acos()
    whole = ((a * b).sum() / a.norm() ** 2).acos()
    torch.testing.assert_close(angles, (whole / (num_steps - 1)).expand(num_steps - 1))


def test_points_between_normal_draws_are_as_long_as_draws():
    a, b = seeded_normal([1, 2], (10_000,), 'test')
    middle = spherical_path(a, b, 3)[1]
    assert middle.norm() / math.sqrt(10_000) == pytest.approx(1, abs=0.02)
    assert ((a + b) / 2).norm() / math.sqrt(10_000) < 0.75


def test_paths_between_parallel_points_are_straight():
    a = torch.tensor([1.0, 2.0])
    torch.testing.assert_close(spherical_path(a, a, 3), a.expand(3, 2))
    torch.testing.assert_close(spherical_path(a, 3 * a, 3)[1], 2 * a)
    assert torch.isfinite(spherical_path(a, -a, 4)).all()
    assert torch.isfinite(spherical_path(torch.zeros(2), a, 3)).all()
    with pytest.raises(ValueError, match=r'shapes \(2,\) and \(3,\) and num_steps=3'):
        spherical_path(a, torch.zeros(3), 3)


@pytest.mark.parametrize('stage', ['d2c_vae', 'ddmi'])
def test_an_interpolation_begins_and_ends_at_the_samples(stages, stage):
    inferencer = stages[stage]
    path = values(inferencer.interpolate(3, 7, 5, batch_size=2))
    ends = values(inferencer.sample([3, 7]))
    bound = 1e-5 * ends.abs().max().item()
    torch.testing.assert_close(path[[0, -1]], ends, atol=bound, rtol=0)
    assert (ends[0] - ends[1]).abs().max() > 100 * bound
    steps = (path[1:] - path[:-1]).flatten(1).norm(dim=1)
    assert steps.max() < (ends[0] - ends[1]).norm()  # gradual
    assert len(path) == 5


def test_latents_of_observations_are_joined(stages):
    for inferencer in stages.values():
        observed = torch.rand(2, 3, 16, 16) * 2 - 1
        z = inferencer.encode(observed)
        path = values(inferencer.interpolate_latents(*z, num_steps=3))
        ends = values(inferencer.reconstruct(observed))
        assert torch.equal(path[[0, -1]], ends)
        assert not torch.equal(path[1], path[0])


def test_a_stochastic_sampler_is_refused(stages):
    inferencer = stages['ddmi']
    sampler = inferencer.model.diffuser.sampler
    sampler.eta = 0.5
    try:
        with pytest.raises(ValueError, match=r'deterministic sampler, DDIM renews .* eta=0.0'):
            next(inferencer.interpolate(0, 1, 3))
    finally:
        sampler.eta = 0.0
    with pytest.raises(ValueError, match='num_steps=1'):
        next(inferencer.interpolate(0, 1, 1))
