"""Data made from seeds, exact and unlimited: nothing is downloaded."""

from .chairs import ProceduralChairs
from .clips import ProceduralClips
from .images import ProceduralImages
from .views import ProceduralViews

__all__ = ['ProceduralChairs', 'ProceduralClips', 'ProceduralImages', 'ProceduralViews']
