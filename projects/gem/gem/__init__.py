"""GEM: a latent per training item, on a manifold that is locally linear and isometric."""

from .distances import AbstractSignalDistance, MeanSquaredDistance, OccupiedDistance
from .item_index import ItemIndex
from .manifold import barycentric_weights, nearest
from .model import GEM

__all__ = [
    'GEM',
    'AbstractSignalDistance',
    'ItemIndex',
    'MeanSquaredDistance',
    'OccupiedDistance',
    'barycentric_weights',
    'nearest',
]
