"""Pictures of fields."""

from .media import image_grid, save_image
from .visualizer import FieldVisualizer, draw_line, draw_plane, draw_surface

__all__ = [
    'FieldVisualizer',
    'draw_line',
    'draw_plane',
    'draw_surface',
    'image_grid',
    'save_image',
]
