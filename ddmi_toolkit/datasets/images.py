"""Pictures from folders, zips, LSUN's lmdb and CIFAR-10's archives."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from ..registry import DATASETS
from .base import AbstractDataset, Record
from .image_sources import find_pictures

_SPLITS = {'train', 'training', 'val', 'valid', 'validation', 'test', 'testing'}


@DATASETS.register_module()
class ImageDataset(AbstractDataset):
    """Pictures of any size and format, see ``image_sources`` and ``image_files``.

    A record is ``dict(name, image, index, visit[, label, class_name])`` with an RGB Pillow image.
    Where every picture lies in a folder, the first folder is its class; labels count the chosen
    classes in the order of ``classes``, by default the alphabetical one.

    Args:
        root: A folder, a zip, an lmdb's folder, or CIFAR-10's archive or folder.
        split: A folder inside the root (``'train'``), a zip in it (``train.zip``), or a text
            file (``.txt``, ``.lst``) with one name per line, relative to the root.
        classes: Names of the classes to take, all by default.
        start: First picture to take of those found, in their fixed order; negative from the end,
            as in ``names[start:stop]``. Sets without splits are divided by it.
        stop: The picture before which to stop; None takes all.
        pipeline: Transforms.

    Raises:
        ValueError: The root, split or a class is missing, or nothing is found. A broken picture
            ends in an error that names it when it is read.
    """

    def __init__(
        self,
        root: str,
        split: str | None = None,
        classes: Sequence[str] | None = None,
        start: int = 0,
        stop: int | None = None,
        pipeline: Sequence[dict | BaseTransform] = (),
    ) -> None:
        super().__init__(pipeline)
        self.source, self.prefix, found = find_pictures(Path(root), split)
        where = f'{root}' if split is None else f'{root} (split {split!r})'
        if split is None:
            _check_no_splits(root, found)
        self.classes = _choose_classes(where, found, classes)
        if classes is not None:
            found = [n for n in found if n.split('/')[0] in self.classes]
        self.names = found[start:stop]
        if not self.names:
            raise ValueError(
                f'{where}: start={start}, stop={stop} leave none of {len(found)} pictures'
            )

    @property
    def metainfo(self) -> dict[str, Any]:
        """Class names in the order of ``label``; none where pictures lie in no folders."""
        return dict(classes=self.classes)

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.names)

    def read(self, index: int, rng: np.random.Generator) -> Record:
        """The record of a picture.

        Raises:
            ValueError: The picture is broken; the message names it.
        """
        name = self.names[index]
        record: Record = dict(name=name, image=self.source.load(self.prefix + name))
        if self.classes:
            class_name = name.split('/')[0]
            record |= dict(label=self.classes.index(class_name), class_name=class_name)
        return record


def _check_no_splits(root: str, names: Sequence[str]) -> None:
    """Refuse to take ``train`` and ``test`` for the names of classes."""
    tops = {n.split('/')[0] if '/' in n else '' for n in names}
    if tops <= _SPLITS:
        raise ValueError(
            f'{root} is divided into {sorted(tops)}; choose one by split=, or set root to the '
            f'folder that you want'
        )


def _choose_classes(
    where: str, names: Sequence[str], wanted: Sequence[str] | None
) -> tuple[str, ...]:
    known = sorted({n.split('/')[0] if '/' in n else '' for n in names})
    if '' in known:
        known = []
    if wanted is None:
        return tuple(known)
    if isinstance(wanted, str):
        raise ValueError(f'classes must be a list, e.g. [{wanted!r}], or None for all')
    if missing := [c for c in wanted if c not in known]:
        remedy = f'it has {known}' if known else 'its pictures do not all lie in folders'
        raise ValueError(f'{where} has no class {missing}; {remedy}')
    if not wanted or len(set(wanted)) != len(wanted):
        raise ValueError(f'{where}: expected at least one class, each once, got {list(wanted)}')
    return tuple(wanted)
