"""Shaded pictures of meshes without a display or a graphics library."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import point_cloud_utils as pcu
import trimesh
from PIL import Image, ImageDraw

_AMBIENT_RAYS = 16


@dataclass(frozen=True)
class Camera:
    """A perspective camera that looks at the middle of a mesh, y up.

    Args:
        azimuth: Degrees around y, counted from +z towards +x.
        elevation: Degrees above the horizon.
        field_of_view: Degrees, of the picture's width.
    """

    azimuth: float = 35.0
    elevation: float = 25.0
    field_of_view: float = 30.0

    def rays(self, size: int, center: np.ndarray, radius: float) -> tuple[np.ndarray, np.ndarray]:
        """Origin ``(3,)`` and directions ``(size * size, 3)`` that frame a ball."""
        a, e = np.radians([self.azimuth, self.elevation])
        back = np.array([np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)])
        right = np.array([np.cos(a), 0.0, -np.sin(a)])
        up = np.cross(back, right)
        half = np.tan(np.radians(self.field_of_view) / 2)
        distance = radius / np.sin(np.radians(self.field_of_view) / 2)
        t = (np.arange(size) + 0.5) / size * 2 - 1
        v, u = np.meshgrid(-t * half, t * half, indexing='ij')
        directions = u[..., None] * right + v[..., None] * up - back
        directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
        return center + distance * back, directions.reshape(-1, 3)


def cloud_mesh(points: np.ndarray, radius: float | np.ndarray = 0.008) -> trimesh.Trimesh:
    """A small icosahedron at each point, so that a cloud can be rendered.

    Args:
        points: ``(P, 3)``.
        radius: Distance of the corners from the point, one or ``(P,)``.
    """
    solid = trimesh.creation.icosphere(subdivisions=0, radius=1.0)
    radii = np.broadcast_to(radius, len(points))[:, None, None]
    vertices = points[:, None] + radii * solid.vertices
    faces = solid.faces + len(solid.vertices) * np.arange(len(points))[:, None, None]
    return trimesh.Trimesh(vertices.reshape(-1, 3), faces.reshape(-1, 3), process=False)


def render_mesh(
    mesh: trimesh.Trimesh,
    size: int = 256,
    *,
    camera: Camera | None = None,
    color: tuple[float, float, float] = (0.62, 0.72, 0.86),
    oversample: int = 2,
) -> np.ndarray:
    """Picture of a mesh, framed to fill a white square, with smooth normals and soft shade.

    Args:
        mesh: Any triangle mesh with y up; an empty one gives an empty picture.
        size: Pixels along each side.
        camera: Point of view, three-quarter from above by default.
        color: Surface color, RGB in [0, 1].
        oversample: Rays per pixel along each side.

    Returns:
        ``(size, size, 3)`` uint8.
    """
    pixels = size * oversample
    image = np.ones((pixels * pixels, 3))
    if len(mesh.faces):
        hit, shade = _shade(mesh, pixels, camera or Camera())
        image[hit] = np.clip(np.array(color) * shade[:, None], 0, 1) ** (1 / 1.6)
    image = image.reshape(size, oversample, size, oversample, 3).mean((1, 3))
    return (image * 255).round().astype(np.uint8)


def contact_sheet(
    meshes: Sequence[trimesh.Trimesh],
    columns: int = 4,
    *,
    labels: Sequence[str] | None = None,
    size: int = 256,
    camera: Camera | None = None,
) -> np.ndarray:
    """Pictures of meshes in rows, left to right, top to bottom.

    Args:
        meshes: At least one mesh.
        columns: Pictures per row.
        labels: A line of text below each picture.
        size: Pixels along each side of a picture.
        camera: Point of view of all pictures.

    Returns:
        ``(rows * (size + text), columns * size, 3)`` uint8.
    """
    if not meshes or columns < 1:
        raise ValueError(f'a contact sheet needs meshes and columns, got {len(meshes)}, {columns}')
    if labels is not None and len(labels) != len(meshes):
        raise ValueError(f'{len(labels)} labels given for {len(meshes)} meshes')
    tiles = [render_mesh(m, size, camera=camera) for m in meshes]
    if labels is not None:
        tiles = [_with_label(t, text) for t, text in zip(tiles, labels, strict=True)]
    columns = min(columns, len(tiles))
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % columns)
    rows = [np.concatenate(tiles[i : i + columns], 1) for i in range(0, len(tiles), columns)]
    return np.concatenate(rows, 0)


def _shade(mesh: trimesh.Trimesh, pixels: int, camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Which pixels see the mesh, ``(H,)`` bool, and how bright it is there, ``(hits,)``."""
    vertices = np.ascontiguousarray(mesh.vertices, dtype=np.float64)
    center = (vertices.min(0) + vertices.max(0)) / 2
    radius = max(float(np.linalg.norm(vertices - center, axis=-1).max()), 1e-9)
    origin, rays = camera.rays(pixels, center, radius)
    tracer = pcu.RayMeshIntersector(vertices, np.ascontiguousarray(mesh.faces, dtype=np.int64))
    face, bary, depth = tracer.intersect_rays(np.broadcast_to(origin, rays.shape).copy(), rays)
    hit = np.isfinite(depth) & (face >= 0)
    face, bary, depth, rays = face[hit], bary[hit], depth[hit], rays[hit]
    corners = mesh.faces[face]
    normals = (mesh.vertex_normals[corners] * bary[..., None]).sum(1)
    flat = mesh.face_normals[face]
    # A face that lies far from the smooth normals has a sharp edge at its side.
    smooth = (normals * flat).sum(-1, keepdims=True) > 0.5 * np.linalg.norm(
        normals, axis=-1, keepdims=True
    )
    normals = np.where(smooth, normals, flat)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True).clip(1e-9)
    facing = -np.sign((flat * rays).sum(-1, keepdims=True))
    normals, flat = normals * facing, flat * facing  # both sides of a sheet are visible
    points = origin + depth[:, None] * rays + 1e-3 * radius * flat
    return hit, _light(tracer, points, normals, rays, radius)


