"""What metrics of surfaces share: from a field to points on its mesh."""

from typing import Any

import numpy as np

from ..geometry.isosurface import extract_mesh
from ..geometry.sampling import sample_faces
from ..structures import Field, mix_seed


def sample_field_surface(
    field: Field, num_points: int, *, resolution: int, threshold: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Points uniform by area on the surface of a field and their normals, float32 ``(P, 3)``.

    Args:
        field: A batch of one occupancy field.
        num_points: Number of points.
        resolution: Cells per axis of the mesh.
        threshold: Occupancy probability at the surface.
        seed: What the points depend on besides the field.

    Returns:
        Points and normals; both ``(0, 3)`` if the field has no surface.
    """
    mesh = extract_mesh(field, resolution, threshold)
    if not len(mesh.faces) or not mesh.area > 0:
        return np.zeros((0, 3), np.float32), np.zeros((0, 3), np.float32)
    rng = np.random.default_rng(mix_seed(seed, num_points))
    points, normals = sample_faces(mesh.vertices, mesh.faces, num_points, rng)
    return points.astype(np.float32), normals.astype(np.float32)


def batch_meta(data_batch: dict[str, Any], key: str) -> Any:
    """``meta[key]`` of a collated batch.

    Raises:
        ValueError: The data set does not provide it.
    """
    meta = data_batch.get('meta') or {}
    if key not in meta:
        raise ValueError(
            f'the batch has no meta[{key!r}], its meta has {sorted(meta)}; give the data set of '
            f'the test loader surface_points=10000 (or as many as it stores)'
        )
    return meta[key]
