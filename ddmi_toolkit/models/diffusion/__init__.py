"""Diffusion of latents ``(B, C, N)``: noise schedules, parameterizations, samplers, guidance."""

from .ancestral import DDIM, DDPM
from .base import AbstractLossWeight, AbstractParameterization, AbstractSchedule
from .continuous import EDMSchedule, FlowSchedule
from .corrections import AbstractLikelihood, Correction
from .diffuser import Diffuser
from .dpm_solver import DPMSolverPP, DPMSolverPPSDE
from .guidance import Guidance
from .loss_weight import P2, EDMWeight, MinSNR
from .parameterization import X0, EDMPreconditioning, Eps, FlowVelocity, Mixed, V
from .runge_kutta import FlowEuler, FlowHeun, Heun
from .sampler import AbstractSampler, Level, Run, Step
from .schedule import AbstractDiscreteSchedule, CosineSchedule, LinearSchedule, ScaledLinearSchedule
from .unipc import UniPC

__all__ = [
    'DDIM',
    'DDPM',
    'P2',
    'X0',
    'AbstractDiscreteSchedule',
    'AbstractLikelihood',
    'AbstractLossWeight',
    'AbstractParameterization',
    'AbstractSampler',
    'AbstractSchedule',
    'Correction',
    'CosineSchedule',
    'DPMSolverPP',
    'DPMSolverPPSDE',
    'Diffuser',
    'EDMPreconditioning',
    'EDMSchedule',
    'EDMWeight',
    'Eps',
    'FlowEuler',
    'FlowHeun',
    'FlowSchedule',
    'FlowVelocity',
    'Guidance',
    'Heun',
    'Level',
    'LinearSchedule',
    'MinSNR',
    'Mixed',
    'Run',
    'ScaledLinearSchedule',
    'Step',
    'UniPC',
    'V',
]
