"""Metrics, and the protocol that their numbers carry."""

from .extractors import (
    AbstractExtractor,
    ClipExtractor,
    InceptionExtractor,
    PixelExtractor,
    RandomExtractor,
    TimmExtractor,
)
from .generative_quality import GenerativeQuality
from .image_quality import ImageQuality
from .point_clouds import PointCloudMetrics
from .protocol import ProtocolError, Result, compare, markdown_table
from .reconstruction import OccupancyIoU, SurfaceMetrics
from .scale_consistency import ScaleConsistency

__all__ = [
    'AbstractExtractor',
    'ClipExtractor',
    'GenerativeQuality',
    'ImageQuality',
    'InceptionExtractor',
    'OccupancyIoU',
    'PixelExtractor',
    'PointCloudMetrics',
    'ProtocolError',
    'RandomExtractor',
    'Result',
    'ScaleConsistency',
    'SurfaceMetrics',
    'TimmExtractor',
    'compare',
    'markdown_table',
]
