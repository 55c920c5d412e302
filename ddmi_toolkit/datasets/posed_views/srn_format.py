"""The layout of Scene Representation Networks: folders of pictures, poses and intrinsics."""

from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np

from ...structures import Camera
from ..image_files import IMAGE_SUFFIXES
from .base import AbstractViewSource, as_pose
from .view import PosedObject, View, picture_size, read_picture

_PARTS = ('rgb', 'pose', 'intrinsics.txt')


class SrnSource(AbstractViewSource):
    """``<root>[/<split>]/<object>/{rgb/*.png, pose/*.txt, intrinsics.txt}``; a root may be one.

    A pose is 16 numbers, camera to world row by row, with OpenCV's axes. The first line of the
    intrinsics is ``focal cx cy 0.``, the last one ``height width``; pictures of another size are
    the same pictures resized. There is no point cloud.
    """

    WHAT: ClassVar[str] = '<root>/<split>/<object>/{rgb/*.png, pose/*.txt, intrinsics.txt}'

    @classmethod
    def fits(cls, root: Path, split: str | None) -> bool:
        """Whether there are objects with pictures and poses."""
        return bool(_objects(root / split if split else root))

    def _list(self) -> list[str]:
        self.folders = _objects(self.root / self.split if self.split else self.root)
        return sorted(self.folders)

    def load(self, name: str) -> PosedObject:
        """An object without a cloud.

        Raises:
            ValueError: A picture without a pose or the other way round, or a broken file.
        """
        return load_srn(self.folders[name])


def is_srn(folder: Path) -> bool:
    """Whether a folder is an object of this layout, perhaps with one part missing."""
    return (folder / 'rgb').is_dir() and any((folder / part).exists() for part in _PARTS[1:])


def _objects(folder: Path) -> dict[str, Path]:
    if is_srn(folder):
        return {folder.resolve().name: folder}
    if not folder.is_dir():
        return {}
    return {p.name: p for p in sorted(folder.iterdir()) if p.name[0] != '.' and is_srn(p)}


def load_srn(folder: Path) -> PosedObject:
    """The object in a folder, see :class:`SrnSource`.

    Raises:
        ValueError: A picture without a pose or the other way round, or a broken file.
    """
    if missing := [part for part in _PARTS if not (folder / part).exists()]:
        raise ValueError(f'{folder} lacks {missing}; expected {list(_PARTS)}')
    pictures = {
        p.stem: p for p in sorted((folder / 'rgb').iterdir()) if p.suffix.lower() in IMAGE_SUFFIXES
    }
    poses = {p.stem: p for p in sorted((folder / 'pose').glob('*.txt'))}
    if not pictures:
        raise ValueError(f'{folder}/rgb holds no pictures; expected *.png')
    for one, other, word in ((pictures, poses, 'pose'), (poses, pictures, 'picture')):
        if alone := [str(p) for stem, p in one.items() if stem not in other]:
            raise ValueError(
                f'{len(alone)} files of {folder} have no {word} of the same name, such as '
                f'{alone[:3]}; restore the others or remove these'
            )
    focal, cx, cy, size = _read_intrinsics(folder / 'intrinsics.txt')
    actual = picture_size(next(iter(pictures.values())))
    views = []
    for stem, picture in pictures.items():
        pose = as_pose(_read_numbers(poses[stem], 16).reshape(4, 4), str(poses[stem]))
        try:
            camera = Camera.from_opencv(pose, focal, focal, cx, cy, size).resized(*actual)
        except ValueError as error:
            raise ValueError(f'{poses[stem]}: {error}') from error
        views.append(View(str(picture), camera, partial(read_picture, picture)))
    return PosedObject(folder.resolve().name, views)


def _read_numbers(path: Path, count: int) -> np.ndarray:
    words = path.read_text(encoding='utf-8', errors='replace').split()
    try:
        numbers = np.array([float(word) for word in words])
    except ValueError as error:
        raise ValueError(f'{path}: {error}; expected {count} numbers') from error
    if len(numbers) != count:
        raise ValueError(f'{path} has {len(numbers)} numbers; expected {count}')
    return numbers


def _read_intrinsics(path: Path) -> tuple[float, float, float, tuple[int, int]]:
    """Focal length, cx, cy and ``(width, height)``."""
    lines = [line.split() for line in path.read_text(encoding='utf-8').splitlines() if line.strip()]
    try:
        focal, cx, cy = (float(word) for word in lines[0][:3])
        height, width = (int(float(word)) for word in lines[-1])
    except (ValueError, IndexError) as error:
        raise ValueError(
            f"{path}: expected 'focal cx cy 0.' in the first line and 'height width' in the last, "
            f'got {[" ".join(line) for line in lines[:1] + lines[-1:]]}'
        ) from error
    return focal, cx, cy, (width, height)
