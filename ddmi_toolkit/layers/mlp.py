"""Fully connected blocks on channels-last features."""

import torch.nn.functional as F
from torch import Tensor, nn


class ResidualLinear(nn.Module):
    """Pre-activation residual block of Occupancy Networks (Mescheder et al. 2019).

    ``shortcut(x) + fc2(relu(fc1(relu(x))))`` with a hidden width of ``min(in, out)``. Starts as its
    shortcut: the weight of ``fc2`` is zero.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output (default: as the input).
    """

    def __init__(self, in_channels: int, out_channels: int | None = None) -> None:
        super().__init__()
        out_channels = out_channels or in_channels
        hidden = min(in_channels, out_channels)
        self.fc1 = nn.Linear(in_channels, hidden)
        self.fc2 = nn.Linear(hidden, out_channels)
        self.shortcut = (
            nn.Identity()
            if in_channels == out_channels
            else nn.Linear(in_channels, out_channels, bias=False)
        )
        nn.init.zeros_(self.fc2.weight)

    def forward(self, x: Tensor) -> Tensor:
        """``(..., C_in)`` to ``(..., C_out)``."""
        return self.shortcut(x) + self.fc2(F.relu(self.fc1(F.relu(x))))
