"""A read-out in which finer scales gate coarser features."""

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from ddmi_toolkit.models.generators import AbstractHead, AbstractReadout
from ddmi_toolkit.registry import MODELS


@MODELS.register_module()
class GatedReadout(AbstractReadout):
    """Features ``h_i = h_{i-1} * sigmoid(A_i p_i) + silu(B_i p_i)``, coarse to fine.

    Args:
        embedding_channels: Channels ``C_p`` of an embedding.
        num_levels: Number of scales.
        head: Config of the head.
        width: Channels of the features.
    """

    uses_coords = False

    def __init__(
        self, embedding_channels: int, num_levels: int, head: dict[str, Any], width: int = 64
    ) -> None:
        super().__init__()
        self.gates = nn.ModuleList(
            nn.Linear(embedding_channels, 2 * width) for _ in range(num_levels)
        )
        self.head = MODELS.build(head, role=AbstractHead, default_args=dict(in_channels=width))
        self.out_channels = self.head.out_channels

    def forward(
        self,
        embeddings: Sequence[Tensor],
        coords: Tensor | None,
        *,
        scale: Tensor | None = None,
        dirs: Tensor | None = None,
    ) -> Tensor:
        """Signal values ``(B, *S, out_channels)``; see ``AbstractReadout``."""
        h = 0
        for gate, p in zip(self.gates, embeddings, strict=True):
            keep, new = gate(p).chunk(2, dim=-1)
            h = h * keep.sigmoid() + F.silu(new)
        return self.head(h, dirs)
