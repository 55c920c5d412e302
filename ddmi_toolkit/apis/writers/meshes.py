"""Fields over space as meshes."""

from pathlib import Path

import numpy as np

from ...geometry.isosurface import (
    FORMATS,
    check_resolution_and_threshold,
    extract_mesh,
    save_mesh,
)
from ...geometry.raycast import render_mesh
from ...structures import Field, PlaneLayout
from .base import THUMBNAIL, FieldWriter


class MeshWriter(FieldWriter):
    """Iso-surfaces of fields over space.

    Args:
        layout: Coordinate axes.
        resolution: Cells along each axis of the iso-surface extraction.
        threshold: Occupancy probability of the surface.
        format: ``'glb'``, ``'ply'`` or ``'obj'``.
    """

    def __init__(
        self,
        layout: PlaneLayout,
        resolution: int = 128,
        threshold: float = 0.5,
        format: str = 'glb',
    ) -> None:
        check_resolution_and_threshold(resolution, threshold)
        if f'.{format}' not in FORMATS:
            known = ', '.join(f.removeprefix('.') for f in FORMATS)
            raise ValueError(f'format {format!r} is not one of {known}')
        self.resolution, self.threshold, self.format = resolution, threshold, format

    def write(self, field: Field, stem: Path) -> tuple[list[Path], np.ndarray]:
        """The surface, if there is one, and a shaded view of it."""
        mesh = extract_mesh(field, self.resolution, self.threshold)
        path = stem.with_name(f'{stem.name}.{self.format}')
        return [save_mesh(mesh, path)] if len(mesh.faces) else [], render_mesh(mesh, THUMBNAIL)
