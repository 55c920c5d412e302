"""Generation of positional embeddings: the method of DDMI."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ...registry import MODELS
from ...structures import Coords, Field, PlaneLayout, basis_key
from .base import AbstractGenerator
from .basis_decoder import AbstractBasisDecoder
from .plain import plain
from .plane_embedding import PlaneEmbedding
from .readout import AbstractReadout


@MODELS.register_module()
class PEEvaluator(nn.Module):
    """Evaluates basis fields at coordinates: lookup, then the shared read-out network.

    Args:
        layout: Arguments of :class:`PlaneLayout`.
        reduce: How the planes' lookups are combined, ``'sum'`` or ``'concat'``.
        readout: Config of the read-out network.
        num_levels: Number of scales.
        channels: Channels of a basis field.
    """

    def __init__(
        self,
        layout: dict[str, Any],
        reduce: str,
        readout: dict[str, Any],
        num_levels: int,
        channels: int,
    ) -> None:
        super().__init__()
        self.layout, self.num_levels = PlaneLayout(**layout), num_levels
        self.embedding = PlaneEmbedding(self.layout, reduce)
        self.readout = MODELS.build(
            readout,
            role=AbstractReadout,
            default_args=dict(
                embedding_channels=self.embedding.out_channels(channels),
                num_levels=num_levels,
                num_coords=self.layout.dim,
            ),
        )

    def forward(
        self,
        state: Mapping[str, Tensor],
        coords: Coords,
        scale: Tensor | None = None,
        dirs: Tensor | None = None,
    ) -> Tensor:
        """Values ``(B, *S, C)`` of the basis fields ``{'level<i>.<plane>': (B, C_p, r, c)}``."""
        levels = [
            {p: state[basis_key(i, p)] for p in self.layout.planes} for i in range(self.num_levels)
        ]
        embeddings = self.embedding(levels, coords)
        raw = normalized(coords, self.layout) if self.readout.uses_coords else None
        return self.readout(embeddings, raw, scale=scale, dirs=dirs)


def normalized(coords: Coords, layout: PlaneLayout) -> Tensor:
    """All coordinates ``(B, *S, D)``, each axis in [-1, 1]."""
    dense = coords.dense()
    return torch.stack(
        [layout.normalize(a, dense[..., i]) for i, a in enumerate(layout.axes)], dim=-1
    )


@MODELS.register_module()
class PEGenerator(AbstractGenerator):
    """Latent to basis fields to a field whose positional embedding is looked up in them.

    Args:
        layout: Planes.
        in_channels: Latent channels ``C``.
        decoder: Config of a decoder, latent to basis fields.
        readout: Config of a read-out network, embeddings to values.
        reduce: How the planes' embeddings are combined, ``'sum'`` (published shapes) or
            ``'concat'`` (published video).
    """

    def __init__(
        self,
        layout: PlaneLayout,
        in_channels: int,
        decoder: dict[str, Any],
        readout: dict[str, Any],
        reduce: str = 'sum',
    ) -> None:
        super().__init__()
        self.layout = layout
        self.decoder = MODELS.build(
            decoder,
            role=AbstractBasisDecoder,
            default_args=dict(layout=layout, in_channels=in_channels),
        )
        self.spec = dict(
            type='PEEvaluator',
            layout=layout.config,
            reduce=reduce,
            readout=plain(readout),
            num_levels=self.decoder.num_levels,
            channels=self.decoder.out_channels,
        )
        self.evaluator = MODELS.build(self.spec)
        self.out_channels = self.evaluator.readout.out_channels

    def forward(self, z: Tensor) -> Field:
        """Latents ``(B, C, N)`` to a batch of fields."""
        state = {
            basis_key(i, plane): x
            for i, level in enumerate(self.decoder(z))
            for plane, x in level.items()
        }
        return Field(self.evaluator, state, self.layout, self.out_channels, self.spec)
