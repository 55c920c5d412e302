"""Diffusion Probabilistic Fields (Zhuang et al. 2023) on this package's runner."""

from .evaluator import ContextEvaluator
from .model import DiffusionField
from .noise import LatticeNoise
from .set_transformer import Pairs, SetTransformer

__all__ = ['ContextEvaluator', 'DiffusionField', 'LatticeNoise', 'Pairs', 'SetTransformer']
