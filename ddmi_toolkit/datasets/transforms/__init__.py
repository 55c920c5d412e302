"""Transforms that turn a data set's record into a sample of the batch contract."""

from .colors import JitterColors
from .images import CenterSquare, Flip, MultiScaleCrop, PackImage
from .points import JitterSurface, PackShape, SubsamplePoints, SubsampleSurface

__all__ = [
    'CenterSquare',
    'Flip',
    'JitterColors',
    'JitterSurface',
    'MultiScaleCrop',
    'PackImage',
    'PackShape',
    'SubsamplePoints',
    'SubsampleSurface',
]
