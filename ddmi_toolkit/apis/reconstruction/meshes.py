"""Reconstruction of shapes from points on the surface of a mesh."""

from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
import trimesh

from ...evaluation.functional import chamfer_l1
from ...geometry.isosurface import extract_mesh, save_mesh
from ...geometry.raycast import contact_sheet
from ...geometry.sampling import normalize_mesh, sample_faces
from ...geometry.shape_files import MESH_SUFFIXES, load_mesh
from ...structures import PlaneLayout
from ...visualization import save_image
from ..fields import save_field
from ..outputs import MeshWriter
from .base import AbstractReconstructor, Report, ToField

NUM_MEASURED = 10_000
"""Points on each surface that distances are measured between."""


class MeshReconstructor(AbstractReconstructor):
    """Encodes points drawn on a mesh, and meshes the field of their latent.

    The bounding box is centered and its longest side scaled to 1, as in prepared data sets; the
    result is scaled and moved back.

    Args:
        layout: Coordinate axes.
        num_points: Points that the encoder is given; best as many as in training.
        resolution: Cells along each axis of the iso-surface extraction.
        threshold: Occupancy probability of the surface.
        format: ``'glb'``, ``'ply'`` or ``'obj'``.
    """

    SUFFIXES: ClassVar[tuple[str, ...]] = MESH_SUFFIXES

    def __init__(
        self,
        layout: PlaneLayout,
        num_points: int = 1024,
        resolution: int = 128,
        threshold: float = 0.5,
        format: str = 'glb',
    ) -> None:
        if num_points < 1:
            raise ValueError(f'num_points={num_points} must be at least 1')
        self.num_points, self.writer = num_points, MeshWriter(layout, resolution, threshold, format)

    def __call__(self, path: Path, stem: Path, to_field: ToField) -> Report:
        """Write ``stem.glb``, ``stem.safetensors`` and ``stem_comparison.png``.

        The last shows the original and the reconstruction.
        """
        vertices, faces = load_mesh(path)
        vertices, loc, scale = normalize_mesh(vertices)
        points, _ = sample_faces(vertices, faces, self.num_points, np.random.default_rng(0))
        field = to_field(torch.from_numpy(points.astype(np.float32)))
        save_field(field, stem.with_name(f'{stem.name}.safetensors'))
        original = trimesh.Trimesh(vertices, faces, process=False)
        mesh = extract_mesh(field, self.writer.resolution, self.writer.threshold)
        sheet = contact_sheet([original, mesh], columns=2)
        save_image(sheet, stem.with_name(f'{stem.name}_comparison.png'))
        report: Report = dict(done=f'{self.num_points} points on {len(faces)} faces')
        if len(mesh.faces):
            clouds = [_cloud(m) for m in (original, mesh)]
            report['chamfer_l1'] = chamfer_l1(*clouds)  # in units of the longest side
            mesh.vertices = mesh.vertices * scale + loc
            save_mesh(mesh, stem.with_name(f'{stem.name}.{self.writer.format}'))
        return report


def _cloud(mesh: trimesh.Trimesh) -> np.ndarray:
    rng = np.random.default_rng(1)
    return sample_faces(np.asarray(mesh.vertices), np.asarray(mesh.faces), NUM_MEASURED, rng)[0]
