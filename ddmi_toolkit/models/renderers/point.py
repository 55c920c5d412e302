"""Observation of a field at points: images, shapes, video, sound."""

from collections.abc import Mapping

import torch
from torch import Tensor

from ...registry import MODELS
from ...structures import Field, PlaneLayout, as_coords
from .base import AbstractRenderer


@MODELS.register_module()
class PointRenderer(AbstractRenderer):
    """The prediction is the field's value at the queried coordinates.

    Args:
        max_queries: Without gradients, queries evaluated at a time per field; None: all at once.
    """

    def __init__(self, max_queries: int | None = None) -> None:
        super().__init__()
        self.max_queries = max_queries

    def forward(self, field: Field, query: Mapping[str, Tensor], layout: PlaneLayout) -> Tensor:
        """Values ``(B, *S, C)``.

        Args:
            field: A batch of fields.
            query: ``{'points': (B, Q, D)}`` or ``{axis: (B, n)}``, optionally ``scale (B,)`` and
                ``dirs (B, Q, 3)``.
            layout: Axes of the coordinates.
        """
        coords, scale, dirs = as_coords(query, layout), query.get('scale'), query.get('dirs')
        if self.max_queries is None or torch.is_grad_enabled():
            return field(coords, scale=scale, dirs=dirs)
        return field.chunked(coords, self.max_queries, scale=scale, dirs=dirs)
