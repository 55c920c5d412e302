"""Analytic fields for metrics of shapes."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from ddmi_toolkit.structures import Field, PlaneLayout

AXES = [dict(name=a, size=16, low=-0.55, high=0.55) for a in 'xyz']


class Ball(nn.Module):
    """Logit of a ball whose radius and center are the state."""

    def forward(self, state, coords, *, scale=None, dirs=None):
        x = coords.dense()
        center = state['center'].view(-1, *[1] * (x.ndim - 2), 3)
        radius = state['radius'].view(-1, *[1] * (x.ndim - 2))
        return 100 * (radius - (x - center).norm(dim=-1))[..., None]


@pytest.fixture(scope='session')
def ball_field() -> Callable[..., Field]:
    """Field of a ball; a negative radius gives an empty field."""
    layout = PlaneLayout(AXES, ['xy', 'yz', 'xz'])

    def make(radius: float = 0.4, center: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Field:
        state = dict(radius=torch.tensor([radius]), center=torch.tensor([center]))
        return Field(Ball(), state, layout, 1)

    return make


class Wave(nn.Module):
    """Colored plane waves: ``sin(pi * frequency . (x, y) + phase)`` per channel."""

    def forward(self, state, coords, *, scale=None, dirs=None):
        x = coords.dense()[..., None, :]  # (B, h, w, 1, 2)
        frequency = state['frequency'].view(-1, 1, 1, 3, 2)
        phase = state['phase'].view(-1, 1, 1, 3)
        return torch.sin(torch.pi * (x * frequency).sum(-1) + phase)


@pytest.fixture(scope='session')
def wave_field() -> Callable[..., Field]:
    """Field of three waves drawn from a seed, at most ``highest`` periods along an axis."""
    layout = PlaneLayout([dict(name='x', size=16), dict(name='y', size=16)], ['xy'])

    def make(seed: int = 0, highest: float = 2.0) -> Field:
        rng = torch.Generator().manual_seed(seed)
        state = dict(
            frequency=highest * (2 * torch.rand((1, 3, 2), generator=rng) - 1),
            phase=6.28 * torch.rand((1, 3), generator=rng),
        )
        return Field(Wave(), state, layout, 3)

    return make


class MovingWave(nn.Module):
    """Colored waves of space and time: ``sin(pi * frequency . (x, y, t))`` per channel."""

    def forward(self, state, coords, *, scale=None, dirs=None):
        x = coords.dense()[..., None, :]  # (B, t, h, w, 1, 3)
        frequency = state['frequency'].view(-1, 1, 1, 1, 3, 3)
        return torch.sin(torch.pi * (x * frequency).sum(-1))


@pytest.fixture(scope='session')
def clip_field() -> Callable[..., Field]:
    """Field over x, y and t of three waves drawn from a seed."""
    axes = [dict(name='x', size=16), dict(name='y', size=16), dict(name='t', size=8)]
    layout = PlaneLayout(axes, ['xy', 'xt', 'yt'])

    def make(seed: int = 0) -> Field:
        rng = torch.Generator().manual_seed(seed)
        state = dict(frequency=2 * torch.rand((1, 3, 3), generator=rng) - 1)
        return Field(MovingWave(), state, layout, 3)

    return make
