"""Pictures of fields."""

from .basis_pictures import PowerMap, draw_basis_analysis, with_differences
from .clip_files import CLIP_STREAMS, as_rate, check_rate, write_gif, write_mp4
from .clips import draw_clip, draw_sheet, draw_slices, frame_size, picture_strip
from .media import as_picture, image_grid, quantize, save_image
from .streaming import STREAMS, write_png, write_tiff
from .views import draw_view, draw_views
from .visualizer import FieldVisualizer, draw_line, draw_plane, draw_surface

__all__ = [
    'CLIP_STREAMS',
    'STREAMS',
    'FieldVisualizer',
    'PowerMap',
    'as_picture',
    'as_rate',
    'check_rate',
    'draw_basis_analysis',
    'draw_clip',
    'draw_line',
    'draw_plane',
    'draw_sheet',
    'draw_slices',
    'draw_surface',
    'draw_view',
    'draw_views',
    'frame_size',
    'image_grid',
    'picture_strip',
    'quantize',
    'save_image',
    'with_differences',
    'write_gif',
    'write_mp4',
    'write_png',
    'write_tiff',
]
