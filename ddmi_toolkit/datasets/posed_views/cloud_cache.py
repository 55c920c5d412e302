"""Carved clouds that are kept on disk, so that each is carved once and not in every process."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ...utils import remove_abandoned, replace_atomically
from .carving import NUM_POINTS, carve_cloud
from .choice import choose_views
from .view import Background, PosedObject, View

_CARVING = 1  # raise it when carve_cloud makes other clouds of the same views


class CarvedClouds:
    """Makes the clouds of objects that have none.

    Training and evaluation must carve the same views, or the encoder sees something else; those
    that are held out should not be among them.

    Args:
        views: Which views are carved, see ``choose_views``; None takes all of the object's,
            whichever the data set hands out.
        split: In place of the data set's own, e.g. ``'train'`` for an object whose splits are
            views of it.
        num_points, resolution, box, background: See :func:`carve_cloud`.
        cache_dir: Folder that keeps the clouds, one file each, for other processes and runs; it
            is made when absent. None keeps none.

    Raises:
        ValueError: The folder cannot be written; also when a cloud is kept later.
    """

    def __init__(
        self,
        views: str | None = None,
        split: str | None = None,
        num_points: int = NUM_POINTS,
        resolution: int = 64,
        box: tuple[float, float] = (-1.0, 1.0),
        background: Background = 1.0,
        cache_dir: str | None = None,
    ) -> None:
        self.views, self.split = views, split
        self.options = dict(
            num_points=num_points, resolution=resolution, box=tuple(box), background=background
        )
        self.folder = None if cache_dir is None else Path(cache_dir).expanduser()
        if self.folder is not None:
            with _writing(self.folder):
                self.folder.mkdir(parents=True, exist_ok=True)
                remove_abandoned(self.folder)

    def __call__(self, posed: PosedObject) -> np.ndarray:
        """The cloud of an object, see :func:`carve_cloud`; read where it has been carved before."""
        chosen = choose_views(self.views, len(posed.views), posed.name)
        views = [posed.views[i] for i in chosen]
        if self.folder is None:
            return carve_cloud(views, **self.options)
        path = self.folder / f'{cloud_key(views, self.options)}.npy'
        cloud = _read(path, (self.options['num_points'], 6))
        if cloud is None:
            cloud = carve_cloud(views, **self.options)
            with _writing(self.folder), replace_atomically(path) as file:
                np.save(file, cloud)
        return cloud


def make_clouds(config: str | Mapping[str, Any]) -> CarvedClouds:
    """What makes clouds: ``'carve'`` or ``dict(type='carve', ...)``.

    Raises:
        ValueError: Another type.
    """
    options = dict(type=config) if isinstance(config, str) else dict(config)
    name = options.pop('type', None)
    if name != 'carve':
        raise ValueError(f"points={config!r} is unknown; expected 'carve' or dict(type='carve')")
    return CarvedClouds(**options)


def cloud_key(views: Sequence[View], options: Mapping[str, Any]) -> str:
    """Name of a cloud in the cache: it changes with whatever :func:`carve_cloud` depends on.

    Pictures count by their pixels, which takes a twentieth of the time of carving them; where
    they lie and what they are called does not count.

    Args:
        views: What is carved.
        options: Keyword arguments of the carving.
    """
    digest = hashlib.sha256()
    facts: list[Any] = [_CARVING, sorted(options.items())]
    for view in views:
        camera, pixels = view.camera, view.pixels()
        facts.append([camera.fx, camera.fy, camera.cx, camera.cy, *camera.distortion])
        facts.append([camera.pose.tolist(), pixels.shape])
        digest.update(np.ascontiguousarray(pixels))
    digest.update(json.dumps(facts).encode())
    return digest.hexdigest()[:32]


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ValueError(
            f"cache_dir='{folder}' cannot be written ({error}); name another folder, or None to "
            f'carve clouds anew in every process'
        ) from error


def _read(path: Path, shape: tuple[int, int]) -> np.ndarray | None:
    """The cloud in a file; None where there is none, or something else."""
    try:
        cloud = np.load(path)
    except (OSError, ValueError, EOFError):  # of a disk that lost it, not of a killed process
        return None
    return cloud if isinstance(cloud, np.ndarray) and cloud.shape == shape else None
