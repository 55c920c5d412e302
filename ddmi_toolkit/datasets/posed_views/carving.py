"""Colored clouds of objects that come without one: the visual hull of their silhouettes.

What lies outside of the silhouette of any view is carved away (Kutulakos and Seitz 2000, with
silhouettes in place of colors). Hollows that no silhouette shows stay filled, such as the inside
of a bowl. Points are sampled on the hull's surface and have the mean color of the views that see
them, weighted by how squarely they do.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ...geometry.sampling import sample_faces
from ...structures import Camera
from .view import Background, View

NUM_POINTS = 8192
_MOST_VIEWS = 6  # that give a point its color: those that face it
_BORDER = 0.5  # share of the border of a picture that must be ground


def carve_cloud(
    views: Sequence[View],
    num_points: int = NUM_POINTS,
    resolution: int = 64,
    box: tuple[float, float] = (-1.0, 1.0),
    background: Background = 1.0,
) -> np.ndarray:
    """A colored cloud on the visual hull, ``(num_points, 6)`` float32; colors in [-1, 1].

    Args:
        views: At least two; pictures with an alpha channel, or on a ground of one color.
        num_points: Uniform by area on the surface of the hull.
        resolution: Cells along each side of the box.
        box: Low and high end of every axis; the object must lie inside.
        background: Color of the ground of pictures without alpha, one value or three in [-1, 1].

    Raises:
        ValueError: There are no silhouettes, or nothing is left inside of all of them.
    """
    if len(views) < 2:
        raise ValueError(f'{len(views)} views carve nothing; give at least two')
    masks = [silhouette(view, background) for view in views]
    hull = Hull.carve([v.camera for v in views], masks, resolution, box)
    if not hull.level.max() > 0.5:
        raise ValueError(
            f'{views[0].name}: no place in the box {tuple(box)} is inside the silhouettes of all '
            f'{len(views)} views; set scale and center so that the object lies in the box, and '
            f'check that the poses are camera to world'
        )
    points, normals = hull.sample_surface(num_points)
    colors = _colors(views, masks, points, normals, hull)
    return torch.cat([points, colors], dim=1).numpy()


def silhouette(view: View, background: Background = 1.0) -> Tensor:
    """How much each pixel shows of the object, ``(h, w)`` float32 in [0, 1].

    Raises:
        ValueError: The picture has neither an alpha channel nor a ground of that color.
    """
    pixels = view.pixels()
    if pixels.shape[2] == 4 and pixels[..., 3].min() < 255:
        return torch.from_numpy(pixels[..., 3].astype(np.float32) / 255)
    mask = view.mask(background) if pixels.shape[2] == 3 else np.ones(pixels.shape[:2], bool)
    border = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
    if border.mean() > _BORDER:
        raise ValueError(
            f'{view.name} shows no silhouette: it has no transparent pixels, and '
            f'{100 * border.mean():.0f} % of its border are not of background={background}. A '
            f'cloud is carved of silhouettes only: give pictures with an alpha channel, the right '
            f'background, or a point cloud (npz, or ply_file_path in transforms.json)'
        )
    return torch.from_numpy(mask.astype(np.float32))


@dataclass(frozen=True)
class Hull:
    """A visual hull on a grid.

    Args:
        level: Least share of the object in any silhouette at the corners of cells, ``(n, n, n)``;
            the surface is where it passes one half.
        low, high: Ends of the box along every axis.
    """

    level: Tensor
    low: float
    high: float

    @classmethod
    def carve(
        cls,
        cameras: Sequence[Camera],
        masks: Sequence[Tensor],
        cells: int,
        box: tuple[float, float],
    ) -> 'Hull':
        """What is left of the box; places that no camera sees are not."""
        ticks = torch.linspace(*box, cells + 1)
        points = torch.stack(torch.meshgrid(ticks, ticks, ticks, indexing='ij'), -1).view(-1, 3)
        level, is_seen = torch.ones(len(points)), torch.zeros(len(points), dtype=torch.bool)
        alive = torch.arange(len(points))
        for camera, mask in zip(cameras, masks, strict=True):
            pixels, depth = camera.project(points[alive])
            inside = (depth > 0) & (pixels > 0).all(-1)
            inside &= (pixels < pixels.new_tensor([camera.width, camera.height])).all(-1)
            here = alive[inside]
            is_seen[here] = True
            level[here] = torch.minimum(level[here], _look_up(mask[None], pixels[inside])[:, 0])
            alive = alive[level[alive] > 0]
        level[~is_seen] = 0
        return cls(level.view([cells + 1] * 3), *box)

    @property
    def cell(self) -> float:
        """Side of a cell."""
        return (self.high - self.low) / (len(self.level) - 1)

    def sample_surface(self, num_points: int) -> tuple[Tensor, Tensor]:
        """Points uniform by area and outward unit normals, ``(P, 3)`` float32 each."""
        from skimage.measure import marching_cubes

        closed = np.pad(self.level.numpy(), 1)  # what reaches the end of the box is closed there
        vertices, faces, _, _ = marching_cubes(closed, 0.5, gradient_direction='ascent')
        vertices = (vertices.astype(np.float64) - 1) * self.cell + self.low
        vertices = vertices.clip(self.low, self.high)
        found = sample_faces(vertices, faces, num_points, np.random.default_rng(0))
        points, normals = (torch.from_numpy(f.astype(np.float32)) for f in found)
        return points, normals

    def is_free(self, points: Tensor, normals: Tensor, eye: Tensor) -> Tensor:
        """Whether nothing of the hull is between its surface and a camera, ``(P,)`` bool."""
        start = points + 1.5 * self.cell * normals
        steps = torch.arange(0, 3**0.5 * (self.high - self.low), self.cell)
        way = start + steps[:, None, None] * F.normalize(eye - start, dim=-1)  # (steps, P, 3)
        index = ((way - self.low) / self.cell).round().long()
        inside = ((index >= 0) & (index < len(self.level))).all(-1)
        i, j, k = index.clamp(0, len(self.level) - 1).unbind(-1)
        return ~((self.level[i, j, k] > 0.5) & inside).any(0)


def _look_up(values: Tensor, pixels: Tensor) -> Tensor:
    """Bilinear values ``(n, c)`` of a picture ``(c, h, w)`` at pixel coordinates ``(n, 2)``."""
    size = pixels.new_tensor([values.shape[2], values.shape[1]])
    grid = (2 * pixels / size - 1).view(1, 1, -1, 2)
    found = F.grid_sample(values[None], grid, align_corners=False, padding_mode='border')
    return found[0, :, 0].T


def _colors(
    views: Sequence[View], masks: Sequence[Tensor], points: Tensor, normals: Tensor, hull: Hull
) -> Tensor:
    """Mean color of the views that see points, ``(P, 3)`` in [-1, 1]."""
    total, weights = torch.zeros(len(points), 3), torch.zeros(len(points), 1)
    centers = torch.stack([v.camera.center for v in views])
    to_camera = F.normalize(centers[None] - points[:, None], dim=-1)  # (P, V, 3)
    facing = (to_camera * normals[:, None]).sum(-1)
    best = facing.topk(min(_MOST_VIEWS, len(views)), dim=1).indices
    for v, (view, mask) in enumerate(zip(views, masks, strict=True)):
        chosen = (best == v).any(1).nonzero()[:, 0]
        if not len(chosen):
            continue
        pixels = view.camera.project(points[chosen])[0]
        picture = torch.from_numpy(view.pixels()[..., :3].astype(np.float32) / 127.5 - 1)
        found = _look_up(torch.cat([picture.movedim(-1, 0), mask[None]]), pixels)
        free = hull.is_free(points[chosen], normals[chosen], centers[v])
        # Views that do not see a point count where there are no others.
        weight = facing[chosen, v].clamp(min=0.01).square() * found[:, 3].clamp(min=1e-3)
        weight = (weight * torch.where(free, 1.0, 1e-4))[:, None]
        total[chosen] += weight * found[:, :3]
        weights[chosen] += weight
    return total / weights
