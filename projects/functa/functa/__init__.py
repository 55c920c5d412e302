"""Functa: data as functions that a few gradient steps find, and a diffusion of their latents."""

from .linear_hypernetwork import LinearHypernetwork
from .model import Functa
from .residual_mlp import ResidualMLP

__all__ = ['Functa', 'LinearHypernetwork', 'ResidualMLP']
