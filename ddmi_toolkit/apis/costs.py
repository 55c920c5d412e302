"""What a training and its evaluation cost."""

from statistics import fmean, median
from typing import Any

import torch
from mmengine.config import Config
from mmengine.runner import Runner

from ..registry import MODELS
from ..utils import find_checkpoint, load_checkpoint
from .config import load_config


def costs(cfg: Config, state: dict[str, Any]) -> dict[str, float]:
    """Costs of a config's stage and those before it, see :data:`ddmi_toolkit.evaluation.COSTS`.

    Args:
        cfg: Complete config.
        state: Its checkpoint.

    Returns:
        What is known: no times of a training that kept none, or whose checkpoint is gone.
    """
    parameters = sum(trainable_parameters(cfg).get(p, 0) for p in ('model', 'denoiser'))
    seconds = training_seconds(state)
    if 'first_stage' in cfg:
        first = load_config(cfg.first_stage.config, cfg.first_stage.options)
        parameters += trainable_parameters(first)['model']
        path = find_checkpoint(first.work_dir)
        seconds += float('nan') if path is None else training_seconds(load_checkpoint(path))
    known = dict(parameters=float(parameters), training_seconds=seconds)
    return {name: value for name, value in known.items() if value == value}


def item_seconds(runner: Runner) -> float:
    """Time per item of the test that a runner just did: median over its batches."""
    loader = runner.test_dataloader
    times, _ = runner.message_hub.get_scalar('test/time').data
    return float(median(times[-len(loader) :])) / loader.batch_size


def training_seconds(state: dict[str, Any]) -> float:
    """Time that a checkpoint's training took: iterations times their mean logged time."""
    times = state['message_hub']['log_scalars'].get('train/time', {}).get('log', [])
    return float(state['meta']['iter'] * fmean(map(float, times))) if len(times) else float('nan')


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
