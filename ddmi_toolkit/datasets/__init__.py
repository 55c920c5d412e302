"""Data sets: records read from files or made from seeds, turned into the batch contract."""

from .base import AbstractDataset
from .images import ImageDataset
from .latent_cache import EnumeratedDraws, LatentCache
from .posed_views import PosedViews
from .procedural import ProceduralChairs, ProceduralClips, ProceduralImages, ProceduralViews
from .seeds import SeedDataset
from .shapenet import ShapeNetOccupancy
from .transforms import (
    CenterSquare,
    CropClip,
    Flip,
    FlipClip,
    JitterCloud,
    JitterSurface,
    MultiScaleCrop,
    PackClip,
    PackImage,
    PackShape,
    PackViews,
    SampleRays,
    SubsampleCloud,
    SubsamplePoints,
    SubsampleSurface,
)
from .videos import VideoFolder

__all__ = [
    'AbstractDataset',
    'CenterSquare',
    'CropClip',
    'EnumeratedDraws',
    'Flip',
    'FlipClip',
    'ImageDataset',
    'JitterCloud',
    'JitterSurface',
    'LatentCache',
    'MultiScaleCrop',
    'PackClip',
    'PackImage',
    'PackShape',
    'PackViews',
    'PosedViews',
    'ProceduralChairs',
    'ProceduralClips',
    'ProceduralImages',
    'ProceduralViews',
    'SampleRays',
    'SeedDataset',
    'ShapeNetOccupancy',
    'SubsampleCloud',
    'SubsamplePoints',
    'SubsampleSurface',
    'VideoFolder',
]
