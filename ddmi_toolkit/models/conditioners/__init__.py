"""Conditioners: what is generated is asked for by a label, words, a picture or a part."""

from .base import AbstractConditioner, Condition
from .image import ClipImageConditioner, ImageConditioner
from .label import LabelConditioner
from .points import PointCloudConditioner
from .text import TextConditioner
from .words import WordConditioner

__all__ = [
    'AbstractConditioner',
    'ClipImageConditioner',
    'Condition',
    'ImageConditioner',
    'LabelConditioner',
    'PointCloudConditioner',
    'TextConditioner',
    'WordConditioner',
]
