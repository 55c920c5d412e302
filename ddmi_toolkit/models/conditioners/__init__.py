"""Conditioners: what is generated is asked for by a label, words or a picture."""

from .base import AbstractConditioner, Condition
from .image import ImageConditioner
from .label import LabelConditioner
from .text import TextConditioner
from .words import WordConditioner

__all__ = [
    'AbstractConditioner',
    'Condition',
    'ImageConditioner',
    'LabelConditioner',
    'TextConditioner',
    'WordConditioner',
]
