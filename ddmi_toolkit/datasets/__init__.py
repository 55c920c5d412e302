"""Data sets: records read from files or made from seeds, turned into the batch contract."""

from .base import AbstractDataset
from .images import ImageDataset
from .latent_cache import EnumeratedDraws, LatentCache
from .procedural import ProceduralChairs, ProceduralImages
from .seeds import SeedDataset
from .shapenet import ShapeNetOccupancy
from .transforms import (
    CenterSquare,
    Flip,
    JitterSurface,
    MultiScaleCrop,
    PackImage,
    PackShape,
    SubsamplePoints,
    SubsampleSurface,
)

__all__ = [
    'AbstractDataset',
    'CenterSquare',
    'EnumeratedDraws',
    'Flip',
    'ImageDataset',
    'JitterSurface',
    'LatentCache',
    'MultiScaleCrop',
    'PackImage',
    'PackShape',
    'ProceduralChairs',
    'ProceduralImages',
    'SeedDataset',
    'ShapeNetOccupancy',
    'SubsamplePoints',
    'SubsampleSurface',
]
