"""Evaluating a config's checkpoint; every number keeps its protocol."""

import hashlib
from pathlib import Path

from mmengine.config import Config
from mmengine.runner import Runner

from ..engine import init_distributed, wrapper_config
from ..evaluation import Result
from ..utils import find_checkpoint
from .config import config_hash
from .inference import load_model


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
    is_distributed = init_distributed()
    path = Path(checkpoint or find_checkpoint(cfg.work_dir) or '')
    model = load_model(cfg, checkpoint and path)
    keys = (
        'work_dir test_dataloader test_cfg test_evaluator default_hooks env_cfg log_processor '
        'log_level visualizer default_scope randomness experiment_name'
    ).split()
    parts = {k: cfg[k] for k in keys if k in cfg}
    if is_distributed:
        parts |= dict(launcher='pytorch', cfg=Config(dict(model_wrapper_cfg=wrapper_config())))
    runner = Runner(model=model, **parts)
    metrics = runner.test()
    protocols = [metric.protocol() for metric in runner.test_evaluator.metrics]
    return Result(
        metrics=metrics,
        protocol={k: v for p in protocols for k, v in p.items()},
        config=cfg.experiment_name,
        config_hash=config_hash(cfg),
        checkpoint=path.name,
        checkpoint_hash=file_hash(path),
    )


def file_hash(path: str | Path) -> str:
    """First 16 hexadecimal digits of a file's SHA-256."""
    with open(path, 'rb') as file:
        return hashlib.file_digest(file, 'sha256').hexdigest()[:16]
