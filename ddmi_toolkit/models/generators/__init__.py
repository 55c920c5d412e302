"""Latents to continuous fields: generated embeddings, or generated weights."""

from .base import AbstractGenerator
from .basis_decoder import AbstractBasisDecoder, BasisFieldDecoder
from .pe_generator import PEEvaluator, PEGenerator
from .plane_embedding import PlaneEmbedding
from .readout import AbstractHead, AbstractReadout, CFCReadout, ConcatReadout, LinearHead
from .weight_generator import WeightEvaluator, WeightGenerator

__all__ = [
    'AbstractBasisDecoder',
    'AbstractGenerator',
    'AbstractHead',
    'AbstractReadout',
    'BasisFieldDecoder',
    'CFCReadout',
    'ConcatReadout',
    'LinearHead',
    'PEEvaluator',
    'PEGenerator',
    'PlaneEmbedding',
    'WeightEvaluator',
    'WeightGenerator',
]
