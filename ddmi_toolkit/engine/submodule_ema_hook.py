"""Averages of the weights of some parts of a model."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.hooks import Hook
from torch import Tensor

from ..registry import HOOKS
from .loss_weight_hook import unwrap

LIVE_KEY = 'live_state_dict'


@HOOKS.register_module()
class SubmoduleEMAHook(Hook):
    """Exponential moving averages of the parameters of some children of the model.

    Validation, tests and samples use the averages. A checkpoint's ``state_dict`` holds the
    averages under the model's own names, so that whoever loads it gets what should be used; the
    weights that the optimizer moves lie beside it, in ``live_state_dict``, and are put back when
    training is resumed. All other parts, and buffers, exist once.

    With ``warmup`` the averages equal the weights for the first ``begin`` iterations; then an
    update after iteration ``i`` has momentum ``max(momentum, (1 + n / inv_gamma) ** -power)``
    with ``n = i - begin - 1``, so that early weights are forgotten (as in the package ema-pytorch,
    which counts optimizer steps: with accumulated gradients multiply ``begin`` and ``inv_gamma``
    by their number).

    Args:
        modules: Names of children of the model; absent ones are an error. None takes all: of a
            latent diffusion the denoiser, the diffuser and the conditioner. Parameters that are
            not trained, as those of the first stage, are left out.
        momentum: Weight of the new value in an update: 1 minus the decay, in (0, 1].
        interval: Iterations between updates. The published runs update every 5 or 10 iterations.
        warmup: ``dict(begin=100, power=2 / 3[, inv_gamma=1.0])``; None averages from the first
            iteration on.
    """

    def __init__(
        self,
        modules: Sequence[str] | None = None,
        momentum: float = 1e-4,
        interval: int = 1,
        warmup: Mapping[str, float] | None = None,
    ) -> None:
        if not 0 < momentum <= 1:
            raise ValueError(
                f'SubmoduleEMAHook: momentum={momentum} is the weight of the new value, in (0, 1] '
                f'(a decay of 0.9999 is momentum=1e-4)'
            )
        if interval < 1:
            raise ValueError(f'SubmoduleEMAHook: interval must be at least 1, got {interval}')
        if warmup is not None and set(warmup) | {'inv_gamma'} != {'begin', 'power', 'inv_gamma'}:
            raise ValueError(
                f'SubmoduleEMAHook: warmup takes begin, power and, if not 1, inv_gamma; '
                f'got {sorted(warmup)}'
            )
        self.modules = None if modules is None else tuple(modules)
        self.momentum = momentum
        self.interval = interval
        self.warmup = None if warmup is None else dict(dict(inv_gamma=1.0), **warmup)
        self._average: dict[str, Tensor] = {}
        self._are_swapped = False

    def momentum_at(self, step: int) -> float:
        """Weight of the new value in the update after ``step`` iterations."""
        if self.warmup is None:
            return self.momentum
        count = step - self.warmup['begin'] - 1
        if count <= 0:
            return 1.0
        return max(self.momentum, (1 + count / self.warmup['inv_gamma']) ** -self.warmup['power'])

    def before_train(self, runner: Any) -> None:
        """Start from the weights, or from the averages of the resumed checkpoint."""
        live = self._live(runner)
        resumed = {k: v.to(live[k]) for k, v in self._average.items()}
        self._average = {k: resumed.get(k, p).detach().clone() for k, p in live.items()}

    @torch.no_grad()
    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Update the averages."""
        step = runner.iter + 1
        if step % self.interval:
            return
        live = self._live(runner)
        momentum, names = self.momentum_at(step), list(live)
        averages = [self._average[n] for n in names]
        torch._foreach_lerp_(averages, [live[n].detach() for n in names], momentum)

    @contextmanager
    def averaged(self, runner: Any) -> Iterator[None]:
        """The model holds the averages inside, and its own weights again after."""
        if not self._average or self._are_swapped:  # a loaded model holds them already
            yield
            return
        self._swap(runner)
        try:
            yield
        finally:
            self._swap(runner)

    def before_val_epoch(self, runner: Any) -> None:
        """Validate the averages."""
        if self._average:
            self._swap(runner)

    def after_val_epoch(self, runner: Any, metrics: Any = None) -> None:
        """Go on with the weights."""
        if self._are_swapped:
            self._swap(runner)

    def before_save_checkpoint(self, runner: Any, checkpoint: dict[str, Any]) -> None:
        """Put the averages into ``state_dict`` and the weights into ``live_state_dict``."""
        if not self._average:
            return
        state, average = checkpoint['state_dict'], self._average
        if self._are_swapped:
            checkpoint[LIVE_KEY] = {k: v.cpu() for k, v in average.items()}
            return
        checkpoint[LIVE_KEY] = {k: state[k] for k in average}
        for key, value in average.items():
            state[key] = value.cpu()

    def after_load_checkpoint(self, runner: Any, checkpoint: dict[str, Any]) -> None:
        """When resuming, separate the averages from the weights; else take the averages."""
        self._average = {}
        live = checkpoint.get(LIVE_KEY)
        if live is None or not runner._resume:
            return
        state = checkpoint['state_dict']
        self._average = {k: state[k] for k in live}
        state.update(live)

    def _live(self, runner: Any) -> dict[str, Tensor]:
        model = unwrap(runner.model)
        children = dict(model.named_children())
        modules = children if self.modules is None else self.modules
        if absent := [m for m in modules if m not in children]:
            raise ValueError(
                f'SubmoduleEMAHook: {type(model).__name__} has no {absent}; '
                f'its parts are {sorted(children)}'
            )
        return {
            f'{name}.{key}': parameter
            for name in modules
            for key, parameter in children[name].named_parameters()
            if parameter.requires_grad
        }

    @torch.no_grad()
    def _swap(self, runner: Any) -> None:
        """Exchange values in place, so that optimizers and wrappers keep their references."""
        for name, parameter in self._live(runner).items():
            value = parameter.detach().clone()
            parameter.copy_(self._average[name])
            self._average[name].copy_(value)
        self._are_swapped = not self._are_swapped


@contextmanager
def averaged_weights(runner: Any) -> Iterator[None]:
    """The runner's model with its averaged weights, if a hook averages any."""
    hook = next((h for h in runner.hooks if isinstance(h, SubmoduleEMAHook)), None)
    if hook is None:
        yield
    else:
        with hook.averaged(runner):
            yield
