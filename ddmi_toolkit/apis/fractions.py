"""Lengths that are fractions of a run, so that its length is stated once."""

from collections.abc import Mapping
from typing import Any

from mmengine.config import Config

_TWO_OPTIMIZERS = 'AdversarialOptimWrapperConstructor'


def resolve_fractions(cfg: Config) -> None:
    """Turn lengths of schedulers that are given as fractions of the run into iterations, in place.

    Of two optimizers a list moves the autoencoder's; ``dict(autoencoder=[...],
    discriminator=[...])`` moves both.
    """
    schedulers = cfg.get('param_scheduler')
    if not schedulers:
        return
    total = cfg.get('train_cfg', {}).get('max_iters')
    if isinstance(schedulers, Mapping) and 'type' not in schedulers:
        cfg.param_scheduler = {k: _in_iterations(v, total) for k, v in schedulers.items()}
    elif cfg.get('optim_wrapper', {}).get('constructor') == _TWO_OPTIMIZERS:
        moved = _in_iterations(schedulers, total)
        cfg.param_scheduler = dict(autoencoder=moved, discriminator=[])
    else:
        cfg.param_scheduler = _in_iterations(schedulers, total)


def _in_iterations(schedulers: Any, total: int | None) -> list[Any]:
    """One scheduler or a list of them, fractions of ``total`` resolved."""
    schedulers = [schedulers] if isinstance(schedulers, Mapping) else schedulers
    for scheduler in schedulers:
        for key in ('begin', 'end', 'T_max'):
            value = scheduler.get(key)
            if not isinstance(value, float):
                continue
            if not 0 <= value <= 1 or total is None:
                raise ValueError(
                    f'param_scheduler {scheduler.get("type")!r} has {key}={value}; a float is a '
                    f'fraction of train_cfg.max_iters in [0, 1], iterations are integers'
                )
            scheduler[key] = round(value * total)
    # A phase of a very short run may have no iteration at all.
    return [s for s in schedulers if s.get('end', total) != s.get('begin', 0)]
