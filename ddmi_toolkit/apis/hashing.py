"""Hashes of configs: what a training, and what an evaluation, depends on."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from mmengine.config import Config

# What the weights after training do not depend on: left out of the hash of a config.
_HASH_IGNORES = frozenset(
    'num_workers persistent_workers pin_memory prefetch_factor root data_root in_memory cache_dir '
    'first_stage_checkpoint'.split()
)
# Hooks that only look.
_IDLE_HOOKS = frozenset(['ReconstructionHook', 'SampleHook'])


def config_hash(cfg: Config) -> str:
    """Hash of what the trained weights depend on (not of paths, workers or logging)."""
    parts = {
        key: cfg.get(key)
        for key in ('model', 'optim_wrapper', 'param_scheduler', 'custom_hooks', 'randomness')
    }
    parts['max_iters'] = cfg.get('train_cfg', {}).get('max_iters')
    parts['data'] = cfg.get('train_dataloader')
    parts['first_stage'] = cfg.get('first_stage', {}).get('hash')
    parts['custom_hooks'] = [
        hook for hook in parts['custom_hooks'] or [] if hook.get('type') not in _IDLE_HOOKS
    ]
    return _hash(parts)


def evaluation_hash(cfg: Config) -> str:
    """Hash of what the numbers of a checkpoint depend on besides its weights."""
    return _hash({k: cfg.get(k) for k in ('model', 'test_dataloader', 'test_evaluator')})


def _hash(parts: Mapping[str, Any]) -> str:
    text = json.dumps(_plain(parts), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items() if k not in _HASH_IGNORES}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value
