"""Data made from seeds, exact and unlimited: nothing is downloaded."""

from .chair_grids import ProceduralChairGrids
from .chairs import ProceduralChairs
from .clips import ProceduralClips
from .images import ProceduralImages
from .views import ProceduralViews

__all__ = [
    'ProceduralChairGrids',
    'ProceduralChairs',
    'ProceduralClips',
    'ProceduralImages',
    'ProceduralViews',
]
