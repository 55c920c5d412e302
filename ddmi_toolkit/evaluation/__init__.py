"""Metrics, and the protocol that their numbers carry."""

from .attribute_accuracy import AttributeAccuracy, ClassAccuracy
from .classifier_accuracy import ClassifierAccuracy
from .clip_quality import ClipQuality
from .clip_score import ClipScore
from .completion import UnidirectionalHausdorff
from .depth_error import DepthError
from .directions import direction_of
from .extractor_roles import AbstractClipExtractor, AbstractExtractor
from .extractors import (
    ClipExtractor,
    InceptionExtractor,
    PixelExtractor,
    TimmExtractor,
)
from .generative_quality import GenerativeQuality
from .image_quality import ImageQuality
from .judges import Judge, load_judge
from .leaderboard import Estimate, aggregate, leaderboard
from .mutual_difference import TotalMutualDifference
from .point_clouds import PointCloudMetrics
from .protocol import COSTS, ProtocolError, Result, compare, join
from .random_features import RandomClipExtractor, RandomExtractor
from .reconstruction import OccupancyIoU, SurfaceMetrics
from .scale_consistency import ScaleConsistency
from .text_image import AbstractTextImageExtractor, ClipPairExtractor
from .video_extractors import I3DExtractor, TorchvisionClipExtractor
from .view_quality import ViewQuality

__all__ = [
    'COSTS',
    'AbstractClipExtractor',
    'AbstractExtractor',
    'AbstractTextImageExtractor',
    'AttributeAccuracy',
    'ClassAccuracy',
    'ClassifierAccuracy',
    'ClipExtractor',
    'ClipPairExtractor',
    'ClipQuality',
    'ClipScore',
    'DepthError',
    'Estimate',
    'GenerativeQuality',
    'I3DExtractor',
    'ImageQuality',
    'InceptionExtractor',
    'Judge',
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
    'TotalMutualDifference',
    'UnidirectionalHausdorff',
    'ViewQuality',
    'aggregate',
    'compare',
    'direction_of',
    'join',
    'leaderboard',
    'load_judge',
]
