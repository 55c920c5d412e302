"""Pictures of fields."""

from .media import image_grid, quantize, save_image
from .streaming import STREAMS, write_png, write_tiff
from .visualizer import FieldVisualizer, draw_line, draw_plane, draw_surface

__all__ = [
    'STREAMS',
    'FieldVisualizer',
    'draw_line',
    'draw_plane',
    'draw_surface',
    'image_grid',
    'quantize',
    'save_image',
    'write_png',
    'write_tiff',
]
