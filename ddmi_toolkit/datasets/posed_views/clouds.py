"""Colored point clouds in files."""

from pathlib import Path

import numpy as np


def read_cloud(path: Path) -> np.ndarray:
    """The colored points of a PLY, ``(P, 6)`` float32: places, then colors in [-1, 1].

    Vertices of a mesh count as points.

    Raises:
        ValueError: The file is missing or broken, holds no points, or they have no colors.
    """
    import trimesh

    try:
        loaded = trimesh.load(path, process=False)
        places = np.asarray(loaded.vertices, np.float32)
        visual = loaded.visual  # of kind None, those without colors have a gray of trimesh's
        colors = np.zeros((0, 4)) if visual.kind is None else np.asarray(visual.vertex_colors)
    except Exception as error:  # readers of broken files raise anything
        raise ValueError(
            f'{path}: cannot be read as a point cloud ({type(error).__name__}: {error}); restore it'
        ) from error
    if not len(places) or colors.shape[:1] != places.shape[:1] or not np.isfinite(places).all():
        raise ValueError(
            f'{path}: {len(places)} points with {len(colors)} colors, or not finite; expected '
            f'vertices with red, green and blue'
        )
    return np.concatenate([places, colors[:, :3].astype(np.float32) / 127.5 - 1], axis=1)
