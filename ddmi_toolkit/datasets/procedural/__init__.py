"""Data made from seeds, exact and unlimited: nothing is downloaded."""

from .chairs import ProceduralChairs
from .clips import ProceduralClips
from .images import ProceduralImages

__all__ = ['ProceduralChairs', 'ProceduralClips', 'ProceduralImages']
