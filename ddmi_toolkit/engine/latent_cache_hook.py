"""Encodes a data set once, before stage 2 trains on its latents."""

import hashlib
import json
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.dist import barrier, broadcast_object_list, get_dist_info
from mmengine.hooks import Hook
from mmengine.logging import print_log
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, default_collate

from ..registry import HOOKS
from ..utils import remove_abandoned
from .latent_store import LatentStore, StorePlan
from .loss_weight_hook import unwrap

_FORMAT = 1
_LOG_SECONDS = 10.0
_TOLERANCE = 0.02  # float16, and kernels that differ between devices


@HOOKS.register_module()
class LatentCacheHook(Hook):
    """Fills the :class:`LatentCache` that is trained on, or finds it filled.

    The key of a cache covers the weights and the structure of the first stage, the config and
    length of the data set, the draws, the type on disk and the version of this package; a found
    cache is checked on its first record. Any other data set is left alone. Processes share the
    work; a filling that was killed goes on where it stopped.

    Args:
        batch_size: Items that are encoded at once; by default the training's.
    """

    priority = 'HIGH'

    def __init__(self, batch_size: int | None = None) -> None:
        self.batch_size = batch_size

    def before_train(self, runner: Any) -> None:
        """Open the cache; fill it first when it is absent or incomplete.

        Raises:
            OSError: It would not fit on the disk.
            ValueError: A cache of this key holds other values.
        """
        loader = runner.train_dataloader
        dataset = loader.dataset
        if not hasattr(dataset, 'source_config'):
            return
        model = unwrap(runner.model)
        cache = _Filler(dataset, model.first_stage, model.data_preprocessor)
        store = cache.store
        if not _agreed(store.is_complete):
            cache.fill(self.batch_size or loader.batch_size, loader.num_workers)
        else:
            cache.verify()
        dataset.store = store


def cache_key(first_stage: nn.Module, dataset: Any) -> str:
    """Name of the cache of a data set under a first stage: changes with whatever it depends on.

    Args:
        first_stage: Its weights, buffers and structure count.
        dataset: ``LatentCache``.
    """
    digest = hashlib.sha256()
    facts = dict(
        format=_FORMAT,
        version=getattr(sys.modules.get(__package__.split('.')[0]), '__version__', ''),
        first_stage=repr(first_stage),
        dataset=dataset.source_config,
        length=len(dataset),
        draws=dataset.draws_per_item,
        seed=dataset.seed,
        dtype=dataset.dtype,
    )
    digest.update(json.dumps(facts, sort_keys=True, default=repr).encode())
    for name, value in first_stage.state_dict().items():
        digest.update(f'{name} {value.dtype} {tuple(value.shape)}'.encode())
        digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()[:20]


class _Filler:
    """Encodes the enumerated draws of a ``LatentCache``."""

    def __init__(self, dataset: Any, first_stage: nn.Module, preprocess: nn.Module) -> None:
        self.dataset = dataset
        self.first_stage = first_stage
        self.preprocess = preprocess
        channels, tokens = first_stage.latent_shape
        plan = StorePlan(
            len(dataset), dataset.draws_per_item, (2 * channels, tokens), dataset.dtype
        )
        folder = Path(dataset.cache_dir) / cache_key(first_stage, dataset)
        self.store = LatentStore(folder, plan)

    def fill(self, batch_size: int, num_workers: int) -> None:
        """Encode what is missing; processes take turns at the files."""
        rank, world_size = get_dist_info()
        missing = self.store.missing()
        _check_disk(self.store, len(missing))
        barrier()  # all have looked before the first writes
        mine = [n for n in missing if n % world_size == rank]
        progress = _Progress(self.store, mine)
        was_training = self.first_stage.training
        self.first_stage.eval()
        for number, moments, extras in self._encoded(mine, batch_size, num_workers):
            self.store.write(number, moments, extras)
            progress.add(len(extras))
        self.first_stage.train(was_training)
        barrier()
        if rank == 0:
            self.store.finish()
        barrier()

    def verify(self) -> None:
        """Encode the first record again.

        Raises:
            ValueError: It is not what the cache holds.
        """
        stored = self.store.read(0, 0)['moments']
        was_training = self.first_stage.training
        self.first_stage.eval()
        inputs, _ = _collate([_Source(self.dataset)[(0, 0)]])
        fresh = self._encode(inputs)[0]
        self.first_stage.train(was_training)
        error = float((fresh - stored).abs().max())
        if not error <= _TOLERANCE * max(float(stored.abs().max()), 1.0):
            raise ValueError(
                f'latent cache {self.store.folder}: its first record differs by {error:.3g} from '
                f'what the first stage gives now (files or code have changed); delete the folder'
            )
        print_log(f'latent cache {self.store.folder} is used', logger='current')

    @torch.no_grad()
    def _encode(self, inputs: Any) -> Tensor:
        batch = self.preprocess(dict(inputs=inputs), False)
        return self.first_stage.encode(batch['inputs']).moments.float().cpu()

    def _encoded(
        self, chunks: list[int], batch_size: int, num_workers: int
    ) -> Iterator[tuple[int, Tensor, list[dict[str, Any]]]]:
        """Files' numbers, moments and extras, one file after the other."""
        batches = [
            (number, records[i : i + batch_size], i + batch_size >= len(records))
            for number in chunks
            for records in [self.store.plan.chunk(number)]
            for i in range(0, len(records), batch_size)
        ]
        loader = DataLoader(
            _Source(self.dataset),
            batch_sampler=[records for _, records, _ in batches],
            num_workers=num_workers,
            collate_fn=_collate,
        )
        moments, extras = [], []
        for (number, _, is_last), (inputs, more) in zip(batches, loader, strict=True):
            moments.append(self._encode(inputs))
            extras += more
            if is_last:
                yield number, torch.cat(moments), extras
                moments, extras = [], []


