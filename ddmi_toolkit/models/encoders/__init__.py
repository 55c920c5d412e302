"""Discrete observations to posteriors over plane latents."""

from .base import AbstractEncoder
from .conv import ConvEncoder
from .point_plane import PointPlaneEncoder
from .timesformer import TimesformerEncoder
from .timm_encoder import TimmEncoder

__all__ = [
    'AbstractEncoder',
    'ConvEncoder',
    'PointPlaneEncoder',
    'TimesformerEncoder',
    'TimmEncoder',
]
