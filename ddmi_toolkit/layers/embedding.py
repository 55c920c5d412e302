"""Sinusoidal encodings of times and coordinates."""

import math

import torch
from torch import Tensor, nn


def timestep_embedding(t: Tensor, channels: int, max_period: float = 10000.0) -> Tensor:
    """Sinusoids of a scalar, ``[cos | sin]`` as in the ADM U-Net (Dhariwal and Nichol 2021).

    Args:
        t: ``(B,)``.
        channels: Width of the embedding, even.
        max_period: Ratio of the longest to the shortest period; frequency ``i`` of ``h``
            is ``max_period ** (-i / h)``.

    Returns:
        ``(B, channels)``, float32 or the wider dtype of ``t``.

    Raises:
        ValueError: ``channels`` is odd.
    """
    if channels % 2:
        raise ValueError(f'channels of a timestep embedding must be even, got {channels}')
    dtype = torch.float64 if t.dtype == torch.float64 else torch.float32
    half = channels // 2
    exponent = torch.arange(half, dtype=dtype, device=t.device) / half
    angles = t[:, None].to(dtype) * torch.exp(-math.log(max_period) * exponent)  # (B, half)
    return torch.cat([angles.cos(), angles.sin()], dim=-1)


class FourierFeatures(nn.Module):
    """Sinusoids of coordinates at octave frequencies (NeRF, Mildenhall et al. 2020, Eq. 4).

    ``[x | sin(w_0 x) | cos(w_0 x) | sin(w_1 x) | ...]`` with ``w_i = scale * 2 ** i``.

    Args:
        dim: Number of coordinates ``D``.
        num_frequencies: Number of octaves.
        scale: Lowest angular frequency (1 in the NeRF code, pi in the paper).
        include_input: Whether the coordinates themselves come first.
    """

    def __init__(
        self,
        dim: int,
        num_frequencies: int,
        scale: float = 1.0,
        include_input: bool = True,
    ) -> None:
        super().__init__()
        self.include_input = include_input
        self.out_channels = dim * (2 * num_frequencies + int(include_input))
        frequencies = scale * 2.0 ** torch.arange(num_frequencies)
        self.register_buffer('frequencies', frequencies, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """``(..., D)`` to ``(..., out_channels)``."""
        angles = x[..., None, :] * self.frequencies.to(x.dtype)[:, None]  # (..., F, D)
        waves = torch.stack([angles.sin(), angles.cos()], dim=-2).flatten(-3)
        return torch.cat([x, waves], dim=-1) if self.include_input else waves
