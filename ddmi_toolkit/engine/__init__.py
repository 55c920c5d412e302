"""What runs around the models: order of data, loop, checkpoints, hooks, processes."""

from .autocast_optim_wrapper import AutocastOptimWrapper
from .dist import init_distributed, wrapper_config
from .guard_hook import GuardHook
from .loop import SeededTrainLoop, seed_everything
from .loss_weight_hook import LossWeightHook
from .sampler import SeededInfiniteSampler
from .state_hook import StateHook
from .submodule_ema_hook import SubmoduleEMAHook, averaged_weights
from .throughput_hook import ThroughputHook

__all__ = [
    'AutocastOptimWrapper',
    'GuardHook',
    'LossWeightHook',
    'SeededInfiniteSampler',
    'SeededTrainLoop',
    'StateHook',
    'SubmoduleEMAHook',
    'ThroughputHook',
    'averaged_weights',
    'init_distributed',
    'seed_everything',
    'wrapper_config',
]
