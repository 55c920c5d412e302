"""Fields and queries to predictions."""

from .base import AbstractRenderer
from .point import PointRenderer

__all__ = ['AbstractRenderer', 'PointRenderer']
