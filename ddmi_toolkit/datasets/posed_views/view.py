"""A picture and the camera that took it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ...structures import Camera
from ..image_files import to_rgb

Background = float | Sequence[float]
_VISIBLE = 6 / 255  # of 2: a color this close to the background's is taken for it


@dataclass(frozen=True, eq=False)
class View:
    """A picture that is read when it is asked for.

    Args:
        name: For messages: where it lies.
        camera: Of the size of the picture.
        load: Reads the picture, ``(h, w, 3)`` or, with an alpha channel that is not premultiplied,
            ``(h, w, 4)``, uint8.
        load_depth: Reads the distance of what is seen along the unit ray, ``(h, w)`` float32,
            ``inf`` where nothing is; None where it is unknown.
    """

    name: str
    camera: Camera
    load: Callable[[], np.ndarray]
    load_depth: Callable[[], np.ndarray] | None = None

    def pixels(self) -> np.ndarray:
        """The picture as it was stored, ``(h, w, 3 or 4)`` uint8.

        Raises:
            ValueError: It is broken, or of another size than the camera's.
        """
        pixels, camera = self.load(), self.camera
        if pixels.shape[:2] != (camera.height, camera.width):
            raise ValueError(
                f'{self.name}: {pixels.shape[1]}x{pixels.shape[0]} pixels, its camera has '
                f'{camera.width}x{camera.height}; all pictures of an object must have one size'
            )
        return pixels

    def colors(self, background: Background = 1.0) -> np.ndarray:
        """The picture on a ground, ``(h, w, 3)`` float32 in [-1, 1].

        Args:
            background: One value or red, green and blue, in [-1, 1]; shows where the picture is
                transparent.
        """
        return _on_ground(self.pixels(), background)

    def mask(self, background: Background = 1.0) -> np.ndarray:
        """Where something is seen, ``(h, w)`` bool: alpha, or a color that is not the ground's."""
        pixels = self.pixels()
        if pixels.shape[2] == 4:
            return pixels[..., 3] >= 128
        ground = np.asarray(background, np.float32)
        return (np.abs(_on_ground(pixels, background) - ground) > _VISIBLE).any(-1)

    def depth(self) -> Tensor | None:
        """Distance along the unit ray ``(h, w)``, ``inf`` where nothing is seen, if known."""
        return None if self.load_depth is None else torch.from_numpy(self.load_depth())

    def moved(self, center: Sequence[float], scale: float) -> 'View':
        """The same view of a world in which ``x`` has become ``(x - center) * scale``."""
        pose = self.camera.pose.clone()
        pose[:3, 3] = (pose[:3, 3] - pose.new_tensor(center)) * scale
        depth = None if self.load_depth is None else _Scaled(self.load_depth, scale)
        return replace(self, camera=replace(self.camera, pose=pose), load_depth=depth)


@dataclass(frozen=True, eq=False)
class PosedObject:
    """An object or scene: views of it and, where there is one, a colored point cloud.

    Args:
        name: Of the object.
        views: In a fixed order.
        points: ``(P, 6)`` float32: place in the world, red, green and blue in [-1, 1].
        extras: Further entries of the record, such as a label.
    """

    name: str
    views: list[View]
    points: np.ndarray | None = None
    extras: dict = field(default_factory=dict)

    def moved(self, center: Sequence[float], scale: float) -> 'PosedObject':
        """The same object after ``x`` has become ``(x - center) * scale``."""
        points = self.points
        if points is not None:
            places = (points[:, :3] - np.asarray(center, np.float32)) * np.float32(scale)
            points = np.concatenate([places, points[:, 3:]], axis=1)
        return replace(self, views=[v.moved(center, scale) for v in self.views], points=points)

    def record(self) -> dict:
        """``dict(name, points, views, cameras, ...)`` for the transforms."""
        views = list(self.views)
        cameras = [v.camera for v in views]
        return dict(name=self.name, points=self.points, views=views, cameras=cameras, **self.extras)


@dataclass(frozen=True)
class _Scaled:
    load: Callable[[], np.ndarray]
    scale: float

    def __call__(self) -> np.ndarray:
        return self.load() * np.float32(self.scale)


def _on_ground(pixels: np.ndarray, background: Background) -> np.ndarray:
    colors = pixels[..., :3].astype(np.float32) / 127.5 - 1
    if pixels.shape[2] == 3:
        return colors
    alpha = pixels[..., 3:].astype(np.float32) / 255
    return colors * alpha + np.asarray(background, np.float32) * (1 - alpha)


def read_picture(path: Path) -> np.ndarray:
    """Pixels of a file, ``(h, w, 3)`` uint8, or ``(h, w, 4)`` where it has transparent parts.

    An orientation noted by the camera is not applied: poses belong to the pixels as stored.

    Raises:
        ValueError: It is missing or broken.
    """
    try:
        with Image.open(path) as image:
            image.load()
            has_alpha = image.has_transparency_data
            return np.asarray(image.convert('RGBA') if has_alpha else to_rgb(image))
    except Exception as error:  # decoders of broken files raise anything
        raise ValueError(
            f'{path}: cannot be read as a picture ({type(error).__name__}); restore it'
        ) from error


def picture_size(path: Path) -> tuple[int, int]:
    """``(width, height)`` of a file, from its head alone.

    Raises:
        ValueError: It is missing or broken.
    """
    try:
        with Image.open(path) as image:
            return image.size
    except Exception as error:  # decoders of broken files raise anything
        raise ValueError(
            f'{path}: cannot be read as a picture ({type(error).__name__}); restore it'
        ) from error
