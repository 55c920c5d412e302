"""Stops a run that has diverged."""

import math
from typing import Any

import torch
from mmengine.hooks import Hook
from torch import Tensor

from ..registry import HOOKS

_MAX_LISTED = 8


@HOOKS.register_module()
class GuardHook(Hook):
    """Ends training at a loss that is not a finite number, and refuses to save such weights.

    The last good checkpoint stays the newest one. The message names the iteration, the losses and
    the samples of the batch (``batch['meta']['name']``).
    """

    priority = 'VERY_HIGH'  # before anything is averaged, logged or saved

    def __init__(self) -> None:
        self._names: list[str] = []

    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Check the losses.

        Raises:
            FloatingPointError: One of them is infinite or not a number.
        """
        self._names = batch_names(data_batch)
        values = {k: float(torch.as_tensor(v).detach()) for k, v in (outputs or {}).items()}
        bad = {k: v for k, v in values.items() if not math.isfinite(v)}
        if bad:
            losses = ', '.join(f'{k} = {v}' for k, v in bad.items())
            raise FloatingPointError(
                f'iteration {runner.iter + 1}: {losses}; batch: {self._listed()}. Nothing was '
                f'saved since the last checkpoint; lower the learning rate, clip gradients '
                f'(optim_wrapper.clip_grad), or look at these samples'
            )

    def before_save_checkpoint(self, runner: Any, checkpoint: dict[str, Any]) -> None:
        """Check the weights: a finite loss can still have infinite gradients.

        Raises:
            FloatingPointError: A weight is infinite or not a number.
        """
        bad = [
            name
            for name, value in checkpoint['state_dict'].items()
            if isinstance(value, Tensor) and value.is_floating_point() and not _is_finite(value)
        ]
        if bad:
            raise FloatingPointError(
                f'iteration {runner.iter + 1}: {len(bad)} weights are not finite, first '
                f'{bad[0]!r}; last batch: {self._listed()}. Not saved; the checkpoint before is '
                f'the last good one'
            )

    def _listed(self) -> str:
        more = len(self._names) - _MAX_LISTED
        names = ', '.join(self._names[:_MAX_LISTED]) or 'without names'
        return names if more <= 0 else f'{names} and {more} more'


def batch_names(batch: Any) -> list[str]:
    """Names of the samples of a batch, or its seeds when they have none."""
    if not isinstance(batch, dict):
        return []
    meta = batch.get('meta')
    if isinstance(meta, dict) and 'name' in meta:
        return [str(n) for n in meta['name']]
    seeds = batch.get('seed')
    return [] if seeds is None else [f'seed {int(s)}' for s in seeds]


def _is_finite(value: Tensor) -> bool:
    return bool(torch.isfinite(value).all())
