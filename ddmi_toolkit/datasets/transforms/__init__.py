"""Transforms that turn a data set's record into a sample of the batch contract."""

from .points import JitterSurface, PackShape, SubsamplePoints, SubsampleSurface

__all__ = ['JitterSurface', 'PackShape', 'SubsamplePoints', 'SubsampleSurface']
