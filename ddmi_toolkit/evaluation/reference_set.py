"""Features of true pictures at a size, computed once by all processes and kept on disk."""

import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.dist import broadcast_object_list, collect_results, get_dist_info
from mmengine.logging import print_log
from torch import Tensor

from ..registry import DATASETS
from ..structures import to_uint8
from .extractors import AbstractExtractor
from .pixels import RESIZE, shrink, true_image
from .protocol import Protocol, digest

PROBES = 8  # pictures that a set is known by
READERS = 8  # threads; decoding and resizing release the interpreter


class ReferenceImages:
    """The pictures that generated ones are compared with.

    The set is known by its number of pictures and a few of them, so that two machines that keep
    it at different places agree. A file of the cache belongs to that, to one data set config, size
    and extractor (by checksum).

    Args:
        config: Config of a data set whose items have ``meta['image']``, ``(H, W, 3)`` in [-1, 1].
        size: ``(rows, columns)`` that they are brought to before they are rounded to 8 bit.
        extractor: What computes the features.
        num_images: Use that many, the first ones; None is all.
        batch_size: Pictures per forward pass.
        cache_dir: Folder of the features; None keeps them in memory alone.

    Raises:
        ValueError: The set is empty or too small, or its pictures are missing or smaller than
            ``size``.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        size: Sequence[int],
        extractor: AbstractExtractor,
        *,
        num_images: int | None = None,
        batch_size: int = 32,
        cache_dir: str | None = None,
    ) -> None:
        self.config, self.size, self.extractor = config, tuple(size), extractor
        self.batch_size, self.cache_dir = batch_size, cache_dir
        self.dataset = DATASETS.build(dict(config))
        available = len(self.dataset)
        self.num_images = available if num_images is None else num_images
        if not 1 <= self.num_images <= available:
            raise ValueError(
                f'the reference data set has {available} items, num_references={num_images}; '
                f'give it data, or ask for 1 to {available} (None for all)'
            )
        probes = np.linspace(0, self.num_images - 1, PROBES).round().astype(int)
        pictures = [self.image(i).numpy() for i in sorted(set(probes.tolist()))]
        self.digest = digest(str(self.num_images), RESIZE, *pictures)
        self._features: Tensor | None = None
        self._is_ready = False

    def image(self, index: int) -> Tensor:
        """A picture at the size, ``(3, *size)`` uint8."""
        what = f'item {index} of the reference data set'
        image = true_image(self.dataset[index].get('meta'), what)
        if image.ndim != 3 or image.shape[-1] != 3:
            raise ValueError(
                f"{what}: meta['image'] has shape {tuple(image.shape)}, expected (H, W, 3)"
            )
        return to_uint8(shrink(image[None].float(), self.size, what))[0].movedim(-1, 0)

    def features(self) -> Tensor | None:
        """Features ``(num_images, D)`` in the first process, None in the others.

        All processes must call this; they share the work the first time.
        """
        if not self._is_ready:
            self._features, self._is_ready = self._load_or_compute(), True
        return self._features

    def protocol(self) -> Protocol:
        """What the features are of."""
        return dict(
            num_references=self.num_images,
            reference=self.digest,
            reference_pipeline=json.loads(_text(self.config.get('pipeline', []))),
            reference_transform=f"meta['image'] of that pipeline; {RESIZE}; rounded to 8 bit",
            split=self.config.get('split'),
        )

    def _load_or_compute(self) -> Tensor | None:
        rank, _ = get_dist_info()
        path = self._path()
        found = [_read(path, self.num_images, self.extractor.num_features) if rank == 0 else None]
        known = [found[0] is not None]
        broadcast_object_list(known)
        if known[0]:
            return found[0]
        features = self._compute()
        if path is not None and features is not None:
            _write(path, features)
        return features

    def _compute(self) -> Tensor | None:
        rank, world = get_dist_info()
        if rank == 0:
            print_log(f'features of {self.num_images} reference pictures', logger='current')
        # every process has as many, as collect_results wants it; what is too much is dropped
        share = [i % self.num_images for i in range(rank, self.num_images + world - 1, world)]
        share = share[: -(-self.num_images // world)]
        parts: list[np.ndarray] = []
        with ThreadPoolExecutor(min(os.cpu_count() or 1, READERS)) as pool:
            for start in range(0, len(share), self.batch_size):
                images = pool.map(self.image, share[start : start + self.batch_size])
                parts += extract(self.extractor, torch.stack(list(images)))
        collected = collect_results(parts, self.num_images, 'cpu')
        return None if collected is None else torch.from_numpy(np.stack(collected))

    def _path(self) -> Path | None:
        if self.cache_dir is None:
            return None
        parts = (self.config, self.extractor.protocol(), self.size)
        key = digest(self.digest, *map(_text, parts))
        return Path(self.cache_dir) / f'{self.extractor.name or "inception"}_{key}.npy'


def extract(extractor: AbstractExtractor, images: Tensor) -> list[np.ndarray]:
    """Features of pictures ``(B, 3, H, W)`` uint8, one array ``(D,)`` float32 for each."""
    device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    return list(extractor.to(device)(images.to(device)).cpu().numpy())


def _text(config: Any) -> str:
    return json.dumps(config, sort_keys=True, default=str)


def _read(path: Path | None, num_images: int, num_features: int) -> Tensor | None:
    """Features of a file; None if there is none, or none that fits."""
    if path is None or not path.is_file():
        return None
    try:
        features = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, OSError):
        return None
    if features.shape != (num_images, num_features):
        return None
    print_log(f'features of the reference pictures from {path}', logger='current')
    return torch.from_numpy(features)


def _write(path: Path, features: Tensor) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f'{path.stem}.{os.getpid()}.part.npy')
    np.save(part, features.numpy())
    part.replace(path)
