"""What runs around the models: order of data, loop, checkpoints, hooks, processes."""

from .guard_hook import GuardHook
from .loop import SeededTrainLoop, seed_everything
from .loss_weight_hook import LossWeightHook
from .sampler import SeededInfiniteSampler
from .state_hook import StateHook
from .submodule_ema_hook import SubmoduleEMAHook, averaged_weights

__all__ = [
    'GuardHook',
    'LossWeightHook',
    'SeededInfiniteSampler',
    'SeededTrainLoop',
    'StateHook',
    'SubmoduleEMAHook',
    'averaged_weights',
    'seed_everything',
]
