"""Gradients of both real models at a tiny size, by one process or by several under ``torchrun``."""

import sys
from pathlib import Path

import torch
from mmengine.dist import get_dist_info
from shrink import shrink
from tiny_run import RecordGradients, build_runner
from torch import nn

from ddmi_toolkit.engine import init_distributed, wrapper_config
from ddmi_toolkit.registry import MODELS

NO_VAL = dict(val_dataloader=None, val_cfg=None, val_evaluator=None)
STAGES = dict(
    first='d2c_vae/shapenet_chair.py',
    second='ddmi/shapenet_chair.py',
    game='d2c_vae/procedural_image.py',
)
GAME = dict(patch=dict(type='PatchAdversarialLoss', base_channels=8, num_layers=2))
CASES = [(stage, dtype) for stage in STAGES for dtype in ('float64', 'float32')]
GLOBAL_BATCH = 4


class Cast(nn.Module):
    """Data preprocessor: real numbers of a batch in the type of the model."""

    def __init__(self, dtype):
        super().__init__()
        self.dtype = dtype

    def forward(self, data, training=False):
        if isinstance(data, dict):
            return {k: self(v) for k, v in data.items()}
        is_real = torch.is_tensor(data) and data.is_floating_point()
        return data.to(self.dtype) if is_real else data


def build_model(stage, dtype, folder):
    """A shrunk model all of whose weights differ from zero, the same in every process."""
    dtype = getattr(torch, dtype)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        config = shrink(STAGES[stage], folder).model
        if stage == 'game':
            config.adversarial = GAME
        model = MODELS.build(config)
        for parameter in model.parameters():
            parameter.data.add_(0.02 * torch.randn_like(parameter))
    model.data_preprocessor = Cast(dtype)
    return model.to(dtype)


def train(stage, dtype, folder):
    """Gradients of three steps by parameter, and the buffers after them."""
    _, world_size = get_dist_info()
    parallel = dict(launcher='pytorch', cfg=dict(model_wrapper_cfg=wrapper_config()))
    model = build_model(stage, dtype, folder)
    optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=1e-4))
    if stage == 'game':
        optim_wrapper['constructor'] = 'AdversarialOptimWrapperConstructor'
    dataset = shrink(
        STAGES['first' if stage == 'second' else stage], folder
    ).train_dataloader.dataset
    dataset['num_images' if stage == 'game' else 'num_shapes'] = 7
    runner = build_runner(
        Path(folder) / stage / dtype,
        max_iters=3,
        model=model,
        loader=dict(batch_size=GLOBAL_BATCH // world_size, dataset=dict(dataset)),
        optim_wrapper=optim_wrapper,
        custom_hooks=[dict(type='RecordGradients')],
        **NO_VAL,
        **(parallel if world_size > 1 else {}),
    )
    runner.train()
    steps = next(h for h in runner.hooks if isinstance(h, RecordGradients)).steps
    names = [n for n, p in model.named_parameters() if p.requires_grad]
    assert all(len(step) == len(names) for step in steps)
    return [dict(zip(names, s, strict=True)) for s in steps], dict(model.named_buffers())


def main():
    """Run all cases; every process writes ``<rank>.pt``."""
    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    assert init_distributed()
    found = {'-'.join(case): train(*case, folder) for case in CASES}
    torch.save(found, folder / f'{get_dist_info()[0]}.pt')


if __name__ == '__main__':
    main()
