"""Conventions of pictures: how sizes are given, and what values are in 8 bits."""

from collections.abc import Sequence

import torch
from torch import Tensor


def as_size(size: int | Sequence[int], name: str = 'size') -> tuple[int, int]:
    """``(rows, columns)`` of a size given so, or as one number for a square.

    Raises:
        ValueError: It is neither, or not positive.
    """
    pair = (size, size) if isinstance(size, int) else tuple(size)
    if len(pair) != 2 or any(not isinstance(n, int) or n < 1 for n in pair):
        raise ValueError(f'{name}={size!r} must be a number of pixels or (rows, columns)')
    return pair[0], pair[1]


def to_uint8(values: Tensor) -> Tensor:
    """Values in [-1, 1] as the 8-bit values 0 to 255 of a file; what lies beyond is clamped."""
    return ((values.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
