"""Data made from seeds, exact and unlimited: nothing is downloaded."""

from .chairs import ProceduralChairs

__all__ = ['ProceduralChairs']
