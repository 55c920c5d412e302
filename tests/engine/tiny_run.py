"""A runner that trains a tiny model in milliseconds; as a script, a run that can be killed."""

import argparse
import json
import logging
import os
import signal
import sys
from pathlib import Path

import torch
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.optim import OptimWrapperDict
from mmengine.runner import Runner
from torch import nn
from torch.utils.data import Dataset

import ddmi_toolkit.engine  # noqa: F401  registers what the configs name
from ddmi_toolkit.registry import DATASETS, HOOKS, METRICS, MODELS
from ddmi_toolkit.structures import Draw, mix_seed, seeded_normal


@DATASETS.register_module(force=True)
class TinyData(Dataset):
    """Vectors that depend on (seed, index, visit); counts its reads in this process."""

    reads = 0

    def __init__(self, size=12, dim=4):
        self.size, self.dim = size, dim
        self.metainfo = dict(name='tiny')

    def __len__(self):
        return self.size

    def __getitem__(self, key):
        TinyData.reads += 1
        draw = key if isinstance(key, Draw) else Draw(int(key))
        seed = mix_seed(draw.seed, draw.index, draw.visit)
        inputs = seeded_normal([seed], (self.dim,), 'data')[0] + draw.index
        return dict(inputs=inputs, seed=seed, meta=dict(name=f'item{draw.index}'))


@MODELS.register_module(force=True)
class TinyModel(BaseModel):
    """Regression with dropout (global random state) and noise of its own (seeds)."""

    def __init__(self, dim=4, nan_at=None, dropout=0.2, dtype='float32'):
        super().__init__()
        self.denoiser = nn.Sequential(nn.Linear(dim, 8), nn.Dropout(dropout), nn.Linear(8, dim))
        self.diffuser = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, dim)
        self.kl_weight = 1.0
        self.nan_at, self.calls = nan_at, 0
        self.to(getattr(torch, dtype))

    def forward(self, inputs, seed, meta=None, mode='loss'):
        inputs = inputs.to(self.head.weight.dtype)
        noise = seeded_normal(seed, inputs.shape[1:], 'noise', dtype=inputs.dtype)
        out = self.head(self.diffuser(self.denoiser(inputs + noise)))
        if mode == 'predict':
            return [dict(pred=o) for o in out]
        self.calls += 1
        loss = (out - inputs).square().mean() * self.kl_weight
        return dict(loss_fit=loss * float('nan') if self.calls == self.nan_at else loss)


@METRICS.register_module(force=True)
class GreedyMetric(BaseMetric):
    """Consumes global randomness, as a careless metric does; reports the mean prediction."""

    default_prefix = 'tiny'

    def process(self, data_batch, data_samples):
        torch.rand(7)
        self.results += [float(s['pred'].mean()) for s in data_samples]

    def compute_metrics(self, results):
        return dict(mean=sum(results) / len(results))


@HOOKS.register_module(force=True)
class RecordLosses(Hook):
    """Keeps every loss; kills the process after an iteration when asked to."""

    def __init__(self, kill_after=None, file=None):
        self.losses, self.names = [], []
        self.kill_after, self.file = kill_after, file

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.losses.append(outputs['loss'].item())
        self.names += data_batch['meta']['name']
        if self.file:
            with open(self.file, 'a') as f:
                f.write(json.dumps([runner.iter, self.losses[-1]]) + '\n')
        if runner.iter + 1 == self.kill_after:
            os.kill(os.getpid(), signal.SIGKILL)


@HOOKS.register_module(force=True)
class StopAfter(Hook):
    """Stops a run as a user does."""

    def __init__(self, iteration):
        self.iteration = iteration

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter + 1 == self.iteration:
            raise KeyboardInterrupt


