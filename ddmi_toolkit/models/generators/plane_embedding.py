"""Adaptive positional embeddings: basis fields looked up at coordinates."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from ...structures import Coords, PlaneLayout


class PlaneEmbedding(nn.Module):
    """``p^i = gamma(c; Xi^i)`` of DDMI section 3.1: bilinear lookups, reduced over the planes.

    Args:
        layout: Planes that coordinates are projected to.
        reduce: ``'sum'`` or ``'concat'`` (on channels, in layout order).

    Raises:
        ValueError: Another ``reduce``.
    """

    def __init__(self, layout: PlaneLayout, reduce: str = 'sum') -> None:
        super().__init__()
        if reduce not in ('sum', 'concat'):
            raise ValueError(f"reduce must be 'sum' or 'concat', got {reduce!r}")
        self.layout, self.reduce = layout, reduce

    def out_channels(self, channels: int) -> int:
        """Channels of an embedding of basis fields of so many channels."""
        return channels * (len(self.layout.planes) if self.reduce == 'concat' else 1)

    def forward(self, levels: Sequence[Mapping[str, Tensor]], coords: Coords) -> list[Tensor]:
        """Embeddings at coordinates.

        Args:
            levels: Per scale, ``{plane: (B, C, rows, cols)}``.
            coords: Where to look up, ``Points`` or ``Grid``.

        Returns:
            Per scale, ``(B, *S, C)`` or ``(B, *S, P * C)``.
        """
        grids = {p: coords.project(p) for p in self.layout.planes}
        return [self._embed(level, coords, grids) for level in levels]

    def _embed(
        self, level: Mapping[str, Tensor], coords: Coords, grids: Mapping[str, Tensor]
    ) -> Tensor:
        feats = [
            coords.spread(p, self.layout.sample(p, level[p], grid))  # (B, *S, C)
            for p, grid in grids.items()
        ]
        if self.reduce == 'concat':
            return torch.cat(feats, dim=-1)
        total = feats[0]
        for x in feats[1:]:
            total = total + x
        return total
