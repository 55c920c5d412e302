"""Whole pictures of a radiance field from cameras."""

from collections.abc import Iterable
from math import radians, sin
from typing import NamedTuple

import torch
from torch import Tensor

from ..structures import Camera, Field, PlaneLayout, orbit, stack_rays
from .occupancy_grid import OccupancyGrid, box, check_radiance
from .ray_marching import Color, density_normals, render_rays

IS_SEEN = 0.5
"""Opacity from which a pixel has a depth and a normal."""
FOV = 40.0
"""Angle of view in degrees where none is asked for."""


class RenderedViews(NamedTuple):
    """Pictures of a field.

    Attributes:
        color: ``(V, h, w, 3)`` in [-1, 1].
        opacity: ``(V, h, w)``.
        depth: Distance along the ray in data units, ``(V, h, w)``; infinite where the opacity is
            below one half.
        normal: Unit vectors of the world that point out of what is seen, ``(V, h, w, 3)``; zero
            where the opacity is below one half. None where they were not asked for.
    """

    color: Tensor
    opacity: Tensor
    depth: Tensor
    normal: Tensor | None


@torch.no_grad()
def render_views(
    field: Field,
    cameras: Iterable[Camera],
    *,
    num_samples: int = 64,
    num_importance: int = 64,
    background: Color = 1.0,
    grid: OccupancyGrid | None = None,
    with_normals: bool = False,
    max_points: int = 2**18,
) -> RenderedViews:
    """What cameras of one size see of a radiance field; empty space is skipped.

    Args:
        field: A batch of one.
        cameras: Any number of cameras at any place, inside or outside of the field's box.
        num_samples: Even samples per ray.
        num_importance: Further samples per ray where these absorb.
        background: What is seen where nothing absorbs, a value in [-1, 1] or three.
        grid: Where the field is empty; None makes one, which takes longer than a small picture.
        with_normals: Whether to compute normals too.
        max_points: Points placed at a time.

    Raises:
        ValueError: No radiance field or several, or cameras of different sizes.
    """
    grid = grid or OccupancyGrid.of_field(field)
    like = box(field)[0]
    origins, dirs = (x.to(like)[None] for x in stack_rays(cameras))
    seen = render_rays(
        field,
        origins,
        dirs,
        num_samples=num_samples,
        num_importance=num_importance,
        background=background,
        max_points=max_points,
        grid=grid,
    )
    is_seen = seen.opacity >= IS_SEEN
    depth = seen.depth.where(is_seen, torch.inf)
    normal = None
    if with_normals:
        normal = torch.zeros_like(dirs)
        places = (origins + depth[..., None] * dirs)[is_seen].split(max(max_points // 20, 1))
        found = [density_normals(field, part[None])[0] for part in places]
        normal[is_seen] = torch.cat([*found, dirs.new_zeros(0, 3)])
        normal = normal[0]
    return RenderedViews(seen.color[0], seen.opacity[0], depth[0], normal)


def cameras_around(
    field_or_layout: Field | PlaneLayout,
    num: int,
    size: tuple[int, int],
    *,
    elevation_deg: float = 20.0,
    radius: float | None = None,
    fov_deg: float = FOV,
    start_deg: float = 30.0,
) -> list[Camera]:
    """Cameras around the middle of a box, z up.

    Args:
        field_or_layout: Whose box it is.
        num: Number of cameras.
        size: ``(rows, columns)``.
        elevation_deg: Angle above the horizon.
        radius: Distance from the middle; None shows the largest ball in the box, whole, in the
            narrower side of the picture.
        fov_deg: Angle between the left and the right edge of the picture.
        start_deg: Azimuth of the first camera, counted from x towards y.
    """
    if isinstance(field_or_layout, Field):
        check_radiance(field_or_layout)
        layout = field_or_layout.layout
    else:
        layout = field_or_layout
    axes = layout.axes.values()
    middle = [(a.low + a.high) / 2 for a in axes]
    if radius is None:
        ball = max(a.high - a.low for a in axes) / 2
        radius = ball / sin(radians(fov_deg) / 2) * max(size[1] / size[0], 1)
    return orbit(
        num,
        radius,
        elevation_deg,
        size=(size[1], size[0]),
        fov_deg=fov_deg,
        target=middle,
        start_deg=start_deg,
    )
