"""Models; importing the package registers them."""

from . import encoders, generators, losses, renderers

__all__ = ['encoders', 'generators', 'losses', 'renderers']
