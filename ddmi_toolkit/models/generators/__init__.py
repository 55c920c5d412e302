"""Latents to continuous fields: generated embeddings, or generated weights."""

from .base import AbstractGenerator
from .basis_decoder import AbstractBasisDecoder, BasisFieldDecoder
from .coordinate_mlp import AbstractCoordinateMLP, FourierMLP, RandomFourierMLP, Siren
from .heads import AbstractHead, LinearHead
from .hypernetwork import AbstractHypernetwork, MLPHypernetwork, TransformerHypernetwork
from .pe_generator import PEEvaluator, PEGenerator
from .plane_embedding import PlaneEmbedding
from .radiance_head import RadianceHead
from .readout import AbstractReadout, CFCReadout, ConcatReadout
from .styled import AbstractModulation, ScaleStyle, StyledHead
from .weight_generator import WeightGenerator
from .weight_modulation import (
    AbstractWeightModulation,
    FactorizedWeights,
    FullWeights,
    GroupedWeights,
    ShiftedBiases,
)

__all__ = [
    'AbstractBasisDecoder',
    'AbstractCoordinateMLP',
    'AbstractGenerator',
    'AbstractHead',
    'AbstractHypernetwork',
    'AbstractModulation',
    'AbstractReadout',
    'AbstractWeightModulation',
    'BasisFieldDecoder',
    'CFCReadout',
    'ConcatReadout',
    'FactorizedWeights',
    'FourierMLP',
    'FullWeights',
    'GroupedWeights',
    'LinearHead',
    'MLPHypernetwork',
    'PEEvaluator',
    'PEGenerator',
    'PlaneEmbedding',
    'RadianceHead',
    'RandomFourierMLP',
    'ScaleStyle',
    'ShiftedBiases',
    'Siren',
    'StyledHead',
    'TransformerHypernetwork',
    'WeightGenerator',
]
