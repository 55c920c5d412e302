"""Pictures of fields."""

from .media import as_picture, image_grid, quantize, save_image
from .streaming import STREAMS, write_png, write_tiff
from .visualizer import FieldVisualizer, draw_line, draw_plane, draw_surface

__all__ = [
    'STREAMS',
    'FieldVisualizer',
    'as_picture',
    'draw_line',
    'draw_plane',
    'draw_surface',
    'image_grid',
    'quantize',
    'save_image',
    'write_png',
    'write_tiff',
]
