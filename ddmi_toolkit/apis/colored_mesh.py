"""Radiance fields as colored surfaces."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from math import log
from pathlib import Path

import numpy as np
import torch
import trimesh
from mmengine.logging import print_log
from torch import Tensor, nn

from ..geometry.isosurface import extract_mesh
from ..layers.occupancy_grid import box, check_radiance
from ..layers.ray_quadrature import cell_edges, composite, strata
from ..structures import Coords, Field, Points, to_uint8

_STEPS = 24  # samples behind a vertex, from which its color is taken
_TO_Y_UP = np.array([[1, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])


class _LogDensity(nn.Module):
    """The logarithm of a radiance field's density, relative to a threshold.

    Its zero is where the density passes the threshold. The logarithm changes evenly across the
    soft border of a surface, where the density leaps.
    """

    def __init__(self, evaluator: nn.Module, threshold: float) -> None:
        super().__init__()
        self.evaluator, self.shift = evaluator, log(threshold)

    def forward(
        self,
        state: Mapping[str, Tensor],
        coords: Coords,
        scale: Tensor | None = None,
        dirs: Tensor | None = None,
    ) -> Tensor:
        density = self.evaluator(state, coords, scale=scale, dirs=dirs)[..., -1:]
        return density.clamp(min=1e-6).log() - self.shift


def default_threshold(field: Field) -> float:
    """Density of which a hundredth of the box's longest side absorbs half."""
    low, high = box(field)
    return log(2) / (0.01 * float((high - low).max()))


@torch.no_grad()
def extract_colored_mesh(
    field: Field,
    resolution: int = 128,
    threshold: float | None = None,
    *,
    max_queries: int = 2**16,
) -> trimesh.Trimesh:
    """Closed surface at which the density of a radiance field passes a threshold, with colors.

    A vertex has the color that is seen by looking at it along the inward normal.

    Args:
        field: A batch of one.
        resolution: Cells of the extraction along each axis.
        threshold: Density at the surface per data unit; None: :func:`default_threshold`.
        max_queries: Points evaluated at a time.

    Returns:
        Vertices in data units, axes in layout order; empty, with a warning in the log, where the
        density is lower everywhere. ``mesh.visual.vertex_colors`` are uint8, sRGB.

    Raises:
        ValueError: No radiance field, several, or a threshold or resolution that is not positive.
    """
    check_radiance(field)
    threshold = default_threshold(field) if threshold is None else threshold
    if not threshold > 0:
        raise ValueError(f'threshold={threshold} must be a positive density per data unit')
    solid = replace(
        field, evaluator=_LogDensity(field.evaluator, threshold), out_channels=1, spec={}
    )
    mesh = extract_mesh(solid, resolution, field_normals=True, max_queries=max_queries)
    if len(mesh.faces):
        mesh.visual.vertex_colors = _colors(field, mesh, max_queries)
    else:
        print_log(
            f'the density stays below threshold={threshold:.3g} per data unit (the numbers above '
            f'are its logarithm relative to that)',
            logger='current',
            level=logging.WARNING,
        )
    return mesh


def _colors(field: Field, mesh: trimesh.Trimesh, max_queries: int) -> np.ndarray:
    """RGB ``(V, 3)`` uint8 of what lies behind vertices, up to three nodes deep."""
    low, high = box(field)
    reach = 3 * float((high - low).max()) / max(a.size for a in field.layout.axes.values())
    surface, outward = (
        torch.as_tensor(np.array(x), dtype=low.dtype, device=low.device)
        for x in (mesh.vertices, mesh.vertex_normals)
    )
    parts = zip(*(x.split(max(max_queries // _STEPS, 1)) for x in (surface, outward)), strict=True)
    colors = [_color_behind(field, points, -normals, reach) for points, normals in parts]
    return to_uint8(torch.cat(colors)).cpu().numpy()


def _color_behind(field: Field, points: Tensor, dirs: Tensor, reach: float) -> Tensor:
    """Mean color ``(K, 3)`` of what absorbs over a distance from points ``(K, 3)``."""
    near = points.new_zeros(len(points))
    far = near + reach
    t = strata(near, far, points.new_full((len(points), _STEPS), 0.5))
    places = points[:, None] + t[..., None] * dirs[:, None]  # (K, n, 3)
    along = dirs[:, None].expand_as(places)
    values = field(Points(places.reshape(1, -1, 3), field.layout), dirs=along.reshape(1, -1, 3))
    values = values.view(*t.shape, 4)
    seen = composite(t, cell_edges(t, near, far), values[..., 3], values[..., :3])
    return seen.color / seen.opacity.clamp(min=1e-6)[:, None]


def save_colored_mesh(mesh: trimesh.Trimesh, path: str | Path) -> Path:
    """Write a mesh with normals and vertex colors as GLB, z up as viewers expect it.

    As glTF asks for, colors are stored linearly and y is up: a node of the file turns the mesh,
    whose vertices stay in data units.

    Raises:
        ValueError: Another suffix, or the mesh is empty.
    """
    path = Path(path)
    if path.suffix.lower() != '.glb':
        raise ValueError(f'{path.name}: colored meshes are written as .glb')
    if not len(mesh.faces):
        raise ValueError(f'{path.name}: the mesh is empty, there is nothing to write')
    linear = mesh.copy()
    linear.visual.vertex_colors = _linear(np.asarray(mesh.visual.vertex_colors)[:, :3])
    path.parent.mkdir(parents=True, exist_ok=True)
    scene = trimesh.Scene()
    scene.add_geometry(linear, geom_name='surface', node_name='surface', transform=_TO_Y_UP)
    scene.export(path, include_normals=True)
    return path


def _linear(colors: np.ndarray) -> np.ndarray:
    """sRGB to linear light (IEC 61966-2-1), uint8."""
    s = colors / 255
    light = np.where(s <= 0.04045, s / 12.92, ((s + 0.055) / 1.055) ** 2.4)
    return (255 * light).round().astype(np.uint8)
