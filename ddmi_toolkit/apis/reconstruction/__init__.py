"""Given files through a trained autoencoder, written at any resolution."""

from .base import AbstractReconstructor, Report, ToField
from .clips import ClipReconstructor
from .files import RECONSTRUCTORS, find_inputs, make_reconstructor, reconstruct_files
from .meshes import MeshReconstructor
from .pictures import PictureReconstructor
from .views import ViewsReconstructor

__all__ = [
    'RECONSTRUCTORS',
    'AbstractReconstructor',
    'ClipReconstructor',
    'MeshReconstructor',
    'PictureReconstructor',
    'Report',
    'ToField',
    'ViewsReconstructor',
    'find_inputs',
    'make_reconstructor',
    'reconstruct_files',
]
