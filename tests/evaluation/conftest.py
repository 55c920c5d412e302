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
