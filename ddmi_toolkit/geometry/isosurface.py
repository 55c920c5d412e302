"""Meshes of occupancy fields."""

import logging
from math import log
from pathlib import Path

import numpy as np
import torch
import trimesh
from mmengine.logging import print_log
from skimage.measure import marching_cubes

from ..structures import Field
from .corners import BYTES_PER_CORNER, Corners, evaluate_corners

# Suffix -> trimesh's name for "write the normals".
FORMATS = {'.glb': 'include_normals', '.ply': 'vertex_normal', '.obj': 'include_normals'}


def extract_mesh(
    field: Field,
    resolution: int = 128,
    threshold: float = 0.5,
    *,
    exhaustive: bool = False,
    field_normals: bool = False,
    max_queries: int = 2**16,
    max_bytes: int = 4 * 2**30,
) -> trimesh.Trimesh:
    """Closed surface at which the occupancy probability of a field passes a threshold.

    The box of the layout is cut into ``resolution`` cells along each axis, with corners on both
    ends of the box; a shape that reaches the end of the box is closed there. Memory is at most
    ``24 (resolution + 1)^3`` bytes (50 MiB at 128, 0.4 GiB at 256, 3 GiB at 512) beside what the
    field needs for ``max_queries`` points or one slice of corners, whichever is larger.

    Args:
        field: A batch of one occupancy field with logits, positive inside.
        resolution: Cells per axis.
        threshold: Probability at the surface, in (0, 1). The published code uses 0.2.
        exhaustive: Evaluate every corner. By default only the corners near the surface are, which
            misses parts that lie between the corners of the coarsest grid (32 to 63 cells).
        field_normals: Take vertex normals from the field's gradient in place of the faces.
        max_queries: Points evaluated at a time.
        max_bytes: Budget that the memory above must not pass.

    Returns:
        Vertices in data units, axes in layout order, faces oriented outwards.
        ``mesh.metadata['num_queries']`` tells how often the field was evaluated. A field without
        a surface gives an empty mesh and a warning in the log.

    Raises:
        ValueError: An argument does not fit, or the field has values that are not numbers.
    """
    _check(field, resolution, threshold, max_bytes)
    level = log(threshold / (1 - threshold))
    corners = evaluate_corners(
        field, resolution, level, exhaustive=exhaustive, max_queries=max_queries
    )
    mesh = corners_to_mesh(corners, field, level)
    if field_normals and len(mesh.faces):
        normals = outward_normals(field, mesh, max_queries)
        metadata = mesh.metadata
        mesh = trimesh.Trimesh(mesh.vertices, mesh.faces, vertex_normals=normals, process=False)
        mesh.metadata.update(metadata)
    return mesh


def corners_to_mesh(corners: Corners, field: Field, level: float) -> trimesh.Trimesh:
    """Marching cubes (Lewiner et al. 2003) on corner values, closed at the ends of the box."""
    lows = np.array([a.low for a in field.layout.axes.values()])
    highs = np.array([a.high for a in field.layout.axes.values()])
    metadata = dict(num_queries=corners.num_queries)
    inside = corners.values > level
    if not inside.any():
        print_log(
            f'no point of the field lies inside: its values reach {corners.values.max():.3g}, the '
            f'surface is at {level:.3g}; the mesh is empty. Lower the threshold if this is '
            f'unexpected',
            logger='current',
            level=logging.WARNING,
        )
        return trimesh.Trimesh(metadata=metadata)
    outside = level - 1e6  # so far below that the lid lies on the last corners
    padded = np.pad(corners.values, 1, constant_values=np.float32(outside))
    vertices, faces, _, _ = marching_cubes(padded, level, gradient_direction='ascent')
    cells = np.array(corners.values.shape) - 1
    vertices = lows + (vertices.astype(np.float64) - 1) / cells * (highs - lows)
    vertices = vertices.clip(lows, highs)
    return trimesh.Trimesh(vertices, faces, process=False, metadata=metadata)


def outward_normals(field: Field, mesh: trimesh.Trimesh, max_queries: int = 2**16) -> np.ndarray:
    """Unit normals ``(V, 3)`` at a mesh's vertices from the field's gradient.

    Faces' normals replace them where the gradient vanishes and on the ends of the box.
    """
    state = next(iter(field.state.values()))
    dtype = torch.float64 if state.dtype == torch.float64 else torch.float32
    points = torch.as_tensor(mesh.vertices.copy(), dtype=dtype, device=state.device)
    parts = [field.gradient(p[None])[0, :, 0] for p in points.split(max_queries)]
    normals = -torch.cat(parts).double().cpu().numpy()
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    lows = np.array([a.low for a in field.layout.axes.values()])
    highs = np.array([a.high for a in field.layout.axes.values()])
    on_end = ((mesh.vertices <= lows) | (mesh.vertices >= highs)).any(-1, keepdims=True)
    usable = (length > 1e-8) & np.isfinite(length) & ~on_end
    return np.where(usable, normals / np.where(usable, length, 1), mesh.vertex_normals)


def save_mesh(mesh: trimesh.Trimesh, path: str | Path) -> Path:
    """Write a mesh with its vertex normals as GLB, PLY or OBJ; returns the path.

    Raises:
        ValueError: The suffix names another format, or the mesh is empty.
    """
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        raise ValueError(
            f'{path.name}: cannot write {path.suffix or "a file without suffix"!r}; '
            f'choose one of {", ".join(FORMATS)}'
        )
    if not len(mesh.faces):
        raise ValueError(f'{path.name}: the mesh is empty, there is nothing to write')
    path.parent.mkdir(parents=True, exist_ok=True)
    mesh.export(path, **{FORMATS[path.suffix.lower()]: True})
    return path


def check_resolution_and_threshold(resolution: int, threshold: float) -> None:
    """Tell early that :func:`extract_mesh` would fail.

    Raises:
        ValueError: No cell per axis, or a threshold outside (0, 1).
    """
    if not 0 < threshold < 1:
        raise ValueError(f'threshold={threshold} must be a probability in (0, 1)')
    if resolution < 1:
        raise ValueError(f'resolution={resolution} must be at least one cell per axis')


def _check(field: Field, resolution: int, threshold: float, max_bytes: int) -> None:
    if len(field) != 1:
        raise ValueError(f'a batch of {len(field)} fields given; mesh them one by one, field[i]')
    if field.layout.dim != 3 or field.out_channels != 1:
        raise ValueError(
            f'a surface needs one value over three axes; the field has {field.out_channels} over '
            f'the axes {"".join(field.layout.axes)!r}'
        )
    check_resolution_and_threshold(resolution, threshold)
    if (need := BYTES_PER_CORNER * (resolution + 1) ** 3) > max_bytes:
        raise ValueError(
            f'resolution={resolution} needs {need / 2**30:.1f} GiB, the budget is '
            f'{max_bytes / 2**30:.1f} GiB; lower the resolution or raise max_bytes'
        )
