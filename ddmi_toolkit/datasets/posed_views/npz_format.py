"""One npz per object: pictures, poses and a colored cloud (as published for points2nerf)."""

import zipfile
import zlib
from collections.abc import Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import ClassVar

import numpy as np

from ...structures import Camera
from .base import AbstractViewSource, as_pose
from .view import PosedObject, View

FOV_X = 0.6911112070083618
"""Angle of view of the published renders, radians."""

_KEYS = ('images', 'cam_poses', 'data')


class NpzSource(AbstractViewSource):
    """``<root>[/<split>]/*.npz``.

    Each has ``images (n, H, W, 3 or 4)`` (uint8, or floats 0 to 1), ``cam_poses (n, 4, 4)``
    (camera to world, OpenGL axes) and ``data (N, 6)`` (places, then red, green and blue 0 to 1).
    The focal length is ``W / 2 / tan(fov_x / 2)``.

    Args:
        root: Folder of the set.
        split: Folder in it, or None.
        fov_x: Angle between the left and the right edge of the pictures, in radians.
    """

    WHAT: ClassVar[str] = '<root>/*.npz with images, cam_poses and data'

    def __init__(self, root: Path, split: str | None = None, fov_x: float = FOV_X) -> None:
        self.fov_x = fov_x
        super().__init__(root, split)

    @classmethod
    def fits(cls, root: Path, split: str | None) -> bool:
        """Whether there are npz files."""
        return any((root / split if split else root).glob('*.npz'))

    @property
    def folder(self) -> Path:
        """Where the files lie."""
        return self.root / self.split if self.split else self.root

    def _list(self) -> list[str]:
        return sorted(p.stem for p in self.folder.glob('*.npz') if p.name[0] != '.')

    def load(self, name: str) -> PosedObject:
        """An object and its cloud.

        Raises:
            ValueError: The file is broken or lacks an array.
        """
        return load_npz(self.folder / f'{name}.npz', self.fov_x)


def load_npz(path: Path, fov_x: float = FOV_X) -> PosedObject:
    """The object in a file, see :class:`NpzSource`.

    Raises:
        ValueError: The file is broken, lacks an array, or the arrays do not fit together.
    """
    arrays = _read(path)
    height, width = arrays['images'].shape[1:3]
    views = []
    for i, matrix in enumerate(arrays['cam_poses']):
        label = f'{path} (view {i})'
        camera = _camera(matrix, fov_x, (width, height), label)
        views.append(View(label, camera, partial(_picture, path, i)))
    points = arrays['data'].copy()
    points[:, 3:] = 2 * points[:, 3:] - 1
    return PosedObject(path.stem, views, points)


def _camera(matrix: np.ndarray, fov_x: float, size: tuple[int, int], label: str) -> Camera:
    pose = as_pose(matrix, label)
    try:
        return Camera.from_fov(pose, fov_x, *size)
    except ValueError as error:
        raise ValueError(f'{label}: {error}') from error


def _picture(path: Path, index: int) -> np.ndarray:
    return _read(path)['images'][index]


@lru_cache(maxsize=64)  # 1.5 MB each at 100 px, 6 MB at 200 px
def _read(path: Path) -> Mapping[str, np.ndarray]:
    try:
        with path.open('rb') as opened:
            if not zipfile.is_zipfile(opened):  # numpy would speak of pickles
                raise zipfile.BadZipFile('truncated or none')
            opened.seek(0)
            with np.load(opened, allow_pickle=False) as file:
                missing = [k for k in _KEYS if k not in file.files]
                known = file.files
                arrays = {} if missing else {k: file[k] for k in _KEYS}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f'{path}: cannot be read as npz ({error}); get it again') from error
    if missing:
        raise ValueError(f'{path} lacks {missing}; it has {sorted(known)}, expected {list(_KEYS)}')
    _check(path, arrays)
    arrays['images'] = _as_bytes(path, arrays['images'])
    arrays['data'] = arrays['data'].astype(np.float32)
    return arrays


def _check(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    images, poses, data = (arrays[k] for k in _KEYS)
    if images.ndim != 4 or images.shape[3] not in (3, 4) or not len(images):
        raise ValueError(f'{path}: images has shape {images.shape}; expected (n, H, W, 3 or 4)')
    if poses.shape != (len(images), 4, 4):
        raise ValueError(
            f'{path}: cam_poses has shape {poses.shape}; expected ({len(images)}, 4, 4), one for '
            f'each of images'
        )
    if data.ndim != 2 or data.shape[1] != 6 or not len(data) or not np.isfinite(data).all():
        raise ValueError(
            f'{path}: data has shape {data.shape} or is not finite; expected (N, 6), xyz and rgb'
        )
    if data[:, 3:].min() < -1e-3 or data[:, 3:].max() > 1 + 1e-3:
        raise ValueError(
            f'{path}: colors of data go from {data[:, 3:].min():g} to {data[:, 3:].max():g}; '
            f'expected 0 to 1'
        )


def _as_bytes(path: Path, images: np.ndarray) -> np.ndarray:
    if images.dtype == np.uint8:
        return images
    if images.dtype.kind != 'f' or not (images.min() >= -1e-3 and images.max() <= 1 + 1e-3):
        raise ValueError(
            f'{path}: images are {images.dtype} from {images.min()} to {images.max()}; expected '
            f'uint8, or floats from 0 to 1'
        )
    return np.round(images.clip(0, 1) * 255).astype(np.uint8)
