"""Unlimited clips with labels and captions, exact at every size and frame rate."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from PIL import Image

from ...registry import DATASETS
from ..base import AbstractDataset, Record
from .clip_design import KINDS, MovingScene, design_clip

_PIPELINE = (dict(type='PackClip', size=32),)


@DATASETS.register_module()
class ProceduralClips(AbstractDataset):
    """Drawn clouds, bouncing balls, mills and boats in changing light, one clip per seed.

    A record is that of ``VideoFolder`` with a ``label``, ``class_name`` and ``caption``. Clips of a
    seed are frozen: they do not change with versions of numpy or of this package, and frames are
    those of :func:`design_clip` at ``t = (2 k + 1) / num_frames - 1``.

    Args:
        num_clips: Number of clips.
        first_seed: Seed of the first one; the others follow. Keep training below 4096 and
            held-out clips at 10⁶ and above.
        size: Side in pixels of the frames that are handed to the pipeline.
        num_frames: Frames of a clip, which lasts as long with more of them.
        pipeline: Transforms; the default packs 32 px inputs and targets.
    """

    def __init__(
        self,
        num_clips: int = 1024,
        first_seed: int = 0,
        size: int = 64,
        num_frames: int = 16,
        pipeline: Sequence[dict | BaseTransform] = _PIPELINE,
    ) -> None:
        super().__init__(pipeline)
        for name, value in dict(num_clips=num_clips, size=size, num_frames=num_frames).items():
            if value < 1:
                raise ValueError(f'{name} must be at least 1, got {value}')
        if first_seed < 0:
            raise ValueError(f'first_seed must not be negative, got {first_seed}')
        self.num_clips, self.first_seed = num_clips, first_seed
        self.size, self.num_frames = size, num_frames

    @property
    def metainfo(self) -> dict[str, Any]:
        """Class names in the order of ``label``."""
        return dict(classes=tuple(KINDS))

    def __len__(self) -> int:
        """Number of clips."""
        return self.num_clips

    def read(self, index: int, rng: np.random.Generator) -> Record:
        """The record of a clip."""
        seed = self.first_seed + index
        scene, pixels = _clip(seed, self.size, self.num_frames)
        return dict(
            name=f'clip-{seed:07d}',
            frames=[Image.fromarray(frame) for frame in pixels],
            label=list(KINDS).index(scene.kind),
            class_name=scene.kind,
            caption=scene.caption,
        )


@lru_cache(maxsize=1024)  # 196 kB each at 64 px and 16 frames
def _clip(seed: int, size: int, num_frames: int) -> tuple[MovingScene, list[np.ndarray]]:
    scene = design_clip(seed)
    times = [(2 * k + 1) / num_frames - 1 for k in range(num_frames)]
    return scene, [np.round(scene.frame_at(t, size) * 255).astype(np.uint8) for t in times]
