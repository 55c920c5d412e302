"""Shapes in the file format of Occupancy Networks."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.logging import print_log

from ..registry import DATASETS
from .base import AbstractDataset, Record
from .occnet_format import (
    NEAR,
    POINTS,
    SURFACE,
    find_fault,
    read_arrays,
    read_metadata,
    read_split,
    unpack_occupancies,
)

_DITHER = 1e-4  # published: float16 is coarser than the surface deserves
_PIPELINE = (
    dict(type='SubsamplePoints'),
    dict(type='SubsampleSurface'),
    dict(type='JitterSurface'),
    dict(type='PackShape'),
)


@DATASETS.register_module()
class ShapeNetOccupancy(AbstractDataset):
    """Shapes with occupancies of uniform points and an oriented surface cloud.

    Files are described in ``occnet_format``. All shapes are checked when the set is built: that
    they are complete and agree in size, without reading their contents.

    Args:
        root: Folder of the classes.
        split: Name of the list of shapes, ``<root>/<class>/<split>.lst``; None takes every folder.
        classes: Class identifiers or names (``'03001627'`` or ``'chair'``); None takes all.
        near_surface: Also read the queries close to the surface, see ``SubsamplePoints``.
        surface_points: Clean surface samples with normals put into ``meta`` for evaluation.
        in_memory: Hold all files in memory; for sets that fit.
        skip_broken: Leave broken shapes out instead of ending the run.
        pipeline: Transforms; the default draws 2048 queries and 3000 jittered surface points as
            published.

    Raises:
        ValueError: The root, a class or a split is missing, nothing is listed, or a shape is
            broken; all broken shapes are named at once.
    """

    def __init__(
        self,
        root: str,
        split: str | None = 'train',
        classes: Sequence[str] | None = None,
        near_surface: bool = False,
        surface_points: int = 0,
        in_memory: bool = False,
        skip_broken: bool = False,
        pipeline: Sequence[dict | BaseTransform] = _PIPELINE,
    ) -> None:
        super().__init__(pipeline)
        self.root, self.split = Path(root), split
        self.surface_points = surface_points
        self.files = (POINTS, SURFACE, NEAR) if near_surface else (POINTS, SURFACE)
        self.class_names = self._find_classes(classes)
        shapes = [s for c in self.class_names for s in self._list_shapes(c)]
        self.shapes = self._check(shapes, skip_broken)
        self._memory = [self._load(i) for i in range(len(self))] if in_memory else None

    @property
    def metainfo(self) -> dict[str, Any]:
        """Class identifiers and names in the order of ``label``."""
        return dict(class_ids=tuple(self.class_names), classes=tuple(self.class_names.values()))

    def __len__(self) -> int:
        """Number of shapes."""
        return len(self.shapes)

    def read(self, index: int, rng: np.random.Generator) -> Record:
        """A shape record, see ``transforms.points``, with ``label`` and ``class_name``.

        Raises:
            ValueError: A file broke since the set was built.
        """
        arrays = self._memory[index] if self._memory else self._load(index)
        class_id, name = self.shapes[index]
        surface = arrays[SURFACE]
        record = dict(
            name=f'{class_id}/{name}',
            label=list(self.class_names).index(class_id),
            class_name=self.class_names[class_id],
            surface_points=surface['points'].astype(np.float32),
            surface_normals=surface['normals'].astype(np.float32),
        )
        record['points'], record['occupancies'] = _queries(arrays[POINTS], rng)
        if NEAR in arrays:
            near = _queries(arrays[NEAR], rng)
            record['near_points'], record['near_occupancies'] = near
        if self.surface_points:
            self._add_reference(record, rng)
        return record

    def _add_reference(self, record: Record, rng: np.random.Generator) -> None:
        available = len(record['surface_points'])
        if self.surface_points > available:
            raise ValueError(
                f'surface_points={self.surface_points}, but {record["name"]} stores {available}; '
                f'ask for fewer'
            )
        chosen = rng.permutation(available)[: self.surface_points]
        record['reference_points'] = record['surface_points'][chosen]
        record['reference_normals'] = record['surface_normals'][chosen]

    def _load(self, index: int) -> dict[str, Mapping[str, np.ndarray]]:
        folder = self.root.joinpath(*self.shapes[index])
        return {file: read_arrays(folder / file) for file in self.files}

    def _find_classes(self, wanted: Sequence[str] | None) -> dict[str, str]:
        """Names of the chosen classes by identifier, in label order."""
        if not self.root.is_dir():
            raise ValueError(
                f'{self.root} does not exist; expected a folder <root>/<class>/<shape>/{POINTS}. '
                f'Set root, or make one from meshes or voxels with tools/prepare_shapes.py'
            )
        found = sorted(p.name for p in self.root.iterdir() if p.is_dir() and p.name[0] != '.')
        names = read_metadata(self.root)
        if wanted is None:
            wanted = found
        elif isinstance(wanted, str):
            raise ValueError(f'classes must be a list, e.g. [{wanted!r}], or None for all')
        by_name = {names.get(c, c): c for c in found}
        chosen = [c if c in found else by_name.get(c, c) for c in wanted]
        if missing := [c for c in chosen if c not in found]:
            known = [f'{c} ({names[c]})' if c in names else c for c in found]
            raise ValueError(f'{self.root} has no class {missing}; it has {known}')
        if len(set(chosen)) != len(chosen) or not chosen:
            raise ValueError(f'{self.root}: expected at least one class, each once, got {chosen}')
        return {c: names.get(c, c) for c in chosen}

    def _list_shapes(self, class_id: str) -> list[tuple[str, str]]:
        folder = self.root / class_id
        if self.split is None:
            names = sorted(p.name for p in folder.iterdir() if p.is_dir() and p.name[0] != '.')
        else:
            path = folder / f'{self.split}.lst'
            if not path.is_file():
                splits = sorted(p.stem for p in folder.glob('*.lst'))
                raise ValueError(
                    f'{path} does not exist; expected one shape per line. The class has the '
                    f'splits {splits}; choose one, or split=None for all shapes'
                )
            names = read_split(path)
        if not names:
            raise ValueError(f'{folder}: split {self.split!r} lists no shapes; fill or change it')
        return [(class_id, name) for name in names]

    def _check(self, shapes: list[tuple[str, str]], skip_broken: bool) -> list[tuple[str, str]]:
        faults = {}
        for shape in shapes:
            folder = self.root.joinpath(*shape)
            found = (find_fault(folder / file) for file in self.files)
            faults[shape] = '; '.join(filter(None, found))
        broken = [fault for fault in faults.values() if fault]
        if not broken:
            return shapes
        listed = '\n  '.join(broken)
        if not skip_broken or len(broken) == len(shapes):
            raise ValueError(
                f'{len(broken)} of {len(shapes)} shapes are broken; restore them, or set '
                f'skip_broken=True to go on without them:\n  {listed}'
            )
        print_log(f'skipped {len(broken)} of {len(shapes)} shapes:\n  {listed}', 'current', 30)
        return [shape for shape in shapes if not faults[shape]]


def _queries(
    arrays: Mapping[str, np.ndarray], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Query points ``(K, 3)`` float32, dithered if stored in float16, and their occupancy."""
    points = arrays['points']
    occupancies = unpack_occupancies(arrays['occupancies'], len(points))
    if points.dtype == np.float16:
        noise = rng.standard_normal(points.shape, dtype=np.float32)
        points = points.astype(np.float32) + np.float32(_DITHER) * noise
    return points.astype(np.float32, copy=False), occupancies
