"""Objects seen from known places: SRN folders, the published npz, transforms.json."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from ...registry import DATASETS
from ..base import AbstractDataset, Record
from .base import AbstractViewSource
from .choice import choose_views
from .cloud_cache import make_clouds
from .sources import open_views
from .view import PosedObject


@DATASETS.register_module()
class PosedViews(AbstractDataset):
    """Pictures with cameras and, where there is one, a colored point cloud; one item per object.

    A record is ``dict(name, points (P, 6) or None, views, cameras, index, visit)``; see
    ``posed_views.view``. Formats are described in ``npz_format``, ``srn_format`` and
    ``transforms_format``.

    Args:
        root: Folder of the set, or of one scene.
        split: Part of it: a folder in it, or the ``<split>`` of ``transforms_<split>.json``.
        format: ``'srn'``, ``'npz'``, ``'transforms'`` or ``dict(type=..., ...)`` with arguments
            of the format, such as npz's ``fov_x``; by default what lies there tells.
        start: First object to take, as in ``names[start:stop]`` of the sorted names; negative
            from the end.
        stop: The object before which to stop; None takes all.
        views: Which views of each object, a slice as text: ``'::10'`` is every tenth,
            ``'not ::10'`` all others, ``'40:'`` those from the 40th on; None takes all.
        scale: Of the world, applied after ``center``, so that objects fill the layout's box.
        center: What becomes the world's origin.
        points: ``'carve'`` makes clouds where a set has none, ``dict(type='carve', ...)`` with
            arguments of :class:`CarvedClouds`; None leaves objects as they are.
        pipeline: Transforms.

    Raises:
        ValueError: The root or split is missing, of no known format, or nothing is left. Broken
            objects end in an error that names the file when they are read.
    """

    def __init__(
        self,
        root: str,
        split: str | None = None,
        format: str | Mapping[str, Any] | None = None,
        start: int = 0,
        stop: int | None = None,
        views: str | None = None,
        scale: float = 1.0,
        center: Sequence[float] = (0.0, 0.0, 0.0),
        points: str | Mapping[str, Any] | None = None,
        pipeline: Sequence[dict | BaseTransform] = (),
    ) -> None:
        super().__init__(pipeline)
        if not scale > 0 or len(center) != 3:
            raise ValueError(f'scale={scale} must be positive and center={center} three numbers')
        self.source = open_views(root, split, format)
        self.names = self.source.names[start:stop]
        if not self.names:
            raise ValueError(
                f'{root}: start={start}, stop={stop} leave none of {len(self.source.names)} objects'
            )
        self.views, self.scale, self.center = views, scale, tuple(center)
        self.format = format
        self.clouds = None if points is None else make_clouds(points)
        self._objects: dict[str, PosedObject] = {}

    def __len__(self) -> int:
        """Number of objects."""
        return len(self.names)

    def read(self, index: int, rng: np.random.Generator) -> Record:
        """The record of an object.

        Raises:
            ValueError: A file of it is missing or broken.
        """
        posed = self._object(self.names[index])
        record = posed.record()
        chosen = choose_views(self.views, len(posed.views), posed.name)
        for key in ('views', 'cameras'):
            record[key] = [record[key][i] for i in chosen]
        return record

    def _object(self, name: str) -> PosedObject:
        if name not in self._objects:  # cameras and points; pictures are read when asked for
            posed = self._load(self.source, name)
            if self.clouds is not None and posed.points is None:
                posed = replace(posed, points=self._carve(posed))
            self._objects[name] = posed
        return self._objects[name]

    def _load(self, source: AbstractViewSource, name: str) -> PosedObject:
        return source.load(name).moved(self.center, self.scale)

    def _carve(self, posed: PosedObject) -> np.ndarray:
        clouds = self.clouds
        if clouds.split is not None and clouds.split != self.source.split:
            source = open_views(self.source.root, clouds.split, self.format)
            posed = self._load(source, posed.name)
        return clouds(posed)