class _Source(Dataset):
    """Samples of a ``LatentCache``'s own data set by ``(index, draw)``."""

    def __init__(self, dataset: Any) -> None:
        self.source = dataset.source

    def __getitem__(self, record: tuple[int, int]) -> Mapping[str, Any]:
        return self.source.dataset[self.source.enumerated(*record)]


def _collate(samples: list[Mapping[str, Any]]) -> tuple[Any, list[dict[str, Any]]]:
    """Batched inputs, and per sample what stage 2 needs besides its latent."""
    return default_collate([s['inputs'] for s in samples]), [_extras(s) for s in samples]


def _extras(sample: Mapping[str, Any]) -> dict[str, Any]:
    extras: dict[str, Any] = {}
    if 'cond' in sample:
        extras['cond'] = _as_plain(sample['cond'])
    if 'name' in sample.get('meta', {}):
        extras['meta'] = dict(name=str(sample['meta']['name']))
    return extras


def _as_plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return torch.as_tensor(value)
    if isinstance(value, Mapping):
        return {k: _as_plain(v) for k, v in value.items()}
    return value


def _agreed(value: bool) -> bool:
    """What the first process found: another run may complete the cache while we look."""
    values = [value]
    broadcast_object_list(values)
    return values[0]


def _check_disk(store: LatentStore, num_missing: int) -> None:
    """Say how large the cache will be.

    Raises:
        OSError: The rest of it does not fit.
    """
    plan = store.plan
    store.folder.mkdir(parents=True, exist_ok=True)
    remove_abandoned(store.folder)
    free = shutil.disk_usage(store.folder).free
    rest = min(num_missing * plan.chunk_size, plan.num_records) * plan.record_bytes
    size = (
        f'latent cache {store.folder}: {plan.num_items} items x {plan.draws_per_item} draws x '
        f'{plan.shape} {plan.dtype} = {_gigabytes(plan.num_bytes)}, '
        f'{_gigabytes(rest)} to write, {_gigabytes(free)} free'
    )
    if rest > 0.95 * free:
        raise OSError(
            f'{size}; free some space, name another latent_cache.cache_dir, lower draws_per_item, '
            f'or set latent_cache=None to encode on the fly'
        )
    print_log(size, logger='current')


def _gigabytes(num_bytes: float) -> str:
    return f'{num_bytes / 1e9:.3g} GB'


class _Progress:
    """Logs how far the filling is, every few seconds."""

    def __init__(self, store: LatentStore, chunks: list[int]) -> None:
        self.total = sum(len(store.plan.chunk(n)) for n in chunks)
        self.done = 0
        self.start = self.last = time.monotonic()

    def add(self, count: int) -> None:
        """Count records that have been written."""
        self.done += count
        now = time.monotonic()
        if now - self.last < _LOG_SECONDS and self.done < self.total:
            return
        self.last = now
        rate = self.done / max(now - self.start, 1e-9)
        rest = timedelta(seconds=round((self.total - self.done) / rate))
        print_log(
            f'latent cache: {self.done}/{self.total} encoded, {rate:.1f} samples/s, eta: {rest}',
            logger='current',
        )
