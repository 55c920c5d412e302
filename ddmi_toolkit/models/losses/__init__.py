"""Losses and regularizers of the first stage."""

from .base import AbstractLoss, AbstractRegularizer
from .perceptual import PerceptualLoss
from .reconstruction import BCELoss, L1Loss, MSELoss
from .spectral import SpectralRegularizer

__all__ = [
    'AbstractLoss',
    'AbstractRegularizer',
    'BCELoss',
    'L1Loss',
    'MSELoss',
    'PerceptualLoss',
    'SpectralRegularizer',
]
