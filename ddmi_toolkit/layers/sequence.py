"""Transformer blocks on sequences ``(B, n, C)``, and pooling of a sequence into one token."""

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from .rotary import rotate


class SequenceAttention(nn.Module):
    """Residual self-attention with LayerNorm before it.

    Args:
        channels: Channels ``C``.
        num_heads: Number of heads.
        head_channels: Width of a head.
    """

    def __init__(self, channels: int, num_heads: int, head_channels: int) -> None:
        super().__init__()
        self.num_heads, inner = num_heads, num_heads * head_channels
        self.norm = nn.LayerNorm(channels)
        self.qkv = nn.Linear(channels, 3 * inner, bias=False)
        self.proj = nn.Linear(inner, channels)

    def forward(
        self,
        x: Tensor,
        angles: Tensor | None = None,
        last_only: bool = False,
        mask: Tensor | None = None,
    ) -> Tensor:
        """``(B, n, C)`` to ``(B, n, C)``.

        Args:
            x: Tokens.
            angles: ``(n, head_channels)`` of the rotation of queries and keys.
            last_only: Return the last token alone, ``(B, 1, C)``, at a fraction of the cost.
            mask: ``(B, n)`` bool, the tokens that are attended to; at least one of each sample.
        """
        h = self.norm(x)
        first = x.shape[1] - 1 if last_only else 0
        q_weight, kv_weight = self.qkv.weight.tensor_split([self.proj.in_features])
        q = self._heads(F.linear(h[:, first:], q_weight), 1)[0]
        k, v = self._heads(F.linear(h, kv_weight), 2)
        if angles is not None:
            q, k = rotate(q, angles[first:]), rotate(k, angles)
        mask = None if mask is None else mask[:, None, None]  # (B, heads, queries, n)
        h = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return x[:, first:] + self.proj(rearrange(h, 'b h n d -> b n (h d)'))

    def _heads(self, x: Tensor, num: int) -> Tensor:
        parts = rearrange(x, 'b n (i h d) -> i b h n d', i=num, h=self.num_heads)
        # contiguous: strided heads miss the fused kernel (2 to 5 times slower on the CPU).
        return parts.contiguous()


class FeedForward(nn.Module):
    """Residual ``fc2(gelu(fc1(x)))`` with LayerNorm before it.

    Args:
        channels: Channels ``C``.
        hidden: Channels between the layers.
        gated: Whether ``fc1`` gives values and gates, ``value * gelu(gate)`` (Shazeer 2020).
    """

    def __init__(self, channels: int, hidden: int, gated: bool = False) -> None:
        super().__init__()
        self.gated = gated
        self.norm = nn.LayerNorm(channels)
        self.fc1 = nn.Linear(channels, 2 * hidden if gated else hidden)
        self.fc2 = nn.Linear(hidden, channels)

    def forward(self, x: Tensor) -> Tensor:
        """``(..., C)`` to ``(..., C)``."""
        h = self.fc1(self.norm(x))
        if self.gated:
            value, gate = h.chunk(2, dim=-1)
            return x + self.fc2(value * F.gelu(gate))
        return x + self.fc2(F.gelu(h))


class PoolingTransformer(nn.Module):
    """A sequence of fixed length to one token by a small transformer.

    A learned token is put after the sequence, learned positions are added to both, and one output
    of the last block is returned; that block computes no other.

    Args:
        channels: Channels ``C``.
        length: Length ``n`` of the sequence.
        depth: Number of blocks.
        output: ``'learned'``: the output at the learned token; ``'first'``: at the first of the
            sequence, as in the published code.
        num_heads: Attention heads of a block.
        hidden: Channels between the layers of a block's feed-forward part.

    Raises:
        ValueError: Another ``output``, a depth of less than 1, or fewer than 8 channels.
    """

    def __init__(
        self,
        channels: int,
        length: int,
        depth: int = 4,
        output: str = 'learned',
        num_heads: int = 4,
        hidden: int = 512,
    ) -> None:
        super().__init__()
        if output not in ('learned', 'first'):
            raise ValueError(f"pool_token must be 'learned' or 'first', got {output!r}")
        if depth < 1 or channels < 8:
            raise ValueError(
                f'pooling needs at least 1 block and 8 channels, got pool_depth={depth} and '
                f'channels={channels}'
            )
        self.is_first = output == 'first'
        self.token = nn.Parameter(torch.empty(1, 1, channels).normal_(std=0.02))
        self.positions = nn.Parameter(torch.empty(1, length + 1, channels).normal_(std=0.02))
        self.blocks = nn.ModuleList(
            nn.ModuleList(
                [
                    SequenceAttention(channels, num_heads, channels // 8),
                    FeedForward(channels, hidden),
                ]
            )
            for _ in range(depth)
        )

    def forward(self, x: Tensor) -> Tensor:
        """``(B, n, C)`` to ``(B, C)``."""
        h = torch.cat([x, self.token.expand(len(x), -1, -1)], dim=1) + self.positions
        if self.is_first:
            h = h.flip(1)  # attention has no order of its own: what is returned goes last
        for i, (attention, feed_forward) in enumerate(self.blocks):
            h = feed_forward(attention(h, last_only=i == len(self.blocks) - 1))
        return h[:, 0]
