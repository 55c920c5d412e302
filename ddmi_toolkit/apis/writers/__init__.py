"""Fields as files of one format each."""

from .base import THUMBNAIL, FieldWriter
from .clips import ClipWriter
from .meshes import MeshWriter
from .pictures import PictureWriter
from .views import ViewsWriter

__all__ = ['THUMBNAIL', 'ClipWriter', 'FieldWriter', 'MeshWriter', 'PictureWriter', 'ViewsWriter']
