"""Models; importing the package registers them."""

from . import (
    classifiers,
    conditioners,
    denoisers,
    diffusion,
    encoders,
    generators,
    losses,
    renderers,
)
from .d2c_vae import D2CVAE
from .first_stage import AbstractFirstStage
from .latent_diffusion import LatentDiffusion

__all__ = [
    'D2CVAE',
    'AbstractFirstStage',
    'LatentDiffusion',
    'classifiers',
    'conditioners',
    'denoisers',
    'diffusion',
    'encoders',
    'generators',
    'losses',
    'renderers',
]
