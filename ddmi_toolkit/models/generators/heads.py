"""The last layers of read-outs: features to signal values."""

from abc import ABC, abstractmethod

import torch.nn.functional as F
from torch import Tensor, nn

from ...layers.modulated import Style
from ...registry import MODELS


class AbstractHead(nn.Module, ABC):
    """Features of the last block to signal values.

    ``__init__`` may name ``in_channels`` and, in modulated read-outs, ``style_channels``: the
    read-out offers them.

    Attributes:
        out_channels: Channels of a value.
    """

    out_channels: int

    @abstractmethod
    def forward(self, h: Tensor, dirs: Tensor | None = None, style: Style | None = None) -> Tensor:
        """Values ``(B, *S, out_channels)``.

        Args:
            h: Features ``(B, *S, C)``.
            dirs: Unit viewing directions ``(B, *S, 3)``.
            style: Given by read-outs with a modulation only.
        """


@MODELS.register_module()
class LinearHead(AbstractHead):
    """One linear layer: colors, logits or waveforms, without a final activation.

    Args:
        in_channels: Width of the readout.
        out_channels: Channels of a value.
        slope: Negative slope of a leaky ReLU before the layer; 1: none (published video: 0.2).
    """

    def __init__(self, in_channels: int, out_channels: int, slope: float = 1.0) -> None:
        super().__init__()
        self.out_channels, self.slope = out_channels, slope
        self.linear = nn.Linear(in_channels, out_channels)

    def forward(self, h: Tensor, dirs: Tensor | None = None, style: Style | None = None) -> Tensor:
        """``(B, *S, C)`` to ``(B, *S, out_channels)``."""
        return self.linear(h if self.slope == 1 else F.leaky_relu(h, self.slope))
