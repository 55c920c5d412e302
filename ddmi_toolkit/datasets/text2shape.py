"""Shapes with what people wrote about them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.logging import print_log

from ..registry import DATASETS
from .base import AbstractDataset, Record
from .caption_files import CaptionFile, read_captions
from .shapenet import ShapeNetOccupancy

_PIPELINE = (
    dict(type='SubsamplePoints'),
    dict(type='SubsampleSurface'),
    dict(type='JitterSurface'),
    dict(type='DrawCaption'),
    dict(type='PackShape', cond='caption'),
)
_WORD = re.compile(r'\w+|[^\w\s]')


@DATASETS.register_module()
class Text2Shape(AbstractDataset):
    """Chairs and tables with about five captions each (Chen et al. 2018).

    Captions are joined with the shapes of the same identifier; shapes without captions are left
    out, and one line of the log counts what is. The shapes are those of ShapeNet or of the voxels
    that are distributed with the captions, either in the Occupancy-Networks format:
    ``tools/prepare_shapes.py --captions`` brings the voxels into it.

    Args:
        captions: The CSV file, see ``caption_files``.
        shapes: Config of ``ShapeNetOccupancy`` without ``type`` and ``pipeline``: ``root``,
            ``split``, ``classes`` and so on.
        max_words: Captions of more words and punctuation marks are left out; None keeps all.
        pipeline: Transforms; the default draws a caption, 2048 queries and 3000 jittered surface
            points.

    Raises:
        ValueError: No caption belongs to any of the shapes.
    """

    def __init__(
        self,
        captions: str,
        shapes: Mapping[str, Any],
        max_words: int | None = None,
        pipeline: Sequence[dict | BaseTransform] = _PIPELINE,
    ) -> None:
        super().__init__(pipeline)
        self.max_words = max_words
        self.shapes = ShapeNetOccupancy(**shapes, pipeline=())
        self._items = self._join(read_captions(captions))

    @property
    def metainfo(self) -> dict[str, Any]:
        """Class identifiers and names in the order of ``label``."""
        return self.shapes.metainfo

    def __len__(self) -> int:
        """Number of shapes that have captions."""
        return len(self._items)

    def captions(self) -> Iterator[str]:
        """The captions of all shapes."""
        for _, captions in self._items:
            yield from captions

    def read(self, index: int, rng: np.random.Generator) -> Record:
        """A shape record, see ``transforms.points``, with its ``captions``."""
        number, captions = self._items[index]
        return dict(self.shapes.read(number, rng), captions=captions)

    def _join(self, file: CaptionFile) -> list[tuple[int, list[str]]]:
        """Numbers of shapes with their captions."""
        names = [name for _, name in self.shapes.shapes]
        if not set(names) & set(file.captions):
            raise ValueError(
                f'none of the {len(file.captions)} shapes of {file.path}, e.g. '
                f'{list(file.captions)[:2]}, is among the {len(names)} of {self.shapes.root}, '
                f'split {self.shapes.split!r}, e.g. {names[:2]}; expected the same ShapeNet '
                f'identifiers'
            )
        left_out, items = file.left_out.copy(), []
        for number, name in enumerate(names):
            captions = [c for c in file.captions.get(name, ()) if self._is_short(c)]
            left_out['too long'] += len(file.captions.get(name, ())) - len(captions)
            if captions:
                items.append((number, captions))
        if not items:
            raise ValueError(f'no caption has at most max_words={self.max_words} words; raise it')
        print_log(
            f'{file.path.name}: {sum(len(c) for _, c in items)} captions of {len(items)} shapes; '
            f'{len(names) - len(items)} shapes have none, '
            f'{len(set(file.captions) - set(names))} shapes with captions are not in split '
            f'{self.shapes.split!r}; captions left out: '
            f'{", ".join(f"{n} {why}" for why, n in sorted((+left_out).items())) or "none"}',
            logger='current',
        )
        return items

    def _is_short(self, caption: str) -> bool:
        return self.max_words is None or len(_WORD.findall(caption)) <= self.max_words
