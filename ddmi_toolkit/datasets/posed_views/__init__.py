"""Objects seen from known places: file formats, one interface."""

from .base import AbstractViewSource
from .choice import choose_views
from .dataset import PosedViews
from .sources import FORMATS, open_views
from .view import PosedObject, View, read_picture

__all__ = [
    'FORMATS',
    'AbstractViewSource',
    'PosedObject',
    'PosedViews',
    'View',
    'choose_views',
    'open_views',
    'read_picture',
]
