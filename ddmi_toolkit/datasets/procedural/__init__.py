"""Data made from seeds, exact and unlimited: nothing is downloaded."""

from .chairs import ProceduralChairs
from .images import ProceduralImages

__all__ = ['ProceduralChairs', 'ProceduralImages']
