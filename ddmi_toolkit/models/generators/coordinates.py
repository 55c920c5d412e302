"""Raw coordinates as an input beside the generated embeddings."""

import math

from torch import Tensor, nn

from ...layers.embedding import FourierFeatures


class CoordinateInput(nn.Module):
    """Normalized coordinates to features: a linear map, of Fourier features if asked for.

    Args:
        num_coords: Number ``D`` of coordinates.
        out_channels: Channels of the features.
        kind: ``'linear'`` (the published shapes) or ``'fourier'``.
        num_frequencies: Octaves of ``'fourier'``; the lowest has period 2, the width of the box.

    Raises:
        ValueError: Another kind.
    """

    def __init__(
        self, num_coords: int, out_channels: int, kind: str, num_frequencies: int = 6
    ) -> None:
        super().__init__()
        if kind not in ('linear', 'fourier'):
            raise ValueError(f"coordinates must be 'none', 'linear' or 'fourier', got {kind!r}")
        self.features = (
            nn.Identity()
            if kind == 'linear'
            else FourierFeatures(num_coords, num_frequencies, scale=math.pi)
        )
        width = num_coords if kind == 'linear' else self.features.out_channels
        self.linear = nn.Linear(width, out_channels)

    def forward(self, coords: Tensor) -> Tensor:
        """``(..., D)`` in [-1, 1] to ``(..., out_channels)``."""
        return self.linear(self.features(coords))
