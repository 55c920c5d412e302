"""Rotary position embeddings of frames and of the positions of a frame (Su et al. 2021)."""

import math

import torch
from torch import Tensor, nn


def rotate(x: Tensor, angles: Tensor) -> Tensor:
    """Rotate neighboring features ``(2i, 2i + 1)`` by a position's angles.

    Args:
        x: ``(..., n, d)``, queries or keys.
        angles: ``(n, d)`` in radians; the two features of a pair have the same angle, so that the
            product of a query and a key depends on the difference of their positions only.

    Returns:
        ``(..., n, d)``.
    """
    pairs = x.unflatten(-1, (-1, 2))
    turned = torch.stack([-pairs[..., 1], pairs[..., 0]], dim=-1).flatten(-2)
    return x * angles.cos().to(x.dtype) + turned * angles.sin().to(x.dtype)


class FrameRotary(nn.Module):
    """Angles of frames: frame ``n`` turns pair ``i`` by ``n * 10000 ** (-2i / d)``.

    Args:
        channels: Width ``d`` of a head, even.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        exponent = torch.arange(0, channels, 2, dtype=torch.float32) / channels
        frequencies = (10000.0**-exponent).repeat_interleave(2)
        # Kept with the weights: published ones pair features of different frequencies.
        self.register_buffer('frequencies', frequencies)

    def forward(self, num_frames: int) -> Tensor:
        """``(num_frames, d)``."""
        frames = torch.arange(num_frames, device=self.frequencies.device)
        return frames[:, None] * self.frequencies


class PositionRotary(nn.Module):
    """Angles of the positions of a frame: half of the pairs turn by the row, half by the column.

    A frame is two units high and wide, whatever its number of positions is.

    Args:
        channels: Width ``d`` of a head, divisible by 4.
        max_frequency: Twice the highest number of half turns per unit.
    """

    def __init__(self, channels: int, max_frequency: float = 10.0) -> None:
        super().__init__()
        octaves = torch.linspace(0.0, math.log2(max_frequency / 2), channels // 4)
        self.register_buffer('frequencies', 2.0**octaves)

    def forward(self, rows: int, cols: int) -> Tensor:
        """``(rows * cols, d)``, row-major."""
        row, col = (self._angles(n) for n in (rows, cols))
        row, col = torch.broadcast_tensors(row[:, None], col[None])  # (rows, cols, d / 4)
        return torch.cat([row, col], dim=-1).flatten(0, 1).repeat_interleave(2, dim=-1)

    def _angles(self, n: int) -> Tensor:
        places = torch.linspace(-1.0, 1.0, n, device=self.frequencies.device)
        return places[:, None] * self.frequencies * math.pi
