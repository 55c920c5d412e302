"""Files of a latent cache: chunks that appear whole, and a marker when all are there."""

import io
import json
import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..utils import replace_atomically

_CHUNK_BYTES = 32 * 2**20
_MARKER = 'complete.json'
_MAX_OPEN = 64  # each open file holds a descriptor; systems allow from 256 per process


@dataclass(frozen=True)
class StorePlan:
    """What a cache holds.

    Args:
        num_items: Items of the data set.
        draws_per_item: Draws of each.
        shape: Of one record's moments, ``(2C, N)``.
        dtype: ``'float16'`` or ``'float32'``.
    """

    num_items: int
    draws_per_item: int
    shape: tuple[int, int]
    dtype: str

    @property
    def num_records(self) -> int:
        """Draws of all items."""
        return self.num_items * self.draws_per_item

    @property
    def num_bytes(self) -> int:
        """Size of all moments on disk."""
        return self.num_records * self.record_bytes

    @property
    def record_bytes(self) -> int:
        """Size of one record's moments."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize

    @property
    def chunk_size(self) -> int:
        """Records per file."""
        return max(_CHUNK_BYTES // self.record_bytes, 1)

    @property
    def num_chunks(self) -> int:
        """Files of moments."""
        return math.ceil(self.num_records / self.chunk_size)

    def chunk(self, number: int) -> list[tuple[int, int]]:
        """``(index, draw)`` of the records of a file."""
        start = number * self.chunk_size
        stop = min(start + self.chunk_size, self.num_records)
        return [divmod(record, self.draws_per_item) for record in range(start, stop)]


class LatentStore:
    """Moments of enumerated draws in memory-mapped files, with what else a batch needs.

    Each file is written under a temporary name and renamed, so a file that exists is complete; a
    filling that was killed goes on with the files that are missing. Only a store with a marker,
    written last, is read. A reader keeps a limited number of files mapped.

    Args:
        folder: Folder of this cache alone.
        plan: What it holds or will hold.
    """

    def __init__(self, folder: str | Path, plan: StorePlan) -> None:
        self.folder = Path(folder)
        self.plan = plan
        self._maps: OrderedDict[int, np.ndarray] = OrderedDict()
        self._records: dict[int, list[dict[str, Any]]] = {}

    @property
    def is_complete(self) -> bool:
        """Whether everything has been written, to this plan."""
        marker = self.folder / _MARKER
        if not marker.is_file():
            return False
        return json.loads(marker.read_text()) == json.loads(json.dumps(asdict(self.plan)))

    def missing(self) -> list[int]:
        """Numbers of the files that are yet to be written."""
        return [n for n in range(self.plan.num_chunks) if not self._moments(n).is_file()]

    def write(self, number: int, moments: Tensor, extras: Sequence[Mapping[str, Any]]) -> None:
        """Write a file.

        Args:
            number: Of the file.
            moments: ``(R, 2C, N)`` of its records.
            extras: Plain data of each record, e.g. ``dict(cond=3, meta=dict(name='a'))``.

        Raises:
            ValueError: Values overflow the type on disk.
        """
        stored = moments.to(getattr(torch, self.plan.dtype))
        if not torch.isfinite(stored).all():
            raise ValueError(
                f'latent cache: moments up to {float(moments.abs().max()):.3g} are not finite in '
                f"{self.plan.dtype}; use latent_cache=dict(dtype='float32')"
            )
        buffer = io.BytesIO()
        torch.save(list(extras), buffer)
        with replace_atomically(self._extras(number)) as file:
            file.write(buffer.getvalue())
        with replace_atomically(self._moments(number)) as file:  # last: it marks the pair
            np.save(file, stored.numpy())

    def finish(self) -> None:
        """Mark the store complete."""
        if missing := self.missing():
            raise ValueError(f'{self.folder}: the files {missing[:8]} have not been written')
        with replace_atomically(self.folder / _MARKER) as file:
            file.write(json.dumps(asdict(self.plan)).encode())

    def read(self, index: int, draw: int) -> dict[str, Any]:
        """``dict(moments (2C, N) float32, ...)`` of one draw of one item."""
        if not 0 <= index < self.plan.num_items:
            raise IndexError(f'item {index} of a latent cache of {self.plan.num_items} items')
        number, row = divmod(index * self.plan.draws_per_item + draw, self.plan.chunk_size)
        if number not in self._records:
            self._records[number] = torch.load(self._extras(number), weights_only=True)
        moments = self._map(number)[row].astype(np.float32)
        return dict(self._records[number][row], moments=torch.from_numpy(moments))

    def __getstate__(self) -> dict[str, Any]:
        """Worker processes map the files anew."""
        return dict(vars(self), _maps=OrderedDict(), _records={})

    def _map(self, number: int) -> np.ndarray:
        """Moments of a file; the one that was read longest ago is closed for it."""
        if number in self._maps:
            self._maps.move_to_end(number)
            return self._maps[number]
        if len(self._maps) >= _MAX_OPEN:
            self._maps.popitem(last=False)
        self._maps[number] = np.load(self._moments(number), mmap_mode='r')
        return self._maps[number]

    def _moments(self, number: int) -> Path:
        return self.folder / f'moments_{number:06d}.npy'

    def _extras(self, number: int) -> Path:
        return self.folder / f'extras_{number:06d}.pt'
