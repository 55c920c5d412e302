"""Data sets: records read from files or made from seeds, turned into the batch contract."""

from .base import AbstractDataset
from .latent_cache import EnumeratedDraws, LatentCache
from .procedural import ProceduralChairs
from .seeds import SeedDataset
from .shapenet import ShapeNetOccupancy
from .transforms import JitterSurface, PackShape, SubsamplePoints, SubsampleSurface

__all__ = [
    'AbstractDataset',
    'EnumeratedDraws',
    'JitterSurface',
    'LatentCache',
    'PackShape',
    'ProceduralChairs',
    'SeedDataset',
    'ShapeNetOccupancy',
    'SubsamplePoints',
    'SubsampleSurface',
]
