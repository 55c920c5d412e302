"""A picture of what the rows of a study generate."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np

from ...utils import replace_atomically
from ...visualization import FieldVisualizer
from ..inference import FieldInferencer
from .cells import Cell

_INCH = 100  # pixels


def save_samples(cells: Sequence[Cell], path: Path, count: int, size: int = 96) -> list[str]:
    """Draw the fields of seeds 0, 1, ... that each row's first trained cell generates.

    Args:
        cells: Of a study; those that are not done, or whose last stage is not tested on what it
            generates of seeds alone, are left out.
        path: A png; not written if nothing is left.
        count: Fields of a row.
        size: Pixels of a field, along its longer side.

    Returns:
        Names of the rows that are drawn.
    """
    blocks: dict[str, np.ndarray] = {}
    visualizer = FieldVisualizer('samples', size=size)
    for cell in cells:
        cfg = cell.stages[-1].cfg
        is_of_seeds = cfg.test_dataloader.dataset.get('type') == 'SeedDataset'
        if is_of_seeds and cell.row.name not in blocks and cell.is_done():
            fields = list(FieldInferencer(cfg).sample(range(count)))
            blocks[cell.row.name] = visualizer.draw_fields(fields, columns=count)
    if blocks:
        _write(blocks, path)
    return list(blocks)


def _write(blocks: dict[str, np.ndarray], path: Path) -> None:
    """Below each other, with their names on the left."""
    from matplotlib.figure import Figure

    heights = [block.shape[0] for block in blocks.values()]
    width = max(block.shape[1] for block in blocks.values())
    figure = Figure(figsize=(width / _INCH + 1, sum(heights) / _INCH), layout='constrained')
    axes = figure.subplots(len(blocks), 1, squeeze=False, height_ratios=heights)[:, 0]
    for one, (name, block) in zip(axes, blocks.items(), strict=True):
        one.imshow(block, interpolation='nearest')
        one.set_ylabel(name, rotation=0, ha='right', va='center')
        one.set(xticks=[], yticks=[], frame_on=False)
    buffer = BytesIO()
    figure.savefig(buffer, dpi=_INCH, format='png', bbox_inches='tight', pad_inches=0.05)
    with replace_atomically(path) as file:
        file.write(buffer.getvalue())
