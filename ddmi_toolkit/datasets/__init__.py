"""Data sets: records read from files or made from seeds, turned into the batch contract."""

from .base import AbstractDataset
from .images import ImageDataset
from .latent_cache import EnumeratedDraws, LatentCache
from .posed_views import PosedViews
from .procedural import (
    ProceduralChairGrids,
    ProceduralChairs,
    ProceduralClips,
    ProceduralImages,
    ProceduralViews,
)
from .seeds import SeedDataset
from .shapenet import ShapeNetOccupancy
from .text2shape import Text2Shape
from .transforms import (
    CenterSquare,
    CropClip,
    CropSurface,
    DrawCaption,
    Flip,
    FlipClip,
    JitterCloud,
    JitterSurface,
    MirrorGrid,
    MoveGrid,
    MultiScaleCrop,
    PackClip,
    PackGrid,
    PackImage,
    PackShape,
    PackViews,
    RoughenGrid,
    SampleRays,
    SubsampleCloud,
    SubsamplePoints,
    SubsampleSurface,
    VoteGrid,
)
from .videos import VideoFolder

__all__ = [
    'AbstractDataset',
    'CenterSquare',
    'CropClip',
    'CropSurface',
    'DrawCaption',
    'EnumeratedDraws',
    'Flip',
    'FlipClip',
    'ImageDataset',
    'JitterCloud',
    'JitterSurface',
    'LatentCache',
    'MirrorGrid',
    'MoveGrid',
    'MultiScaleCrop',
    'PackClip',
    'PackGrid',
    'PackImage',
    'PackShape',
    'PackViews',
    'PosedViews',
    'ProceduralChairGrids',
    'ProceduralChairs',
    'ProceduralClips',
    'ProceduralImages',
    'ProceduralViews',
    'RoughenGrid',
    'SampleRays',
    'SeedDataset',
    'ShapeNetOccupancy',
    'SubsampleCloud',
    'SubsamplePoints',
    'SubsampleSurface',
    'Text2Shape',
    'VideoFolder',
    'VoteGrid',
]
