"""Evaluating a config's checkpoint; every number keeps its protocol."""

import hashlib
import logging
import math
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.runner import Runner

from ..engine import init_distributed, wrapper_config
from ..evaluation import Result
from ..utils import load_checkpoint
from .config import config_hash, run_name
from .costs import costs, item_seconds
from .loading import find_or_name, load_model
from .training import check_arguments


def evaluate(cfg: Config, checkpoint: str | Path | None = None) -> Result:
    """Run the metrics of a config's stage and domain.

    Args:
        cfg: Complete config (:func:`load_config`).
        checkpoint: File; by default the newest readable one of the config's ``work_dir``.

    Returns:
        The values, with what must be equal for two such results to be compared.

    Raises:
        FileNotFoundError: No checkpoint is there.
        ValueError: The checkpoint does not fit the config, or the config has nothing to test.
    """
    if not cfg.get('test_evaluator'):
        raise ValueError(f'{cfg.experiment_name} has no test_evaluator; add one to its data base')
    check_arguments(cfg)
    is_distributed = init_distributed()
    path = find_or_name(cfg, checkpoint)
    state = load_checkpoint(path)
    _warn_of_another_training(cfg, path, state['meta'])
    model = load_model(cfg, path)
    if is_distributed:  # the runner wraps it, and the wrapper refuses a model without gradients
        model.requires_grad_(True)
    keys = (
        'work_dir test_dataloader test_cfg test_evaluator default_hooks env_cfg log_processor '
        'log_level visualizer default_scope randomness'
    ).split()
    parts = {k: cfg[k] for k in keys if k in cfg}
    if is_distributed:
        parts |= dict(launcher='pytorch', cfg=Config(dict(model_wrapper_cfg=wrapper_config())))
    runner = Runner(model=model, experiment_name=run_name(cfg), **parts)
    spent = costs(cfg, state)
    metrics = runner.test()
    spent['item_seconds'] = item_seconds(runner)
    protocols = [metric.protocol() for metric in runner.test_evaluator.metrics]
    return Result(
        metrics=metrics,
        protocol={k: v for p in protocols for k, v in p.items()},
        config=cfg.experiment_name,
        config_hash=config_hash(cfg),
        checkpoint=path.name,
        checkpoint_hash=file_hash(path),
        costs={name: value for name, value in spent.items() if math.isfinite(value)},
    )


def _warn_of_another_training(cfg: Config, path: Path, meta: dict[str, Any]) -> None:
    """Say so when the weights are of another config, or of a run that is not finished."""
    found, wanted = meta.get('config_hash'), config_hash(cfg)
    if found not in (None, wanted):
        print_log(
            f'{path} was trained with another config (hash {found}, now {wanted}); its numbers '
            f'are of those weights under this config',
            logger='current',
            level=logging.WARNING,
        )
    if meta.get('iter', 0) < cfg.train_cfg.max_iters and found == wanted:
        print_log(
            f'{path} is of iteration {meta.get("iter")} of {cfg.train_cfg.max_iters}',
            logger='current',
            level=logging.WARNING,
        )


def file_hash(path: str | Path) -> str:
    """First 16 hexadecimal digits of a file's SHA-256."""
    with open(path, 'rb') as file:
        return hashlib.file_digest(file, 'sha256').hexdigest()[:16]
