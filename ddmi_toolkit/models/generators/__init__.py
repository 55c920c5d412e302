"""Latents to continuous fields: generated embeddings, or generated weights."""

from .base import AbstractGenerator
from .basis_decoder import AbstractBasisDecoder, BasisFieldDecoder
from .heads import AbstractHead, LinearHead
from .pe_generator import PEEvaluator, PEGenerator
from .plane_embedding import PlaneEmbedding
from .radiance_head import RadianceHead
from .readout import AbstractReadout, CFCReadout, ConcatReadout
from .styled import AbstractModulation, ScaleStyle, StyledHead
from .weight_generator import WeightEvaluator, WeightGenerator

__all__ = [
    'AbstractBasisDecoder',
    'AbstractGenerator',
    'AbstractHead',
    'AbstractModulation',
    'AbstractReadout',
    'BasisFieldDecoder',
    'CFCReadout',
    'ConcatReadout',
    'LinearHead',
    'PEEvaluator',
    'PEGenerator',
    'PlaneEmbedding',
    'RadianceHead',
    'ScaleStyle',
    'StyledHead',
    'WeightEvaluator',
    'WeightGenerator',
]
