"""Metrics, and the protocol that their numbers carry."""

from .classifier_accuracy import ClassifierAccuracy
from .clip_quality import ClipQuality
from .depth_error import DepthError
from .extractor_roles import AbstractClipExtractor, AbstractExtractor
from .extractors import (
    ClipExtractor,
    InceptionExtractor,
    PixelExtractor,
    TimmExtractor,
)
from .generative_quality import GenerativeQuality
from .image_quality import ImageQuality
from .point_clouds import PointCloudMetrics
from .protocol import ProtocolError, Result, compare, markdown_table
from .random_features import RandomClipExtractor, RandomExtractor
from .reconstruction import OccupancyIoU, SurfaceMetrics
from .scale_consistency import ScaleConsistency
from .video_extractors import I3DExtractor, TorchvisionClipExtractor
from .view_quality import ViewQuality

__all__ = [
    'AbstractClipExtractor',
    'AbstractExtractor',
    'ClassifierAccuracy',
    'ClipExtractor',
    'ClipQuality',
    'DepthError',
    'GenerativeQuality',
    'I3DExtractor',
    'ImageQuality',
    'InceptionExtractor',
    'OccupancyIoU',
    'PixelExtractor',
    'PointCloudMetrics',
    'ProtocolError',
    'RandomClipExtractor',
    'RandomExtractor',
    'Result',
    'ScaleConsistency',
    'SurfaceMetrics',
    'TimmExtractor',
    'TorchvisionClipExtractor',
    'ViewQuality',
    'compare',
    'markdown_table',
]
