"""Fields and queries to predictions."""

from .base import AbstractRenderer
from .point import PointRenderer
from .volume import VolumeRenderer

__all__ = ['AbstractRenderer', 'PointRenderer', 'VolumeRenderer']