def _light(
    tracer: pcu.RayMeshIntersector,
    points: np.ndarray,
    normals: np.ndarray,
    rays: np.ndarray,
    radius: float,
) -> np.ndarray:
    """Brightness of surface points: a lamp, the sky where it is not hidden, a faint highlight."""
    lamp = np.array([0.45, 0.8, 0.4]) / np.linalg.norm([0.45, 0.8, 0.4])
    lit = np.clip(normals @ lamp, 0, None)
    lit *= ~_blocked(tracer, points, np.broadcast_to(lamp, points.shape), 4 * radius)
    rng = np.random.default_rng(0)
    open_sky = np.zeros(len(points))
    for _ in range(_AMBIENT_RAYS):
        ball = rng.normal(size=points.shape)
        ball /= np.linalg.norm(ball, axis=-1, keepdims=True)
        toward = normals + 0.999 * ball  # cosine-distributed
        toward /= np.linalg.norm(toward, axis=-1, keepdims=True)
        open_sky += ~_blocked(tracer, points, toward, 0.7 * radius)
    sky = open_sky / _AMBIENT_RAYS * (0.8 + 0.2 * normals[:, 1])
    half = lamp - rays
    half /= np.linalg.norm(half, axis=-1, keepdims=True)
    shine = np.clip((normals * half).sum(-1), 0, None) ** 40 * (lit > 0)
    return 0.7 * lit + 0.5 * sky + 0.12 * shine


def _blocked(
    tracer: pcu.RayMeshIntersector, points: np.ndarray, toward: np.ndarray, reach: float
) -> np.ndarray:
    """Which points see the mesh itself within ``reach`` in a direction, ``(K,)`` bool."""
    _, _, depth = tracer.intersect_rays(points, np.ascontiguousarray(toward))
    return depth < reach


def _with_label(tile: np.ndarray, text: str) -> np.ndarray:
    """A tile with a line of text below it."""
    height = 16
    strip = Image.new('RGB', (tile.shape[1], height), 'white')
    ImageDraw.Draw(strip).text((tile.shape[1] // 2, 2), text, fill=(60, 60, 60), anchor='ma')
    return np.concatenate([tile, np.asarray(strip)])
