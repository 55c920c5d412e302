"""Diffusion of latents ``(B, C, N)``: noise schedules, parameterizations, samplers, guidance."""

from .base import AbstractParameterization, AbstractSampler, AbstractSchedule
from .diffuser import Diffuser
from .guidance import Guidance
from .parameterization import X0, Eps, Mixed, V
from .sampler import DDIM, DDPM
from .schedule import AbstractDiscreteSchedule, CosineSchedule, ScaledLinearSchedule

__all__ = [
    'DDIM',
    'DDPM',
    'X0',
    'AbstractDiscreteSchedule',
    'AbstractParameterization',
    'AbstractSampler',
    'AbstractSchedule',
    'CosineSchedule',
    'Diffuser',
    'Eps',
    'Guidance',
    'Mixed',
    'ScaledLinearSchedule',
    'V',
]
