"""What a training and its evaluation cost."""

from statistics import fmean, median
from typing import Any

import torch
from mmengine.config import Config
from mmengine.runner import Runner

from ..registry import MODELS
from ..utils import find_checkpoint, load_checkpoint

UNKNOWN = float('nan')


def costs(cfg: Config, state: dict[str, Any]) -> dict[str, float]:
    """Costs of a config's stage and those before it, see :data:`ddmi_toolkit.evaluation.COSTS`.

    Args:
        cfg: Complete config.
        state: Its checkpoint.

    Returns:
        Parameters, and the time of training, nan if a checkpoint says nothing of it or is gone.
    """
    parameters, seconds = trainable_parameters(cfg), training_seconds(state)
    if 'first_stage' not in cfg:
        return dict(parameters=parameters['model'], training_seconds=seconds)
    first = trainable_parameters(Config(dict(model=cfg.model.first_stage)))
    path = find_checkpoint(cfg.first_stage.work_dir)
    return dict(
        parameters=first['model'] + parameters['denoiser'],
        training_seconds=seconds
        + (UNKNOWN if path is None else training_seconds(load_checkpoint(path))),
    )


def item_seconds(runner: Runner) -> float:
    """Time per item of the test that a runner just did: median over its batches, nan if unknown."""
    loader, times = runner.test_dataloader, runner.message_hub.log_scalars.get('test/time')
    if times is None:
        return UNKNOWN
    values, _ = times.data
    return float(median(values[-len(loader) :])) / loader.batch_size


def training_seconds(state: dict[str, Any]) -> float:
    """Time of a checkpoint's training: iterations times their mean logged time, nan if unknown."""
    scalars = state.get('message_hub', {}).get('log_scalars', {})
    times = scalars.get('train/time', {}).get('log', [])
    return float(state['meta']['iter'] * fmean(map(float, times))) if len(times) else UNKNOWN


def trainable_parameters(cfg: Config) -> dict[str, int]:
    """Numbers of trainable parameters of a config's model, by part; discriminators not counted.

    Returns:
        Of stage 1 ``dict(model[, generator])``, of stage 2 ``dict(denoiser)``.
    """
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    if 'first_stage' in cfg:
        names = ['denoiser']
    else:
        names = ['', 'generator'] if hasattr(model, 'generator') else ['']
    counts = {}
    for name in names:
        part = model.get_submodule(name)
        counts[name or 'model'] = sum(
            p.numel()
            for key, p in part.named_parameters()
            if p.requires_grad and not key.startswith('adversarial')
        )
    return counts