@HOOKS.register_module(force=True)
class RecordGradients(Hook):
    """Keeps what the optimizers were given in each step, one after the other."""

    def __init__(self):
        self.steps = []

    def before_train(self, runner):
        def keep(optimizer, *_):
            if optimizer is optimizers[0]:
                self.steps.append([])
            parameters = [p for g in optimizer.param_groups for p in g['params']]
            self.steps[-1] += [p.grad.clone() for p in parameters if p.grad is not None]

        wrapper = runner.optim_wrapper
        wrappers = wrapper.values() if isinstance(wrapper, OptimWrapperDict) else [wrapper]
        optimizers = [w.optimizer for w in wrappers]
        for optimizer in optimizers:
            optimizer.register_step_pre_hook(keep)


@HOOKS.register_module(force=True)
class BreakWeights(Hook):
    """Sets one weight to infinity after an iteration."""

    def __init__(self, iteration):
        self.iteration = iteration

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter + 1 == self.iteration:
            runner.model.head.bias.data[0] = float('inf')


def loader_config(**changes):
    """Batches of three in the seeded order."""
    config = dict(
        batch_size=3,
        num_workers=0,
        dataset=dict(type='TinyData'),
        sampler=dict(type='SeededInfiniteSampler'),
        collate_fn=dict(type='default_collate'),
    )
    return config | changes


def validation_config():
    """One batch of four, seen by a metric that draws random numbers."""
    loader = dict(
        batch_size=4,
        dataset=dict(type='TinyData', size=4),
        sampler=dict(type='DefaultSampler', shuffle=False),
        collate_fn=dict(type='default_collate'),
    )
    return dict(val_dataloader=loader, val_cfg=dict(), val_evaluator=dict(type='GreedyMetric'))


def hooks_config(hooks=(), **state):
    """Hooks of a run; ``state`` goes to the one that saves."""
    default = dict(
        checkpoint=dict(type='StateHook', interval=10) | state,
        guard=dict(type='GuardHook'),
        throughput=dict(type='ThroughputHook'),
        logger=dict(type='LoggerHook', interval=5, log_metric_by_epoch=False),
    )
    custom = [
        dict(type='SubmoduleEMAHook', momentum=0.1),
        dict(type='LossWeightHook', attribute='kl_weight', start=0.1, end=1.0),
        dict(type='RecordLosses'),
        *hooks,
    ]
    return dict(default_hooks=default, custom_hooks=custom)


def build_runner(work_dir, max_iters=40, *, loader=None, hooks=(), state=None, **changes):
    """A runner over ``TinyData``; ``changes`` replace or extend top-level arguments."""
    arguments = dict(
        model=dict(type='TinyModel'),
        work_dir=str(work_dir),
        train_dataloader=loader_config(**(loader or {})),
        train_cfg=dict(type='SeededTrainLoop', max_iters=max_iters, val_interval=7),
        optim_wrapper=dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-2)),
        param_scheduler=[dict(type='CosineAnnealingLR', T_max=40, by_epoch=False)],
        log_processor=dict(by_epoch=False),
        default_scope='ddmi_toolkit',
        randomness=dict(seed=3),
        experiment_name=f'tiny_{Path(work_dir).name}_{os.urandom(4).hex()}',
        log_level='ERROR',
        **hooks_config(hooks, **(state or {})),
        **validation_config(),
    )
    logging.getLogger().setLevel(logging.ERROR)
    return Runner(**arguments | changes)


def losses_of(runner):
    """What ``RecordLosses`` has recorded."""
    return next(h for h in runner.hooks if isinstance(h, RecordLosses)).losses


def main():
    """Train, and die when told to."""
    parser = argparse.ArgumentParser()
    parser.add_argument('work_dir')
    parser.add_argument('--kill-after', type=int)
    parser.add_argument('--workers', type=int, default=0)
    parser.add_argument('--resume', action='store_true')
    args = parser.parse_args()
    record = dict(type='RecordLosses', kill_after=args.kill_after, file=f'{args.work_dir}.losses')
    runner = build_runner(
        args.work_dir,
        hooks=[record],
        resume=args.resume,
        loader=dict(num_workers=args.workers, persistent_workers=args.workers > 0),
    )
    runner.train()


if __name__ == '__main__':
    torch.set_num_threads(1)
    sys.exit(main())
