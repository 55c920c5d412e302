"""``transforms.json``: NeRF-synthetic, instant-ngp and nerfstudio."""

import json
from collections.abc import Mapping
from functools import partial
from math import pi, tan
from pathlib import Path
from typing import Any, ClassVar

from ...structures import Camera
from ..image_files import IMAGE_SUFFIXES
from .base import AbstractViewSource, as_pose
from .clouds import read_cloud
from .view import PosedObject, View, picture_size, read_picture

_SUFFIXES = ('', *IMAGE_SUFFIXES)
_PINHOLES = ('OPENCV', 'PINHOLE', 'SIMPLE_PINHOLE', 'SIMPLE_RADIAL', 'RADIAL', '')
_NOT_PINHOLE = ('is_fisheye', 'k4', 'ftheta_p0', 'latlong', 'equirectangular')


class TransformsSource(AbstractViewSource):
    """``<root>/transforms[_<split>].json``, one scene, or a root of several such folders.

    Poses are camera to world with OpenGL's axes. Intrinsics, of the file or of a frame, are
    ``camera_angle_x`` (radians) or ``fl_x``, and perhaps ``camera_angle_y`` or ``fl_y``, ``cx, cy,
    w, h`` in pixels and OpenCV's ``k1, k2, p1, p2, k3``; pictures of another size than ``w, h``
    are the same pictures resized. A ``ply_file_path`` (nerfstudio) is the point cloud.
    """

    WHAT: ClassVar[str] = '<root>/transforms[_<split>].json, or folders with such a file'

    @classmethod
    def fits(cls, root: Path, split: str | None) -> bool:
        """Whether there is a file of that name, whatever its split."""
        return any(root.glob('transforms*.json')) or any(root.glob('*/transforms*.json'))

    def _list(self) -> list[str]:
        name = f'transforms_{self.split}.json' if self.split else 'transforms.json'
        folders = [self.root] if any(self.root.glob('transforms*.json')) else []
        folders = folders or sorted({p.parent for p in self.root.glob('*/transforms*.json')})
        self.files = {f.resolve().name: f / name for f in folders}
        if missing := [str(p) for p in self.files.values() if not p.is_file()]:
            stems = {p.stem for f in folders for p in f.glob('transforms*.json')}
            splits = sorted(s.removeprefix('transforms').removeprefix('_') or 'None' for s in stems)
            raise ValueError(f'{missing[0]} does not exist; choose split= of {splits}')
        return sorted(self.files)

    def load(self, name: str) -> PosedObject:
        """A scene.

        Raises:
            ValueError: The file is broken, pictures are missing, or the lens is not modeled.
        """
        return load_transforms(self.files[name], name)


def load_transforms(path: Path, name: str) -> PosedObject:
    """The scene of a file, see :class:`TransformsSource`.

    Raises:
        ValueError: The file is broken, pictures are missing, or the lens is not modeled.
    """
    try:
        scene = json.loads(path.read_text(encoding='utf-8'))
        frames = scene['frames']
        pictures = [_find_picture(path.parent, frame['file_path']) for frame in frames]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f'{path}: {type(error).__name__}: {error}; expected JSON with frames, each with '
            f'file_path and transform_matrix'
        ) from error
    if not frames:
        raise ValueError(f'{path} lists no frames')
    missing = [f['file_path'] for f, p in zip(frames, pictures, strict=True) if p is None]
    if missing:
        raise ValueError(
            f'{path} lists {len(missing)} of {len(frames)} pictures that do not exist, such as '
            f'{missing[:3]}; restore them or remove their frames'
        )
    views = []
    for frame, picture in zip(frames, pictures, strict=True):
        camera = _camera({**scene, **frame}, picture, path)
        views.append(View(str(picture), camera, partial(read_picture, picture)))
    cloud = scene.get('ply_file_path')
    return PosedObject(name, views, cloud and read_cloud(path.parent / cloud))


def _find_picture(folder: Path, name: str) -> Path | None:
    return next((p for s in _SUFFIXES if (p := folder / f'{name}{s}').is_file()), None)


def _camera(values: Mapping[str, Any], picture: Path, path: Path) -> Camera:
    label = f'{path} ({values["file_path"]})'
    model = values.get('camera_model', '')
    unknown = [k for k in _NOT_PINHOLE if values.get(k)]
    if model not in _PINHOLES or unknown:
        raise ValueError(
            f'{label}: camera_model={model!r} {unknown or ""} is no pinhole with radial and '
            f'tangential distortion; undistort the pictures first'
        )
    actual = picture_size(picture)
    pose = as_pose(values.get('transform_matrix', ()), label)
    try:
        width, height = int(_number(values, 'w', actual[0])), int(_number(values, 'h', actual[1]))
        fx = _focal(values, 'x', width)
        if fx is None:
            raise ValueError('neither fl_x nor camera_angle_x is given')
        fy = _focal(values, 'y', height) or fx
        cx, cy = _number(values, 'cx', width / 2), _number(values, 'cy', height / 2)
        coefficients = tuple(_number(values, k, 0.0) for k in ('k1', 'k2', 'p1', 'p2', 'k3'))
        distortion = coefficients if any(coefficients) else ()
        camera = Camera(pose, fx, fy, cx, cy, width, height, distortion)
    except ValueError as error:
        raise ValueError(f'{label}: {error}') from error
    return camera.resized(*actual)


def _focal(values: Mapping[str, Any], axis: str, size: int) -> float | None:
    if f'fl_{axis}' in values:
        return _number(values, f'fl_{axis}')
    name = f'camera_angle_{axis}'
    if name not in values:
        return None
    angle = _number(values, name)
    if not 0 < angle < pi:
        raise ValueError(f'{name}={angle} must be an angle in radians between 0 and pi')
    return size / 2 / tan(angle / 2)


def _number(values: Mapping[str, Any], name: str, default: float = 0.0) -> float:
    value = values.get(name, default)
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f'{name}={value!r} is no number') from error
