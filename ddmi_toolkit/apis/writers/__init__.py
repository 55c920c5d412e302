"""Fields as files of one format each."""

from .base import THUMBNAIL, FieldWriter
from .meshes import MeshWriter
from .pictures import PictureWriter

__all__ = ['THUMBNAIL', 'FieldWriter', 'MeshWriter', 'PictureWriter']
