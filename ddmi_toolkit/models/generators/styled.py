"""Read-outs that depend on the scale: where the style comes from, and the modulated head."""

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from ...layers.modulated import ModulatedLinear, Style, affine
from ...registry import MODELS
from .heads import AbstractHead


class AbstractModulation(nn.Module, ABC):
    """Scales to the style of a read-out.

    Attributes:
        style_channels: Channels of the style's vector.
        num_constants: Number of its constants.
    """

    style_channels: int
    num_constants: int

    @abstractmethod
    def forward(self, scale: Tensor | None, batch_size: int) -> Style:
        """Style of scales ``(B,)``, of one scale ``(1,)`` for the batch, or of None: 1."""


@MODELS.register_module()
class ScaleStyle(AbstractModulation):
    """Sinusoids of the scale through two linear layers; the scale itself is the constants.

    As published for images, where two constant channels accompany every embedding.

    Args:
        style_channels: Channels of the style (published: the width of the read-out).
        embed_channels: Channels of the sinusoids, even (published: a quarter of the width).
        num_constants: Channels filled with the scale.
        scale_range: Lowest and highest scale that training shows; others are clamped, for a zoom
            by 100 would extrapolate the sinusoids. None (published): no bounds.

    Raises:
        ValueError: ``embed_channels`` is odd or below 4, or the range is no range.
    """

    def __init__(
        self,
        style_channels: int = 256,
        embed_channels: int = 64,
        num_constants: int = 2,
        scale_range: tuple[float, float] | None = None,
    ) -> None:
        super().__init__()
        if embed_channels < 4 or embed_channels % 2:
            raise ValueError(f'embed_channels must be even and at least 4, got {embed_channels}')
        if scale_range is not None and not 0 < scale_range[0] <= scale_range[1]:
            raise ValueError(
                f'scale_range must be (low, high) with 0 < low <= high, got {tuple(scale_range)}'
            )
        self.style_channels, self.num_constants = style_channels, num_constants
        self.scale_range = None if scale_range is None else tuple(scale_range)
        half = embed_channels // 2
        frequencies = torch.exp(-math.log(1e4) * torch.arange(half) / (half - 1))
        self.register_buffer('frequencies', frequencies, persistent=False)
        self.net = nn.Sequential(
            nn.Linear(embed_channels, style_channels),
            nn.GELU(),
            nn.Linear(style_channels, style_channels),
        )

    def forward(self, scale: Tensor | None, batch_size: int) -> Style:
        """Style of scales ``(B,)``, of one scale ``(1,)`` for the batch, or of None: 1.

        Raises:
            ValueError: Another number of scales.
        """
        if scale is None:
            scale = self.frequencies.new_ones(1)
        if scale.ndim > 1 or scale.numel() not in (1, batch_size):
            raise ValueError(
                f'scale of shape {tuple(scale.shape)} for a batch of {batch_size}: expected '
                f'({batch_size},), one per sample, or (1,) for all'
            )
        scale = scale.reshape(-1).to(self.frequencies)
        if self.scale_range is not None:
            scale = scale.clamp(*self.scale_range)
        angles = scale[:, None] * self.frequencies
        with torch.autocast(scale.device.type, enabled=False):
            vector = self.net(torch.cat([angles.sin(), angles.cos()], dim=-1))
        return Style(vector, scale[:, None].expand(-1, self.num_constants))


@MODELS.register_module()
class StyledHead(AbstractHead):
    """One modulated linear layer, not demodulated: the published "to RGB".

    Args:
        in_channels: Width of the read-out.
        out_channels: Channels of a value.
        style_channels: Channels of the style.
    """

    def __init__(self, in_channels: int, out_channels: int, style_channels: int) -> None:
        super().__init__()
        self.out_channels = out_channels
        self.linear = ModulatedLinear(in_channels, out_channels, style_channels, demodulate=False)

    def forward(self, h: Tensor, dirs: Tensor | None = None, style: Style | None = None) -> Tensor:
        """``(B, *S, C)`` to ``(B, *S, out_channels)``.

        Raises:
            ValueError: The read-out has no modulation.
        """
        if style is None:
            raise ValueError(
                "StyledHead needs a style; give the read-out modulation=dict(type='ScaleStyle')"
            )
        out = affine([h.flatten(1, -2)], *self.linear.fold(style))
        return out.unflatten(1, h.shape[1:-1])
