"""Metrics, and the protocol that their numbers carry."""

from .image_quality import ImageQuality
from .point_clouds import PointCloudMetrics
from .protocol import ProtocolError, Result, compare, markdown_table
from .reconstruction import OccupancyIoU, SurfaceMetrics

__all__ = [
    'ImageQuality',
    'OccupancyIoU',
    'PointCloudMetrics',
    'ProtocolError',
    'Result',
    'SurfaceMetrics',
    'compare',
    'markdown_table',
]
