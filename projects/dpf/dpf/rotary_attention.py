"""Attention between tokens that have places: where they are to each other counts from the start."""

import math

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from ddmi_toolkit.layers.rotary import rotate


class PlaceRotary(nn.Module):
    """Angles by which the features of tokens turn with their places (Su et al. 2021).

    A pair of features turns by ``w . x``, with ``w`` of a random direction, so that the product
    of a query and a key depends on the difference of their places ``x`` in all axes at once. The
    lengths of ``w`` are evenly spaced in their logarithm from 1, a third of a turn across the box,
    to ``max_frequency``.

    Args:
        num_coords: Coordinates ``D``.
        num_heads: Attention heads, each with directions of its own.
        head_channels: Width of a head, even.
        max_frequency: In radians per half of the box.
    """

    def __init__(
        self, num_coords: int, num_heads: int, head_channels: int, max_frequency: float
    ) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        sizes = (num_heads, head_channels // 2, num_coords)
        directions = F.normalize(torch.randn(sizes, generator=generator), dim=-1)
        lengths = torch.logspace(0.0, math.log10(max_frequency), sizes[1])
        self.register_buffer('frequencies', directions * lengths[:, None])

    def forward(self, places: Tensor) -> Tensor:
        """Places ``(B, N, D)`` in [-1, 1] to angles ``(B, heads, N, head_channels)``."""
        angles = torch.einsum('bnd,hfd->bhnf', places, self.frequencies.to(places.dtype))
        return angles.repeat_interleave(2, dim=-1)


class RotaryAttention(nn.Module):
    """Residual attention of tokens to a context, by what they are and how far they are apart.

    Queries and keys are normalized per head. Their biases start out equal: what is common to all
    tokens then matches best at distance zero, and attention is local before anything is learned.

    Args:
        channels: Channels ``C`` of the tokens and of the context.
        num_heads: Attention heads.
    """

    def __init__(self, channels: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.norm, self.context_norm = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.query, self.key = nn.Linear(channels, channels), nn.Linear(channels, channels)
        self.value, self.proj = nn.Linear(channels, channels), nn.Linear(channels, channels)
        self.query_norm = nn.LayerNorm(channels // num_heads)
        self.key_norm = nn.LayerNorm(channels // num_heads)
        nn.init.normal_(self.query.bias)
        with torch.no_grad():
            self.key.bias.copy_(self.query.bias)
        nn.init.xavier_uniform_(self.proj.weight, gain=0.3)
        nn.init.zeros_(self.proj.bias)

    def forward(self, x: Tensor, context: Tensor, angles: Tensor, context_angles: Tensor) -> Tensor:
        """``(B, N, C)`` from ``(B, L, C)``; angles as :class:`PlaceRotary` gives them."""
        context = self.context_norm(context)
        q = rotate(self.query_norm(self._heads(self.query(self.norm(x)))), angles)
        k = rotate(self.key_norm(self._heads(self.key(context))), context_angles)
        # contiguous: strided heads miss the fused kernel (2 to 5 times slower on the CPU).
        v = self._heads(self.value(context)).contiguous()
        h = F.scaled_dot_product_attention(q.contiguous(), k.contiguous(), v)
        return x + self.proj(rearrange(h, 'b h n d -> b n (h d)'))

    def _heads(self, x: Tensor) -> Tensor:
        return rearrange(x, 'b n (h d) -> b h n d', h=self.num_heads)
