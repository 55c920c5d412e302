"""Models; importing the package registers them."""

from . import conditioners, denoisers, diffusion, encoders, generators, losses, renderers
from .d2c_vae import D2CVAE
from .latent_diffusion import LatentDiffusion

__all__ = [
    'D2CVAE',
    'LatentDiffusion',
    'conditioners',
    'denoisers',
    'diffusion',
    'encoders',
    'generators',
    'losses',
    'renderers',
]
