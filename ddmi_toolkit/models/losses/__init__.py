"""Losses and regularizers of the first stage."""

from .adversarial import PatchAdversarialLoss
from .base import AbstractAdversarialLoss, AbstractLoss, AbstractRegularizer
from .one_frame import OneFrame, OneFrameGame
from .perceptual import PerceptualLoss
from .reconstruction import BCELoss, L1Loss, MSELoss
from .spectral import SpectralRegularizer

__all__ = [
    'AbstractAdversarialLoss',
    'AbstractLoss',
    'AbstractRegularizer',
    'BCELoss',
    'L1Loss',
    'MSELoss',
    'OneFrame',
    'OneFrameGame',
    'PatchAdversarialLoss',
    'PerceptualLoss',
    'SpectralRegularizer',
]
