"""Point clouds with or without normals, from files."""

from pathlib import Path
from typing import Any

import numpy as np

Cloud = tuple[np.ndarray, np.ndarray | None]


def read_partial(path: str | Path) -> Cloud:
    """Points ``(P, 3)`` of a PLY or npz, and their normals ``(P, 3)`` where it has any, float32.

    An npz holds ``points`` and perhaps ``normals``. Vertices of a mesh count as points.

    Raises:
        ValueError: The file is missing or broken, or holds no points.
    """
    path = Path(path)
    try:
        points, normals = _read_npz(path) if path.suffix.lower() == '.npz' else _read_ply(path)
    except Exception as error:  # readers of broken files raise anything
        raise ValueError(
            f'{path}: cannot be read as a point cloud ({type(error).__name__}: {error}); give a '
            f"PLY, or an npz with 'points' (P, 3) and perhaps 'normals'"
        ) from error
    if points.ndim != 2 or points.shape[1:] != (3,) or not len(points):
        raise ValueError(f'{path}: points of shape {points.shape}; expected (P, 3), at least one')
    if normals is not None and normals.shape != points.shape:
        raise ValueError(f'{path}: normals {normals.shape} for points {points.shape}; one each')
    return points, normals


def _read_npz(path: Path) -> Cloud:
    with np.load(path) as arrays:
        points = np.asarray(arrays['points'], np.float32)
        has = 'normals' in arrays.files
        return points, np.asarray(arrays['normals'], np.float32) if has else None


def _read_ply(path: Path) -> Cloud:
    import trimesh

    loaded: Any = trimesh.load(path, process=False)
    points = np.asarray(loaded.vertices, np.float32)
    if isinstance(loaded, trimesh.Trimesh) and len(loaded.faces):
        return points, np.asarray(loaded.vertex_normals, np.float32)
    vertices = loaded.metadata.get('_ply_raw', {}).get('vertex', {}).get('data')
    names = ('nx', 'ny', 'nz')
    if vertices is None or not all(_has(vertices, n) for n in names):
        return points, None
    return points, np.stack([np.asarray(vertices[n], np.float32).reshape(-1) for n in names], 1)


def _has(vertices: Any, name: str) -> bool:
    fields = getattr(getattr(vertices, 'dtype', None), 'names', None)
    return name in (vertices if fields is None else fields)
