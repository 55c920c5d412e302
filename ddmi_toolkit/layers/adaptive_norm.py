"""Transformer blocks whose norms follow an embedding (adaLN-Zero, Peebles and Xie 2023)."""

import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from .attention import CrossAttention

EPS = 1e-6


class AdaptiveNorm(nn.Module):
    """LayerNorm whose shift and scale are linear in an embedding, zero at first.

    Args:
        channels: Channels ``C`` of the tokens.
        emb_channels: Width ``E`` of the embedding.
        num_gates: Further ``(B, 1, C)`` factors that are linear in the embedding, zero at first.
    """

    def __init__(self, channels: int, emb_channels: int, num_gates: int = 0) -> None:
        super().__init__()
        self.num_parts = 2 + num_gates
        self.norm = nn.LayerNorm(channels, eps=EPS, elementwise_affine=False)
        self.linear = nn.Linear(emb_channels, self.num_parts * channels)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, x: Tensor, emb: Tensor) -> tuple[Tensor, ...]:
        """Normalized tokens ``(B, N, C)``, then the gates, each ``(B, 1, C)``.

        Args:
            x: Tokens ``(B, N, C)``.
            emb: ``(B, E)``, after its nonlinearity.
        """
        shift, scale, *gates = self.linear(emb)[:, None].chunk(self.num_parts, dim=-1)
        return self.norm(x) * (1 + scale) + shift, *gates


class AdaptiveBlock(nn.Module):
    """Self-attention, cross-attention to a context, feed-forward; the identity at first.

    Args:
        channels: Channels ``C`` of the tokens.
        emb_channels: Width ``E`` of the embedding that moves the norms.
        num_heads: Number of heads; divides ``channels``.
        hidden_channels: Channels between the layers of the feed-forward part.
        context_channels: Channels ``D`` of the context; None builds no cross-attention.
    """

    def __init__(
        self,
        channels: int,
        emb_channels: int,
        num_heads: int,
        hidden_channels: int,
        context_channels: int | None = None,
    ) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.norm1 = AdaptiveNorm(channels, emb_channels, num_gates=1)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)
        self.norm_cross = self.cross = None
        if context_channels is not None:
            self.norm_cross = nn.LayerNorm(channels, eps=EPS)
            self.cross = CrossAttention(channels, context_channels, num_heads)
        self.norm2 = AdaptiveNorm(channels, emb_channels, num_gates=1)
        self.fc1 = nn.Linear(channels, hidden_channels)
        self.fc2 = nn.Linear(hidden_channels, channels)
        for linear in (self.qkv, self.proj, self.fc1, self.fc2):
            nn.init.xavier_uniform_(linear.weight)
            nn.init.zeros_(linear.bias)

    def forward(self, x: Tensor, emb: Tensor, context: Tensor | None = None) -> Tensor:
        """Tokens ``(B, N, C)``, embedding ``(B, E)``, context ``(B, L, D)`` to ``(B, N, C)``."""
        h, gate = self.norm1(x, emb)
        x = x + gate * self._attend(h)
        if self.cross is not None:
            x = x + self.cross(self.norm_cross(x), context)
        h, gate = self.norm2(x, emb)
        return x + gate * self.fc2(F.gelu(self.fc1(h), approximate='tanh'))

    def _attend(self, x: Tensor) -> Tensor:
        qkv = rearrange(self.qkv(x), 'b n (i h d) -> i b h n d', i=3, h=self.num_heads)
        # contiguous: strided heads miss the fused kernel (2 to 5 times slower on the CPU).
        h = F.scaled_dot_product_attention(*qkv.contiguous())
        return self.proj(rearrange(h, 'b h n d -> b n (h d)'))
