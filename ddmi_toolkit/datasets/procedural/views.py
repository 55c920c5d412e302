"""Unlimited radiance fields whose colors, depths and surfaces are known exactly."""

from collections.abc import Sequence
from functools import lru_cache, partial
from math import cos, pi, sin, sqrt
from typing import Any

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from torch import Tensor

from ...registry import DATASETS
from ...structures import Camera, look_at, mix_seed
from ..base import AbstractDataset, Record
from ..posed_views.view import PosedObject, View
from .bodies import Bodies
from .parts import Draws
from .toy_design import KINDS, design_toy

DISTANCE, FOV_X = 3.0, 0.6911112070083618
"""Of the cameras from the origin, and their angle of view in radians."""

_LIGHT = np.array([0.48, -0.36, 0.8])
_LOWEST, _HIGHEST = -0.1, 0.94  # sine of the cameras' elevation
_PIPELINE = (dict(type='SampleRays', num_rays=1024, num_views=4, foreground_share=0.5),)


@DATASETS.register_module()
class ProceduralViews(AbstractDataset):
    """Toy cars, houses, trees, robots and rockets, one per seed, seen from random places.

    Objects are unions of opaque colored primitives under one light, in a ball of radius 0.95
    around the origin, ``z`` up and facing ``+x``. A picture is the mean of 2 x 2 rays per pixel,
    on white; depth is exact along the central ray. Objects and cameras of a seed are frozen: they
    do not change with versions of numpy or of this package. The points of the cloud, whose colors
    are those that cameras see, are drawn afresh at every visit.

    A record is that of ``PosedViews`` with ``label`` and ``class_name``.

    Args:
        num_objects: Number of objects.
        first_seed: Seed of the first one; the others follow. Keep training below 4096 and
            held-out objects at 10⁶ and above.
        size: Side of the pictures in pixels.
        num_views: Views of each object.
        first_view: Number of the first one; others show an object of training from new places.
        num_points: Points of the cloud.
        pipeline: Transforms; nothing needs to be subsampled.
    """

    def __init__(
        self,
        num_objects: int = 1024,
        first_seed: int = 0,
        size: int = 64,
        num_views: int = 16,
        first_view: int = 0,
        num_points: int = 2048,
        pipeline: Sequence[dict | BaseTransform] = _PIPELINE,
    ) -> None:
        super().__init__(pipeline)
        counts = dict(num_objects=num_objects, size=size, num_views=num_views)
        for name, value in (counts | dict(num_points=num_points)).items():
            if value < 1:
                raise ValueError(f'{name} must be at least 1, got {value}')
        for name, value in dict(first_seed=first_seed, first_view=first_view).items():
            if value < 0:
                raise ValueError(f'{name} must not be negative, got {value}')
        self.num_objects, self.first_seed, self.size = num_objects, first_seed, size
        self.view_numbers = range(first_view, first_view + num_views)
        self.num_points = num_points

    @property
    def metainfo(self) -> dict[str, Any]:
        """Class names in the order of ``label``."""
        return dict(classes=tuple(KINDS))

    def __len__(self) -> int:
        """Number of objects."""
        return self.num_objects

    def read(self, index: int, rng: np.random.Generator) -> Record:
        """The record of an object."""
        seed = self.first_seed + index
        bodies, kind = _toy(seed)
        views = [_view(seed, number, self.size) for number in self.view_numbers]
        points = sample_cloud(bodies, self.num_points, rng)
        extras = dict(label=list(KINDS).index(kind), class_name=kind)
        return PosedObject(f'object-{seed:07d}', views, points, extras).record()


def sample_cloud(bodies: Bodies, num_points: int, rng: np.random.Generator) -> np.ndarray:
    """Points ``(num_points, 6)`` float32 on the surface with the colors that cameras see."""
    points, normals, colors = bodies.sample_surface(num_points, rng)
    return np.concatenate([points, 2 * shade(colors, normals) - 1], 1).astype(np.float32)


def shade(colors: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Colors ``(n, 3)`` of surfaces under a lamp and the sky; the same from all sides."""
    lamp = np.maximum(normals @ (_LIGHT / np.linalg.norm(_LIGHT)), 0)
    return colors * (0.5 + 0.1 * normals[:, 2] + 0.4 * lamp)[:, None]


def render_bodies(bodies: Bodies, camera: Camera, samples: int = 2) -> np.ndarray:
    """The picture that a camera takes, on white, ``(h, w, 3)`` in [0, 1].

    Args:
        bodies: What it looks at.
        camera: Outside of it.
        samples: Rays along each side of a pixel, whose mean it is.
    """
    fine = camera.resized(samples * camera.width, samples * camera.height)
    distance, seen = bodies.cast(*_flat_rays(fine))
    colors = np.where(np.isfinite(distance)[:, None], shade(seen[:, :3], seen[:, 3:]), 1.0)
    blocks = colors.reshape(camera.height, samples, camera.width, samples, 3)
    return blocks.mean(axis=(1, 3))


def render_depth(bodies: Bodies, camera: Camera) -> np.ndarray:
    """Distance along the unit rays of pixel centers ``(h, w)``, infinite where nothing is hit."""
    return bodies.cast(*_flat_rays(camera))[0].reshape(camera.height, camera.width)


def draw_camera(seed: int, number: int, size: int) -> Camera:
    """The camera of a view: anywhere around, from below the horizon to 70 degrees above."""
    draws = Draws(mix_seed(seed, number))
    turn, height = draws.uniform(0, 2 * pi), draws.uniform(_LOWEST, _HIGHEST)
    ring = sqrt(1 - height**2)
    eye = [DISTANCE * v for v in (ring * cos(turn), ring * sin(turn), height)]
    return Camera.from_fov(look_at(eye), FOV_X, size, size)


def _flat_rays(camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    def flat(rays: Tensor) -> np.ndarray:
        return rays.reshape(-1, 3).to(torch.float64).numpy()

    origins, dirs = camera.rays()
    return flat(origins), flat(dirs)


@lru_cache(maxsize=4096)
def _toy(seed: int) -> tuple[Bodies, str]:
    return design_toy(seed)


@lru_cache(maxsize=2**15)
def _view(seed: int, number: int, size: int) -> View:
    key = (seed, number, size)
    camera = draw_camera(*key)
    name = f'object-{seed:07d}, view {number}'
    return View(name, camera, partial(_picture, *key), partial(_depth, *key))


@lru_cache(maxsize=2**14)  # 12 kB each at 64 px
def _picture(seed: int, number: int, size: int) -> np.ndarray:
    picture = render_bodies(_toy(seed)[0], draw_camera(seed, number, size))
    return np.round(picture * 255).astype(np.uint8)


@lru_cache(maxsize=2**10)
def _depth(seed: int, number: int, size: int) -> np.ndarray:
    return render_depth(_toy(seed)[0], draw_camera(seed, number, size)).astype(np.float32)
