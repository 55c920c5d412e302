"""Features of true pictures, clips or views, computed once by all processes and kept on disk."""

import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.dist import broadcast_object_list, collect_results, get_dist_info
from mmengine.logging import print_log
from torch import Tensor

from ..registry import DATASETS
from .extractor_roles import FeatureExtractor
from .pixels import RESIZE
from .protocol import Protocol, digest
from .subjects import AbstractSubject

PROBES = 8  # items that a set is known by
READERS = 8  # threads; decoding and resizing release the interpreter


class ReferenceSet:
    """What generated pictures, clips or views are compared with.

    The set is known by its number of items and a few of them, so that two machines that keep it
    at different places agree. A file of the cache belongs to that, to one data set config, size
    and extractor (by checksum).

    Args:
        config: Config of a data set whose items hold the truth of the subject.
        subject: How an item's members are read, at a size and in 8 bits.
        extractor: What computes the features.
        num_items: Use that many, the first ones; None is all.
        batch_size: Members per forward pass.
        cache_dir: Folder of the features; None keeps them in memory alone.

    Attributes:
        num_members: Pictures, clips or views of all items together.

    Raises:
        ValueError: The set is empty or too small, or what is wanted of an item is missing or
            smaller than the subject's size.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        subject: AbstractSubject,
        extractor: FeatureExtractor,
        *,
        num_items: int | None = None,
        batch_size: int = 32,
        cache_dir: str | None = None,
    ) -> None:
        self.config, self.subject, self.extractor = config, subject, extractor
        self.batch_size, self.cache_dir = batch_size, cache_dir
        self.dataset = DATASETS.build(dict(config))
        available = len(self.dataset)
        self.num_items = available if num_items is None else num_items
        if not 1 <= self.num_items <= available:
            raise ValueError(
                f'the reference data set has {available} items, num_references={num_items}; '
                f'give it data, or ask for 1 to {available} (None for all)'
            )
        self._per_item: int | None = None
        probes = np.linspace(0, self.num_items - 1, PROBES).round().astype(int)
        members = [one for i in sorted(set(probes.tolist())) for one in self.members(i).numpy()]
        self.num_members = self.num_items * self._per_item
        self.digest = digest(str(self.num_members), RESIZE, *members)
        self._features: Tensor | None = None
        self._is_ready = False

    def members(self, index: int) -> Tensor:
        """What an item holds, ``(V, 3, *size)`` uint8.

        Raises:
            ValueError: It holds another number of them than the first one.
        """
        what = f'item {index} of the reference data set'
        members = self.subject.true(self.dataset[index], what)
        self._per_item = self._per_item or len(members)
        if len(members) != self._per_item:
            raise ValueError(
                f'{what} has {len(members)} {self.subject.plural}, the first one '
                f'{self._per_item}; give every item as many'
            )
        return members

    def features(self) -> Tensor | None:
        """Features ``(num_members, D)`` in the first process, None in the others.

        All processes must call this; they share the work the first time.
        """
        if not self._is_ready:
            self._features, self._is_ready = self._load_or_compute(), True
        return self._features

    def protocol(self) -> Protocol:
        """What the features are of."""
        return dict(
            num_references=self.num_members,
            reference=self.digest,
            reference_pipeline=json.loads(_text(self.config.get('pipeline', []))),
            split=self.config.get('split'),
        )

    def _load_or_compute(self) -> Tensor | None:
        rank, _ = get_dist_info()
        path = self._path()
        shape = (self.num_members, self.extractor.num_features)
        found = [_read(path, shape) if rank == 0 else None]
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
            what = f'{self.num_members} reference {self.subject.plural}'
            print_log(f'features of {what}', logger='current')
        # every process has as many, as collect_results wants it; what is too much is dropped
        share = [i % self.num_items for i in range(rank, self.num_items + world - 1, world)]
        share = share[: -(-self.num_items // world)]
        parts: list[np.ndarray] = []
        with ThreadPoolExecutor(min(os.cpu_count() or 1, READERS)) as pool:
            for start in range(0, len(share), self.batch_size):
                members = torch.cat(
                    list(pool.map(self.members, share[start : start + self.batch_size]))
                )
                features = extract(self.extractor, members, self.batch_size)
                parts += np.split(features, len(features) // self._per_item)
        collected = collect_results(parts, self.num_items, 'cpu')
        return None if collected is None else torch.from_numpy(np.concatenate(collected))

    def _path(self) -> Path | None:
        if self.cache_dir is None:
            return None
        parts = (self.config, self.extractor.protocol(), self.subject.size)
        key = digest(self.digest, *map(_text, parts))
        return Path(self.cache_dir) / f'{self.extractor.protocol()["extractor"]}_{key}.npy'


def extract(extractor: FeatureExtractor, members: Tensor, batch_size: int) -> np.ndarray:
    """Features ``(N, D)`` float32 of pictures or clips ``(N, 3, *size)`` uint8."""
    device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    extractor.to(device)
    batches = members.split(batch_size)
    return torch.cat([extractor(batch.to(device)).cpu() for batch in batches]).numpy()


def _text(config: Any) -> str:
    return json.dumps(config, sort_keys=True, default=str)


def _read(path: Path | None, shape: tuple[int, int]) -> Tensor | None:
    """Features of a file; None if there is none, or none that fits."""
    if path is None or not path.is_file():
        return None
    try:
        features = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, OSError):
        return None
    if features.shape != shape:
        return None
    print_log(f'reference features from {path}', logger='current')
    return torch.from_numpy(features)


def _write(path: Path, features: Tensor) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f'{path.stem}.{os.getpid()}.part.npy')
    np.save(part, features.numpy())
    part.replace(path)
