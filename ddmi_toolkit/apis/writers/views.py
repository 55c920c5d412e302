"""Radiance fields as turntables, views, depth and normal maps, and colored meshes."""

import json
from collections.abc import Iterator, Sequence
from math import radians
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from ...layers.occupancy_grid import OccupancyGrid
from ...layers.view_rendering import FOV, cameras_around, render_views
from ...structures import Camera, Field, PlaneLayout, as_size
from ...utils import replace_atomically
from ...visualization import CLIP_STREAMS, as_picture, draw_view, save_image
from ...visualization.views import depth_levels, normal_colors
from ..clips import FORMATS, write_frames
from ..colored_mesh import extract_colored_mesh, save_colored_mesh
from .base import THUMBNAIL, FieldWriter

TURN_SECONDS = 4.0
"""How long one turn of a turntable takes."""


class ViewsWriter(FieldWriter):
    """Radiance fields from all sides.

    A turntable ``<stem>.mp4``; a folder ``<stem>_views`` of pictures with their depth and normals
    and a ``transforms.json`` that says where they were taken, so that the folder is a data set of
    posed views; a mesh ``<stem>.glb``. Any of them may be left out.

    Depth is 16 bits, in steps of ``depth_unit`` of ``transforms.json``, the distance along the ray
    and 0 where nothing is seen. Normals are vectors of the world, -1 to 1 in 8 bits.

    Args:
        layout: Coordinate axes.
        size: ``(rows, columns)`` of pictures, or one number for squares.
        views: Number of views, evenly around; 0 for no folder.
        num_frames: Frames of the turntable; 0 for none.
        elevation: Of the cameras above the horizon, degrees.
        radius: Distance of the cameras from the middle of the box; None shows the largest ball in
            the box whole.
        fov: Angle of view of a picture's width, degrees.
        format: Of the turntable: ``'mp4'``, ``'gif'``, or ``'frames'``, a folder of PNGs.
        resolution: Cells along each axis of the mesh's extraction; 0 for no mesh.
        threshold: Density of the mesh's surface per data unit; None is that of which a hundredth
            of the box's longest side absorbs half.
    """

    def __init__(
        self,
        layout: PlaneLayout,
        size: int | Sequence[int] = 256,
        views: int = 8,
        num_frames: int = 48,
        elevation: float = 20.0,
        radius: float | None = None,
        fov: float = FOV,
        format: str = 'mp4',
        resolution: int = 128,
        threshold: float | None = None,
    ) -> None:
        if format not in FORMATS:
            raise ValueError(f'turntable format {format!r} is not one of {", ".join(FORMATS)}')
        counts = dict(views=views, num_frames=num_frames, resolution=resolution)
        for name, value in counts.items():
            if value < 0:
                raise ValueError(f'{name}={value} must be at least 0; 0 leaves them out')
        if threshold is not None and not threshold > 0:
            raise ValueError(f'threshold={threshold} must be a positive density per data unit')
        self.size, self.format, self.resolution = as_size(size), format, resolution
        self.threshold, self.fov = threshold, fov
        place = dict(elevation_deg=elevation, radius=radius, fov_deg=fov)
        self.views = cameras_around(layout, views, self.size, **place) if views else []
        self.turn = cameras_around(layout, num_frames, self.size, **place) if num_frames else []
        self.max_bytes = self.size[0] * self.size[1] * (3 * num_frames + 8 * views)

    def write(self, field: Field, stem: Path) -> tuple[list[Path], np.ndarray]:
        """All files of a field, and one small view."""
        stem.parent.mkdir(parents=True, exist_ok=True)
        grid, files = OccupancyGrid.of_field(field), []
        if self.turn:
            files.append(self._write_turntable(field, stem, grid))
        if self.views:
            files.append(self._write_views(field, stem.with_name(f'{stem.name}_views'), grid))
        if self.resolution:
            mesh = extract_colored_mesh(field, self.resolution, self.threshold)
            if len(mesh.faces):
                files.append(save_colored_mesh(mesh, stem.with_name(f'{stem.name}.glb')))
        return files, draw_view(field, min(THUMBNAIL, max(self.size)))

    def _write_turntable(self, field: Field, stem: Path, grid: OccupancyGrid) -> Path:
        if self.format == 'frames':
            return write_frames(stem.with_name(f'{stem.name}_turn'), self._turn(field, stem, grid))
        path, rate = stem.with_name(f'{stem.name}.{self.format}'), len(self.turn) / TURN_SECONDS
        with replace_atomically(path) as file:
            CLIP_STREAMS[path.suffix](file, self._turn(field, stem, grid), self.size, rate)
        return path

    def _turn(self, field: Field, stem: Path, grid: OccupancyGrid) -> Iterator[np.ndarray]:
        for camera in tqdm(self.turn, desc=stem.name, unit='frame', disable=None):
            yield as_picture(render_views(field, [camera], grid=grid).color[0])

    def _write_views(self, field: Field, folder: Path, grid: OccupancyGrid) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        entries, unit = [], _depth_unit(field, self.views[0])
        for i, camera in enumerate(tqdm(self.views, desc=folder.name, unit='view', disable=None)):
            seen = render_views(field, [camera], grid=grid, with_normals=True)
            name, depth, normal = (f'view{i:03d}{part}.png' for part in ('', '_depth', '_normal'))
            save_image(as_picture(seen.color[0]), folder / name)
            Image.fromarray(depth_levels(seen.depth[0], unit)).save(folder / depth)
            save_image(normal_colors(seen.normal[0]), folder / normal)
            entries.append(
                dict(
                    file_path=name,
                    depth_file_path=depth,
                    normal_file_path=normal,
                    transform_matrix=camera.pose.tolist(),
                )
            )
        scene = dict(
            camera_angle_x=radians(self.fov),
            w=self.size[1],
            h=self.size[0],
            depth_unit=unit,
            frames=entries,
        )
        (folder / 'transforms.json').write_text(json.dumps(scene, indent=1), encoding='utf-8')
        return folder


def _depth_unit(field: Field, camera: Camera) -> float:
    """Step with which 16 bits reach the farthest corner of a field's box."""
    axes = field.layout.axes.values()
    center = camera.center.tolist()
    reach = [max(abs(c - a.low), abs(c - a.high)) for c, a in zip(center, axes, strict=True)]
    return sum(r * r for r in reach) ** 0.5 / 65535
