"""Unlimited pictures with labels and captions, exact at every size."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from PIL import Image

from ...registry import DATASETS
from ..base import AbstractDataset, Record
from .scene_design import KINDS, design_scene

_PIPELINE = (dict(type='PackImage', input_size=32, size=64, image_size=128),)


@DATASETS.register_module()
class ProceduralImages(AbstractDataset):
    """Drawn flowers, faces, houses and boats, one per seed.

    A record is that of ``ImageDataset`` with a ``caption``. Pictures of a seed are frozen: they do
    not change with versions of numpy or of this package.

    Args:
        num_images: Number of pictures.
        first_seed: Seed of the first one; the others follow. Keep training below 4096 and
            held-out pictures at 10⁶ and above.
        size: Side in pixels of the picture that is handed to the pipeline.
        pipeline: Transforms; the default packs 32 px inputs with 64 px targets.
    """

    def __init__(
        self,
        num_images: int = 4096,
        first_seed: int = 0,
        size: int = 128,
        pipeline: Sequence[dict | BaseTransform] = _PIPELINE,
    ) -> None:
        super().__init__(pipeline)
        for name, value in dict(num_images=num_images, size=size).items():
            if value < 1:
                raise ValueError(f'{name} must be at least 1, got {value}')
        if first_seed < 0:
            raise ValueError(f'first_seed must not be negative, got {first_seed}')
        self.num_images, self.first_seed, self.size = num_images, first_seed, size

    @property
    def metainfo(self) -> dict[str, Any]:
        """Class names in the order of ``label``."""
        return dict(classes=tuple(KINDS))

    def __len__(self) -> int:
        """Number of pictures."""
        return self.num_images

    def read(self, index: int, rng: np.random.Generator) -> Record:
        """The record of a picture."""
        seed = self.first_seed + index
        pixels, kind, caption = _picture(seed, self.size)
        return dict(
            name=f'image-{seed:07d}',
            image=Image.fromarray(pixels),
            label=list(KINDS).index(kind),
            class_name=kind,
            caption=caption,
        )


@lru_cache(maxsize=1024)  # 49 kB each at 128 px
def _picture(seed: int, size: int) -> tuple[np.ndarray, str, str]:
    scene, kind, caption = design_scene(seed)
    return np.round(scene.render(size) * 255).astype(np.uint8), kind, caption
