"""Self-attention over positions of planes, and cross-attention from them to a context."""

import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from .resnet import group_norm


class TokenAttention(nn.Module):
    """Residual self-attention over tokens ``(B, C, N)`` with GroupNorm before it.

    Args:
        channels: Channels ``C``.
        num_heads: Number of heads; divides ``channels`` unless ``head_channels`` is given.
        head_channels: Width of a head (default ``channels // num_heads``). Each head as wide as
            the block is the joint attention of the published video decoder.
        eps: Stabilizer of the norm.
        zero_init: Whether the block starts as the identity.
    """

    def __init__(
        self,
        channels: int,
        num_heads: int = 1,
        head_channels: int | None = None,
        eps: float = 1e-6,
        zero_init: bool = False,
    ) -> None:
        super().__init__()
        if head_channels is None and channels % num_heads:
            raise ValueError(f'{num_heads} heads do not divide {channels} channels')
        self.num_heads = num_heads
        inner = num_heads * (head_channels or channels // num_heads)
        self.norm = group_norm(channels, eps)
        self.qkv = nn.Conv1d(channels, 3 * inner, 1)
        self.proj = nn.Conv1d(inner, channels, 1)
        if zero_init:
            nn.init.zeros_(self.proj.weight)
            nn.init.zeros_(self.proj.bias)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, N)`` to ``(B, C, N)``."""
        qkv = rearrange(
            self.qkv(self.norm(x)), 'b (three h d) n -> three b h n d', three=3, h=self.num_heads
        )
        # contiguous: strided heads miss the fused kernel (2 to 5 times slower on the CPU).
        h = F.scaled_dot_product_attention(*qkv.contiguous())
        return x + self.proj(rearrange(h, 'b h n d -> b (h d) n'))


class SpatialAttention(nn.Module):
    """:class:`TokenAttention` over the positions of a plane ``(B, C, h, w)``."""

    def __init__(
        self, channels: int, num_heads: int = 1, eps: float = 1e-6, zero_init: bool = False
    ) -> None:
        super().__init__()
        self.tokens = TokenAttention(channels, num_heads, eps=eps, zero_init=zero_init)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, h, w)`` to ``(B, C, h, w)``."""
        return self.tokens(x.flatten(2)).unflatten(2, x.shape[2:])


class CrossAttention(nn.Module):
    """What tokens read from a context, zero at first: ``(B, N, C)`` from ``(B, L, D)``.

    The caller normalizes the tokens and adds the result to them. The context is normalized here
    and has no positions of its own: the order of its tokens does not matter, and equal tokens
    count as one, however many there are.

    Args:
        channels: Channels ``C`` of the tokens.
        context_channels: Channels ``D`` of the context.
        num_heads: Number of heads; divides ``channels``.

    Raises:
        ValueError: Heads do not divide the channels.
    """

    def __init__(self, channels: int, context_channels: int, num_heads: int = 1) -> None:
        super().__init__()
        if channels % num_heads:
            raise ValueError(f'{num_heads} heads do not divide {channels} channels')
        self.num_heads = num_heads
        self.norm = nn.LayerNorm(context_channels)
        self.query = nn.Linear(channels, channels)
        self.key_value = nn.Linear(context_channels, 2 * channels)
        self.proj = nn.Linear(channels, channels)
        nn.init.zeros_(self.proj.weight)
        nn.init.zeros_(self.proj.bias)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """``(B, N, C)`` and ``(B, L, D)`` to ``(B, N, C)``."""
        q = rearrange(self.query(x), 'b n (h d) -> b h n d', h=self.num_heads)
        kv = self.key_value(self.norm(context.to(x.dtype)))
        kv = rearrange(kv, 'b l (two h d) -> two b h l d', two=2, h=self.num_heads)
        h = F.scaled_dot_product_attention(q.contiguous(), *kv.contiguous())
        return self.proj(rearrange(h, 'b h n d -> b n (h d)'))


class SpatialCrossAttention(nn.Module):
    """Residual :class:`CrossAttention` of the positions of a plane ``(B, C, h, w)``.

    Args:
        channels: Channels ``C`` of the plane.
        context_channels: Channels ``D`` of the context.
        num_heads: Number of heads; divides ``channels``.
        eps: Stabilizer of the plane's norm.
    """

    def __init__(
        self, channels: int, context_channels: int, num_heads: int = 1, eps: float = 1e-6
    ) -> None:
        super().__init__()
        self.norm = group_norm(channels, eps)
        self.tokens = CrossAttention(channels, context_channels, num_heads)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """``(B, C, h, w)`` and ``(B, L, D)`` to ``(B, C, h, w)``."""
        read = self.tokens(rearrange(self.norm(x), 'b c h w -> b (h w) c'), context)
        return x + rearrange(read, 'b (h w) c -> b c h w', h=x.shape[2])
