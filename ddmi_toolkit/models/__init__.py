"""Models; importing the package registers them."""

from . import denoisers, diffusion, encoders, generators, losses, renderers

__all__ = ['denoisers', 'diffusion', 'encoders', 'generators', 'losses', 'renderers']
