"""Checkpoints of training: plain data, written whole or not at all."""

import logging
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.dist import barrier, get_world_size, is_main_process
from mmengine.fileio import LocalBackend, register_backend
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.optim import OptimWrapper, OptimWrapperDict

from ..registry import HOOKS
from ..utils import find_checkpoint, remove_abandoned, replace_atomically
from .plain import (
    get_rng_state,
    message_hub_from_plain,
    plain_message_hub,
    set_rng_state,
    to_plain,
)

_BACKEND = 'ddmi_toolkit.atomic'
_POINTER = 'last_checkpoint'


class _AtomicBackend(LocalBackend):
    """Local files that appear only when they are complete."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        with replace_atomically(filepath) as file:
            file.write(obj)


register_backend(_BACKEND, _AtomicBackend, force=True)


@HOOKS.register_module()
class StateHook(Hook):
    """Saves the state of training at intervals, in files that load with ``weights_only=True``.

    A file is written under a temporary name, synchronized to the disk and renamed; older files
    are removed only then, so a run killed at any moment finds its last good checkpoint. The
    history of logged values is trimmed, in the file and in memory, where mmengine would spend
    milliseconds per quantity and iteration on it after a hundred thousand iterations.

    With ``resume=True`` and no ``load_from`` the newest file that can be read is resumed.

    Args:
        interval: Iterations between checkpoints; the end of the run is always saved.
        max_keep: Newest checkpoints that are kept, at least one.
        keep_every: Checkpoints whose iteration it divides are kept for good; None for none.
        keep_log: Latest entries that are kept of each logged quantity.
        meta: Plain data added to the ``meta`` of each file, e.g. the hash of the config.
    """

    priority = 'VERY_LOW'  # after all hooks that change what is saved

    def __init__(
        self,
        interval: int = 1000,
        max_keep: int = 2,
        keep_every: int | None = None,
        keep_log: int = 1000,
        meta: Mapping[str, Any] | None = None,
    ) -> None:
        for name, value in dict(interval=interval, max_keep=max_keep, keep_log=keep_log).items():
            if value < 1:
                raise ValueError(f'StateHook: {name} must be at least 1, got {value}')
        self.interval = interval
        self.max_keep = max_keep
        self.keep_every = keep_every
        self.keep_log = keep_log
        self.meta = dict(meta or {})
        self._rng: Mapping[str, Any] | None = None

    def before_run(self, runner: Any) -> None:
        """Choose the newest readable file when the run is resumed without naming one."""
        if runner._resume and runner._load_from is None:
            path = find_checkpoint(runner.work_dir)
            runner._load_from = None if path is None else str(path)

    def before_train(self, runner: Any) -> None:
        """Remove what a killed process left half-written; restore the random states.

        Raises:
            ValueError: Checkpoints would fall between accumulated gradients and lose them.
        """
        counts = accumulated(runner.optim_wrapper)
        if self.interval % counts:
            raise ValueError(
                f'StateHook: interval={self.interval} is no multiple of '
                f'optim_wrapper.accumulative_counts={counts}; gradients accumulated in between '
                f'would be lost on resuming'
            )
        if is_main_process():
            remove_abandoned(runner.work_dir)
        if self._rng is not None and runner.iter > 0:
            set_rng_state(self._rng)
        self._rng = None

    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Save when an interval or the run ends."""
        for buffer in runner.message_hub.log_scalars.values():
            buffer.max_length = self.keep_log
        step = runner.iter + 1
        if step % self.interval == 0 or step == runner.max_iters:
            self._save(runner, step)

    def after_train(self, runner: Any) -> None:
        """Let all processes see the last file before they go on."""
        barrier()

    def before_save_checkpoint(self, runner: Any, checkpoint: dict[str, Any]) -> None:
        """Turn everything into plain data and add the random states."""
        checkpoint['message_hub'] = plain_message_hub(checkpoint['message_hub'], self.keep_log)
        checkpoint['rng'] = get_rng_state()
        checkpoint['meta'].update(self.meta)
        for key, value in checkpoint.items():
            if key != 'state_dict':  # tensors already; its metadata would be lost in a copy
                checkpoint[key] = to_plain(value, key)

    def after_load_checkpoint(self, runner: Any, checkpoint: dict[str, Any]) -> None:
        """Rebuild mmengine's own types.

        Raises:
            ValueError: The resumed run took another number of samples per iteration.
        """
        if runner._resume:
            _check_batch(checkpoint['meta'], runner.train_dataloader.batch_size)
        if 'message_hub' in checkpoint:
            checkpoint['message_hub'] = message_hub_from_plain(checkpoint['message_hub'])
        self._rng = checkpoint.get('rng')

    def _save(self, runner: Any, step: int) -> None:
        runner.logger.info(f'Saving checkpoint at {step} iterations')
        name = f'iter_{step}.pth'
        runner.save_checkpoint(
            runner.work_dir,
            name,
            meta=dict(
                epoch=runner.epoch,
                iter=step,
                world_size=get_world_size(),
                batch_size=runner.train_dataloader.batch_size,
            ),
            by_epoch=False,
            save_param_scheduler=runner.param_schedulers is not None,
            backend_args=dict(backend=_BACKEND),
        )
        if is_main_process():
            folder = Path(runner.work_dir)
            with replace_atomically(folder / _POINTER) as file:
                file.write(str(folder / name).encode())
            self._remove_outdated(folder, step)

    def _remove_outdated(self, folder: Path, newest: int) -> None:
        """Remove all but the newest files; files of later iterations are another run's."""
        steps = {
            int(p.stem.removeprefix('iter_')): p
            for p in folder.glob('iter_*.pth')
            if p.stem.removeprefix('iter_').isdigit()
        }
        ours = sorted(s for s in steps if s <= newest)
        for step in ours[: -self.max_keep]:
            if self.keep_every is None or step % self.keep_every:
                steps[step].unlink(missing_ok=True)


def accumulated(optim_wrapper: OptimWrapper | OptimWrapperDict) -> int:
    """Iterations after which no optimizer holds gradients of unfinished steps."""
    if isinstance(optim_wrapper, OptimWrapperDict):
        return math.lcm(*map(accumulated, optim_wrapper.values()))
    return getattr(optim_wrapper, '_accumulative_counts', 1)


def _check_batch(meta: Mapping[str, Any], batch_size: int) -> None:
    """Compare the samples per iteration with those of the run that is resumed.

    The position in the order of the data is their number times the iteration; how they are split
    between processes does not matter.

    Raises:
        ValueError: They differ.
    """
    if not {'world_size', 'batch_size'} <= set(meta):
        print_log(
            'the resumed checkpoint does not say how many processes it was trained by; with '
            'another number than now, the order of the data changes',
            logger='current',
            level=logging.WARNING,
        )
        return
    now, before = (get_world_size(), batch_size), (meta['world_size'], meta['batch_size'])
    if now[0] * now[1] != before[0] * before[1]:
        raise ValueError(
            f'the run was trained by {before[0]} processes with batches of {before[1]} '
            f'({before[0] * before[1]} samples per iteration), now {now[0]} with {now[1]} '
            f'({now[0] * now[1]}) would resume it and skip or repeat data; start {before[0]} '
            f'processes with batches of {before[1]}, or begin a new run in another work_dir'
        )
