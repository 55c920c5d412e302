"""Short runs whose gradients are kept, by one process or by several under ``torchrun``."""

import sys
from pathlib import Path

import tiny_latent  # noqa: F401  registers the tiny model
import torch
from mmengine.dist import get_dist_info
from tiny_run import RecordGradients, build_runner

from ddmi_toolkit.engine import init_distributed, wrapper_config

NO_VAL = dict(val_dataloader=None, val_cfg=None, val_evaluator=None)
CASES = dict(
    float64=dict(model=dict(type='TinyModel', dropout=0.0, dtype='float64')),
    float32=dict(model=dict(type='TinyModel', dropout=0.0)),
    latent=dict(model=dict(type='TinyLatent')),
    cached=dict(model=dict(type='TinyLatent')),
)
GLOBAL_BATCH = 6


def gradients(case, folder, cache_dir):
    """Gradients of four steps, each a list over parameters."""
    _, world_size = get_dist_info()
    arguments = dict(CASES[case])
    dataset = dict(type='TinyData')
    if case == 'cached':
        dataset = dict(type='LatentCache', dataset=dataset, cache_dir=str(cache_dir))
    if world_size > 1:
        arguments |= dict(launcher='pytorch', cfg=dict(model_wrapper_cfg=wrapper_config()))
    with torch.random.fork_rng():
        torch.manual_seed(1)
        runner = build_runner(
            Path(folder) / case,
            max_iters=4,
            loader=dict(batch_size=GLOBAL_BATCH // world_size, dataset=dataset),
            optim_wrapper=dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=1e-2)),
            custom_hooks=[dict(type='LatentCacheHook'), dict(type='RecordGradients')],
            **NO_VAL,
            **arguments,
        )
    runner.train()
    return next(h for h in runner.hooks if isinstance(h, RecordGradients)).steps


def main():
    """Run all cases; the first process writes ``gradients.pt``."""
    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    assert init_distributed()
    found = {case: gradients(case, folder, folder / 'latents') for case in CASES}
    if get_dist_info()[0] == 0:
        torch.save(found, folder / 'gradients.pt')


if __name__ == '__main__':
    main()
