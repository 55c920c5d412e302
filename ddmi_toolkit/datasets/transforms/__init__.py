"""Transforms that turn a data set's record into a sample of the batch contract."""

from .captions import DrawCaption
from .clips import CropClip, FlipClip, PackClip
from .colors import JitterColors
from .grids import MirrorGrid, MoveGrid, PackGrid, RoughenGrid, VoteGrid
from .images import CenterSquare, Flip, MultiScaleCrop, PackImage
from .observed import ObserveTarget
from .points import CropSurface, JitterSurface, PackShape, SubsamplePoints, SubsampleSurface
from .rays import JitterCloud, PackViews, SampleRays, SubsampleCloud
from .strides import StrideQuery

__all__ = [
    'CenterSquare',
    'CropClip',
    'CropSurface',
    'DrawCaption',
    'Flip',
    'FlipClip',
    'JitterCloud',
    'JitterColors',
    'JitterSurface',
    'MirrorGrid',
    'MoveGrid',
    'MultiScaleCrop',
    'ObserveTarget',
    'PackClip',
    'PackGrid',
    'PackImage',
    'PackShape',
    'PackViews',
    'RoughenGrid',
    'SampleRays',
    'StrideQuery',
    'SubsampleCloud',
    'SubsamplePoints',
    'SubsampleSurface',
    'VoteGrid',
]
