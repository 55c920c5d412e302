"""Training either stage by one command, and picking up where a killed run stopped."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import torch
from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.runner import Runner

from ..engine import init_distributed, wrapper_config
from ..registry import DATASETS, HOOKS, LOOPS, METRICS, MODELS
from ..utils import find_checkpoint, load_checkpoint
from .config import config_hash, load_config, run_name

State = Literal['missing', 'partial', 'done']


def check_config(cfg: Config, with_files: bool = False) -> None:
    """Build the model on the meta device, and look at what is built later.

    Mistakes in a config surface before data is read.

    Args:
        cfg: Complete config.
        with_files: Whether weights of networks trained elsewhere must be there, too.

    Raises:
        ValueError, TypeError, FileNotFoundError: As the component says, led by the config's name.
    """
    with torch.device('meta'):
        try:
            model = MODELS.build(cfg.model)
            for part in model.modules() if with_files else ():
                getattr(part, 'require_files', lambda: None)()
            check_arguments(cfg)
        except (ValueError, TypeError, KeyError, FileNotFoundError) as error:
            raise type(error)(f'{cfg.get("experiment_name", "config")}: {error}') from error


def check_arguments(cfg: Config) -> None:
    """Look at the names of types and arguments of data sets, metrics, loops and hooks.

    Raises:
        ValueError, TypeError: As the registry says.
    """
    for part in ('train', 'val', 'test'):
        if loader := cfg.get(f'{part}_dataloader'):
            DATASETS.check(loader['dataset'])
        metrics = cfg.get(f'{part}_evaluator') or ()
        for metric in [metrics] if isinstance(metrics, Mapping) else metrics:
            METRICS.check(metric)
    LOOPS.check(cfg.get('train_cfg'), offered=('runner', 'dataloader'))
    for hook in cfg.get('custom_hooks') or ():
        HOOKS.check(hook)


def run_state(cfg: Config) -> tuple[State, Path | None]:
    """How far training has come in a config's ``work_dir``, and its newest readable checkpoint.

    Raises:
        ValueError: The checkpoint is of a different config.
    """
    path = find_checkpoint(cfg.work_dir)
    if path is None:
        return 'missing', None
    meta = load_checkpoint(path)['meta']
    found, wanted = meta.get('config_hash'), config_hash(cfg)
    if found != wanted:
        raise ValueError(
            f'{path} was trained with another config (hash {found}, now {wanted}); choose another '
            f'folder (--work-dir, of tools/ablate.py --out), or move {cfg.work_dir} away to start '
            f'over'
        )
    return ('done' if meta['iter'] >= cfg.train_cfg.max_iters else 'partial'), path


def train(cfg: Config) -> Path:
    """Train a config's model, its first stage before it if that is not done.

    A finished run is left alone, a partial one is resumed, a missing one started. Several
    processes (``torchrun``) train one model.

    Args:
        cfg: Complete config of either stage.

    Returns:
        The final checkpoint.

    Raises:
        ValueError: A work folder holds a run of another config.
        FloatingPointError: A loss is not finite.
    """
    init_distributed()
    check_config(cfg, with_files=True)
    if 'first_stage' in cfg:
        cfg = copy.deepcopy(cfg)
        first = load_config(cfg.first_stage.config, cfg.first_stage.options)
        cfg.model.first_stage_checkpoint = str(train(first))
    state, path = run_state(cfg)
    print_log(f'{cfg.experiment_name}: {_WORDS[state].format(path)}', logger='current')
    if state != 'done':
        _run(cfg, path)
        path = find_checkpoint(cfg.work_dir)
    return path


_WORDS: dict[State, str] = dict(
    missing='training from the start', partial='resuming {}', done='trained already, {}'
)


def _run(cfg: Config, resume_from: Path | None) -> None:
    cfg = copy.deepcopy(cfg)
    cfg.default_hooks.setdefault('checkpoint', dict(type='StateHook'))
    cfg.default_hooks.checkpoint.meta = dict(config_hash=config_hash(cfg))
    # Assigned in every case: a dumped config carries those of the run that wrote it.
    cfg.load_from = None if resume_from is None else str(resume_from)
    cfg.resume = resume_from is not None
    is_distributed = torch.distributed.is_initialized()
    cfg.launcher = 'pytorch' if is_distributed else 'none'
    cfg.model_wrapper_cfg = wrapper_config() if is_distributed else None
    cfg.experiment_name = run_name(cfg)
    runner = Runner.from_cfg(cfg)
    try:
        runner.train()
    finally:
        for handler in runner.logger.handlers:
            handler.flush()
