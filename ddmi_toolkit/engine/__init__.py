"""What runs around the models: order of data, loop, checkpoints, hooks, processes."""

from .adversarial_optim import AdversarialOptimWrapperConstructor
from .autocast_optim_wrapper import AutocastOptimWrapper
from .dist import DistributedModel, init_distributed, wrapper_config
from .guard_hook import GuardHook
from .latent_cache_hook import LatentCacheHook, cache_key
from .latent_stats_hook import LatentStatsHook
from .latent_store import LatentStore, StorePlan
from .loop import SeededTrainLoop, seed_everything
from .loss_weight_hook import LossWeightHook
from .sample_hook import ReconstructionHook, SampleHook
from .sampler import SeededInfiniteSampler
from .state_hook import StateHook
from .submodule_ema_hook import SubmoduleEMAHook, averaged_weights
from .throughput_hook import ThroughputHook
from .vocabulary_hook import VocabularyHook

__all__ = [
    'AdversarialOptimWrapperConstructor',
    'AutocastOptimWrapper',
    'DistributedModel',
    'GuardHook',
    'LatentCacheHook',
    'LatentStatsHook',
    'LatentStore',
    'LossWeightHook',
    'ReconstructionHook',
    'SampleHook',
    'SeededInfiniteSampler',
    'SeededTrainLoop',
    'StateHook',
    'StorePlan',
    'SubmoduleEMAHook',
    'ThroughputHook',
    'VocabularyHook',
    'averaged_weights',
    'cache_key',
    'init_distributed',
    'seed_everything',
    'wrapper_config',
]
