"""Weights of losses that change in the course of a run."""

import difflib
import math
from collections.abc import Callable
from typing import Any

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from torch import nn

from ..registry import HOOKS


def unwrap(model: nn.Module) -> nn.Module:
    """The model itself, without its distributed wrapper."""
    return model.module if is_model_wrapper(model) else model


def linear(start: float, end: float, w: float) -> float:
    """``start`` at ``w = 0``, ``end`` at ``w = 1``, a straight line between."""
    return start + (end - start) * w


def cosine(start: float, end: float, w: float) -> float:
    """Half a cosine wave: flat at both ends."""
    return linear(start, end, (1 - math.cos(math.pi * w)) / 2)


def exponential(start: float, end: float, w: float) -> float:
    """A straight line between the logarithms."""
    return math.exp((1 - w) * math.log(start) + w * math.log(end))


CURVES: dict[str, Callable[[float, float, float], float]] = dict(
    linear=linear, cosine=cosine, exponential=exponential
)


@HOOKS.register_module()
class LossWeightHook(Hook):
    """Sets a float attribute of the model before each iteration, and logs it.

    The value is ``curve(start, end, w)``, where ``w`` runs from 0 to 1 between the iterations
    ``begin * N`` and ``(begin + length) * N`` of ``N = max_iters`` and stays there. It depends on
    the iteration alone: not on the number of processes, and not on an interruption.

    Published stage-1 settings (KL weight): ``start=1e-4, begin=1e-4, length=0.9``. The published
    weight of the spectral regularizer is ``exponential`` from 5 to 0.1 with ``w`` the KL weight
    itself (``follow='kl_weight'``), which hardly leaves ``start`` when the KL weight is small.

    Args:
        attribute: Dotted path from the model, e.g. ``'kl_weight'``, ``'regularizer.weight'``.
        start: First value.
        end: Last value.
        begin: Fraction of the run at which the change begins, in [0, 1).
        length: Fraction of the run that the change takes, > 0.
        curve: ``'linear'``, ``'cosine'`` or ``'exponential'`` (needs positive values).
        follow: Dotted path of an attribute whose value is ``w``, in place of the time.
    """

    def __init__(
        self,
        attribute: str,
        start: float,
        end: float,
        *,
        begin: float = 0.0,
        length: float = 0.9,
        curve: str = 'linear',
        follow: str | None = None,
    ) -> None:
        if curve not in CURVES:
            raise ValueError(f'LossWeightHook: curve {curve!r} is none of {sorted(CURVES)}')
        if curve == 'exponential' and not (start > 0 and end > 0):
            raise ValueError(
                f'LossWeightHook: an exponential curve needs positive ends, got {start} and {end}'
            )
        if not (0 <= begin < 1 and length > 0):
            raise ValueError(
                f'LossWeightHook: begin={begin} must be in [0, 1) and length={length} positive; '
                f'both are fractions of the run'
            )
        self.attribute = attribute
        self.start = start
        self.end = end
        self.begin = begin
        self.length = length
        self.curve = CURVES[curve]
        self.follow = follow
        # A follower reads what other hooks of this kind have set in the same iteration.
        self.priority = 'NORMAL' if follow is None else 'BELOW_NORMAL'

    def value(self, iteration: int, max_iters: int) -> float:
        """Weight at an iteration, from the time alone."""
        w = (iteration / max_iters - self.begin) / self.length
        return self.curve(self.start, self.end, min(max(w, 0.0), 1.0))

    def before_train(self, runner: Any) -> None:
        """Check early that the attributes exist."""
        for path in filter(None, (self.attribute, self.follow)):
            owner, name = _owner(unwrap(runner.model), path)
            if not isinstance(getattr(owner, name), int | float):
                raise TypeError(
                    f'LossWeightHook: {path!r} is a {type(getattr(owner, name)).__name__}, '
                    f'expected a float'
                )

    def before_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None) -> None:
        """Set and log the value of this iteration."""
        model = unwrap(runner.model)
        if self.follow is None:
            value = self.value(runner.iter, runner.max_iters)
        else:
            value = self.curve(self.start, self.end, getattr(*_owner(model, self.follow)))
        setattr(*_owner(model, self.attribute), value)
        runner.message_hub.update_scalar(f'train/{self.attribute}', value)


def _owner(model: nn.Module, path: str) -> tuple[Any, str]:
    """The object that holds an attribute, and the attribute's own name."""
    owner, child = None, model
    for part in path.split('.'):
        owner = child
        if not hasattr(owner, part):
            known = [*vars(owner), *owner._modules] if isinstance(owner, nn.Module) else []
            near = difflib.get_close_matches(part, known, n=1)
            raise ValueError(
                f'LossWeightHook: {type(model).__name__} has no {path!r}: '
                f'{"it is None" if owner is None else type(owner).__name__} where {part!r} is '
                f'looked up{f" (did you mean {near[0]!r}?)" if near else ""}; remove the hook, '
                f'or configure the part that it moves'
            )
        child = getattr(owner, part)
    return owner, part
