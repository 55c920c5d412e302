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
from .latent_diffusion import LatentDiffusion

__all__ = [
    'D2CVAE',
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
