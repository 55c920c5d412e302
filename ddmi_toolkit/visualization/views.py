"""Radiance fields as pictures: what they look like, how far away it is, and which way it faces."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ..layers.occupancy_grid import OccupancyGrid
from ..layers.view_rendering import cameras_around, render_views
from ..structures import Field, as_size, to_uint8
from .clips import picture_strip
from .media import as_picture


def draw_view(
    field: Field, size: int | Sequence[int], azimuth: float = 30.0, elevation: float = 20.0
) -> np.ndarray:
    """A radiance field, whole, z up, on white, ``(h, w, 3)`` uint8.

    Args:
        field: A batch of one.
        size: ``(rows, columns)``, or one number for a square.
        azimuth: Degrees, counted from x towards y.
        elevation: Degrees above the horizon.
    """
    cameras = cameras_around(field, 1, as_size(size), elevation_deg=elevation, start_deg=azimuth)
    return as_picture(render_views(field, cameras).color[0])


def draw_views(field: Field, size: int, num_views: int = 4) -> np.ndarray:
    """Views of a radiance field from all sides in a row, ``(h, w, 3)`` uint8.

    Of half the samples of :func:`draw_view`, to be quick also where a field is all fog.

    Args:
        field: A batch of one.
        size: Pixels along the sides of a view.
        num_views: Number of views.
    """
    cameras = cameras_around(field, num_views, (size, size))
    grid = OccupancyGrid.of_field(field, 32)
    seen = render_views(field, cameras, num_samples=32, num_importance=24, grid=grid)
    return picture_strip(seen.color, num_views)


def depth_levels(depth: Tensor, unit: float) -> np.ndarray:
    """Distances in steps of ``unit``, ``(..., h, w)`` uint16; 0 where nothing is seen."""
    steps = torch.where(depth.isfinite(), depth / unit, 0).round().clamp(0, 65535)
    return steps.cpu().numpy().astype(np.uint16)


def normal_colors(normal: Tensor) -> np.ndarray:
    """Unit vectors as colors, ``(..., 3)`` uint8: x, y, z from -1 to 1 are red, green, blue.

    Gray where nothing is seen.
    """
    return to_uint8(normal).cpu().numpy()
