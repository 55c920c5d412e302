"""Convolutional residual blocks and per-axis resampling."""

import torch.nn.functional as F
from torch import Tensor, nn


def group_norm(channels: int, eps: float = 1e-6, num_groups: int = 32) -> nn.GroupNorm:
    """GroupNorm with the most groups, up to ``num_groups``, that divide ``channels``."""
    while channels % num_groups:
        num_groups -= 1
    return nn.GroupNorm(num_groups, channels, eps=eps)


class ResBlock2d(nn.Module):
    """Residual block: twice GroupNorm, SiLU, 3x3 convolution; identity or 1x1 shortcut.

    The block of latent-diffusion autoencoders (``emb_channels=None``, ``eps=1e-6``) and of the ADM
    U-Net (an additive embedding, ``eps=1e-5``, ``zero_init=True``).

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output (default: as the input).
        emb_channels: Width of an embedding that is added between the convolutions.
        eps: Stabilizer of the norms.
        dropout: Probability before the second convolution.
        zero_init: Whether the block starts as its shortcut.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int | None = None,
        emb_channels: int | None = None,
        eps: float = 1e-6,
        dropout: float = 0.0,
        zero_init: bool = False,
    ) -> None:
        super().__init__()
        out_channels = out_channels or in_channels
        self.norm1 = group_norm(in_channels, eps)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.emb = nn.Linear(emb_channels, out_channels) if emb_channels else None
        self.norm2 = group_norm(out_channels, eps)
        self.dropout = nn.Dropout(dropout)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.shortcut = (
            nn.Identity()
            if in_channels == out_channels
            else nn.Conv2d(in_channels, out_channels, 1)
        )
        if zero_init:
            nn.init.zeros_(self.conv2.weight)
            nn.init.zeros_(self.conv2.bias)

    def forward(self, x: Tensor, emb: Tensor | None = None) -> Tensor:
        """``(B, C_in, h, w)`` and an optional ``(B, emb_channels)`` to ``(B, C_out, h, w)``."""
        h = self.conv1(F.silu(self.norm1(x)))
        if self.emb is not None:
            h = h + self.emb(F.silu(emb))[..., None, None]
        h = self.conv2(self.dropout(F.silu(self.norm2(h))))
        return self.shortcut(x) + h


class Downsample2d(nn.Module):
    """3x3 convolution of stride 2, or 1 along an axis that is not resampled.

    Args:
        channels: Channels of input and output.
        asymmetric: Pad one row and column at the far end (latent-diffusion autoencoders) in place
            of one on each side (ADM U-Net).
    """

    def __init__(self, channels: int, asymmetric: bool = True) -> None:
        super().__init__()
        self.asymmetric = asymmetric
        self.conv = nn.Conv2d(channels, channels, 3)

    def forward(self, x: Tensor, factor: tuple[int, int] = (2, 2)) -> Tensor:
        """``(B, C, h, w)`` to ``(B, C, h / factor[0], w / factor[1])``."""
        pads = [(0, 1) if f == 2 and self.asymmetric else (1, 1) for f in factor]
        x = F.pad(x, (*pads[1], *pads[0]))
        return F.conv2d(x, self.conv.weight, self.conv.bias, stride=factor)


class Upsample2d(nn.Module):
    """Nearest neighbor enlargement, then a 3x3 convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor, factor: tuple[int, int] = (2, 2)) -> Tensor:
        """``(B, C, h, w)`` to ``(B, C, h * factor[0], w * factor[1])``."""
        if factor != (1, 1):
            x = F.interpolate(x, scale_factor=(float(factor[0]), float(factor[1])))
        return self.conv(x)
