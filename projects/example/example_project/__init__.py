"""A project: components that the package finds through ``custom_imports``."""

from .gated_readout import GatedReadout

__all__ = ['GatedReadout']
