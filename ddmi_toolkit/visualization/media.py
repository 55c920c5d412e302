"""Pictures as arrays and files."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor

from ..structures import to_uint8


def quantize(values: Tensor) -> np.ndarray:
    """Values in [-1, 1] as 8 bits: one channel is gray, the first three of more are colors.

    Args:
        values: ``(..., C)``; what lies outside [-1, 1] is clipped. Of two channels the first is
            taken.

    Returns:
        ``(..., 1)`` or ``(..., 3)`` uint8.
    """
    values = values[..., :3] if values.shape[-1] >= 3 else values[..., :1]
    return to_uint8(values).cpu().numpy()


def as_picture(values: Tensor) -> np.ndarray:
    """Values ``(H, W, C)`` as :func:`quantize` takes them, always in color, ``(H, W, 3)``."""
    picture = quantize(values)
    return np.broadcast_to(picture, (*picture.shape[:2], 3))


def image_grid(images: Sequence[np.ndarray], columns: int = 4, pad: int = 2) -> np.ndarray:
    """Pictures of one size in rows, left to right, top to bottom, on white.

    Args:
        images: Each ``(H, W, 3)`` uint8; at least one.
        columns: Pictures per row.
        pad: White pixels between neighbors.

    Returns:
        ``(rows * (H + pad) - pad, columns * (W + pad) - pad, 3)`` uint8.

    Raises:
        ValueError: There is no picture, or their sizes differ.
    """
    shapes = {i.shape for i in images}
    if len(shapes) != 1:
        raise ValueError(f'a grid takes pictures of one size, got {sorted(shapes) or "none"}')
    height, width, _ = shapes.pop()
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    grid = np.full((rows * (height + pad) - pad, columns * (width + pad) - pad, 3), 255, np.uint8)
    for i, image in enumerate(images):
        y, x = i // columns * (height + pad), i % columns * (width + pad)
        grid[y : y + height, x : x + width] = image
    return grid


def save_image(image: np.ndarray, path: str | Path) -> Path:
    """Write ``(H, W, 3)`` uint8; the suffix decides the format. Returns the path."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)
    return path
