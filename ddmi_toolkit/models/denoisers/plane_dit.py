"""Transformer on the patches of a latent's planes."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...layers.adaptive_norm import AdaptiveBlock, AdaptiveNorm
from ...layers.embedding import timestep_embedding
from ...layers.plane_patches import PlanePatches
from ...registry import MODELS
from ...structures import PlaneLayout
from .base import AbstractDenoiser, Cond, read_cond

TIME_CHANNELS = 256  # sinusoids of the noise level (published)


@MODELS.register_module()
class PlaneDiT(AbstractDenoiser):
    """Diffusion transformer (Peebles and Xie 2023, adaLN-Zero) on patches of all planes together.

    The published network on one plane. Of several planes, whatever their shapes, all patches are
    one sequence: every patch attends to all. Each plane has its own linear maps to and from
    tokens; the bias of the first is the plane's embedding. Positions are fixed sinusoids of each
    axis (see :meth:`PlanePatches.positions`).

    Args:
        layout: Planes of the latent.
        channels: Channels ``C`` of the latent.
        patch_size: Nodes along a side of a patch, on all axes or by axis,
            ``dict(x=2, y=2, t=1)``. Cost grows with the number of patches, in the attention with
            its square.
        hidden_channels: Channels of a token.
        depth: Number of blocks.
        num_heads: Attention heads of a block.
        mlp_ratio: Channels between the layers of a block's feed-forward part, relative to
            ``hidden_channels``.
        cond_channels: Width ``D`` of a condition vector that is added to the time embedding; None
            builds an unconditional network.
        context_channels: Width ``D`` of context tokens that every patch attends to in every
            block; None builds a network without cross-attention.

    Raises:
        ValueError: Patches do not divide a plane, heads do not divide the channels, or there are
            too few channels for the positions.
    """

    def __init__(
        self,
        layout: PlaneLayout,
        channels: int,
        patch_size: int | Mapping[str, int] = 2,
        hidden_channels: int = 768,
        depth: int = 12,
        num_heads: int = 12,
        mlp_ratio: float = 4.0,
        cond_channels: int | None = None,
        context_channels: int | None = None,
    ) -> None:
        super().__init__()
        if hidden_channels % num_heads:
            raise ValueError(
                f'num_heads={num_heads} does not divide hidden_channels={hidden_channels}; '
                f'change one of them'
            )
        if depth < 1:
            raise ValueError(f'depth={depth} must be at least 1')
        self.layout = layout
        self.cond_channels, self.context_channels = cond_channels, context_channels
        self.patches = PlanePatches(layout, patch_size)
        # Not saved: it follows from the layout, so weights may be used on planes of other sizes.
        self.register_buffer('positions', self.patches.positions(hidden_channels), persistent=False)
        wide, narrow = hidden_channels, [channels * area for area in self.patches.areas]
        self.embed = nn.ModuleList(nn.Linear(n, wide) for n in narrow)
        self.time_embed = nn.Sequential(
            nn.Linear(TIME_CHANNELS, wide), nn.SiLU(), nn.Linear(wide, wide)
        )
        self.cond_embed = None if cond_channels is None else nn.Linear(cond_channels, wide)
        self.blocks = nn.ModuleList(
            AdaptiveBlock(wide, wide, num_heads, round(mlp_ratio * wide), context_channels)
            for _ in range(depth)
        )
        self.norm_out = AdaptiveNorm(wide, wide)
        self.unembed = nn.ModuleList(nn.Linear(wide, n) for n in narrow)
        self._initialize()

    def _initialize(self) -> None:
        """As published: the network predicts zero at first; a plane's embedding is small."""
        for linear in self.embed:
            nn.init.xavier_uniform_(linear.weight)
            nn.init.normal_(linear.bias, std=0.02)
        for linear in (self.time_embed[0], self.time_embed[2]):
            nn.init.normal_(linear.weight, std=0.02)
            nn.init.zeros_(linear.bias)
        for linear in self.unembed:
            nn.init.zeros_(linear.weight)
            nn.init.zeros_(linear.bias)

    def forward(self, z_t: Tensor, t: Tensor, cond: Cond = None) -> Tensor:
        """``(B, C, N)`` and noise levels ``(B,)`` to ``(B, C, N)``.

        Raises:
            ValueError: A condition that the network was not built for, or none where it was.
        """
        widths = self.cond_channels, self.context_channels
        vector, context = read_cond(cond, 'PlaneDiT', len(z_t), *widths)
        emb = F.silu(self._embed_time(t, vector))
        parts = zip(self.embed, self.patches.split(z_t), strict=True)
        x = torch.cat([embed(part) for embed, part in parts], dim=1)  # (B, patches, hidden)
        x = x + self.positions.to(x.dtype)
        for block in self.blocks:
            x = block(x, emb, context)
        (x,) = self.norm_out(x, emb)
        parts = zip(self.unembed, x.split(self.patches.counts, dim=1), strict=True)
        return self.patches.merge([unembed(part) for unembed, part in parts])

    def _embed_time(self, t: Tensor, vector: Tensor | None) -> Tensor:
        """Embedding of noise level and condition vector, ``(B, hidden_channels)``."""
        dtype = self.time_embed[0].weight.dtype
        emb = self.time_embed(timestep_embedding(t, TIME_CHANNELS).to(dtype))
        return emb if vector is None else emb + self.cond_embed(vector)
