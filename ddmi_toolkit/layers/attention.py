"""Self-attention over the positions of one plane or of several planes together."""

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
