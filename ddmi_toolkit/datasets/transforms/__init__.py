"""Transforms that turn a data set's record into a sample of the batch contract."""

from .clips import CropClip, FlipClip, PackClip
from .colors import JitterColors
from .images import CenterSquare, Flip, MultiScaleCrop, PackImage
from .points import JitterSurface, PackShape, SubsamplePoints, SubsampleSurface
from .rays import JitterCloud, PackViews, SampleRays, SubsampleCloud
from .strides import StrideQuery

__all__ = [
    'CenterSquare',
    'CropClip',
    'Flip',
    'FlipClip',
    'JitterCloud',
    'JitterColors',
    'JitterSurface',
    'MultiScaleCrop',
    'PackClip',
    'PackImage',
    'PackShape',
    'PackViews',
    'SampleRays',
    'StrideQuery',
    'SubsampleCloud',
    'SubsamplePoints',
    'SubsampleSurface',
]
