"""Transforms that turn a data set's record into a sample of the batch contract."""

from .images import CenterSquare, Flip, MultiScaleCrop, PackImage
from .points import JitterSurface, PackShape, SubsamplePoints, SubsampleSurface

__all__ = [
    'CenterSquare',
    'Flip',
    'JitterSurface',
    'MultiScaleCrop',
    'PackImage',
    'PackShape',
    'SubsamplePoints',
    'SubsampleSurface',
]
