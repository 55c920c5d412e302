"""Pictures as arrays and files."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image


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
