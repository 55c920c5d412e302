"""Fields over a plane as pictures."""

from collections.abc import Sequence
from math import prod
from pathlib import Path

import numpy as np

from ...structures import Field, PlaneLayout, Raster, fitted_size
from ...visualization import draw_plane
from ..pictures import check_suffix, write_picture
from .base import THUMBNAIL, FieldWriter


class PictureWriter(FieldWriter):
    """Pictures of fields over a plane, of any size, streamed to the disk.

    Args:
        layout: Coordinate axes.
        size: ``(rows, columns)``, or the longer side alone, the shape then following from the
            region; None is the layout's own size.
        region: ``(x0, y0, x1, y1)`` in data units; None is the whole field.
        cell: Side of the box that a pixel is the mean of, in pixels; None is a point.
        format: ``'png'``, ``'tif'`` or ``'tiff'``.
    """

    def __init__(
        self,
        layout: PlaneLayout,
        size: int | Sequence[int] | None = None,
        region: Sequence[float] | None = None,
        cell: float | None = None,
        format: str = 'png',
    ) -> None:
        if size is None:
            size = max(a.size for a in layout.axes.values())
        if isinstance(size, int):
            size = fitted_size(layout, size, region)
        self.size = Raster(layout, size, region, cell).size
        self.region, self.cell, self.format = region, cell, format
        check_suffix(f'.{format}')
        self.max_bytes = 3 * prod(self.size)

    def write(self, field: Field, stem: Path) -> tuple[list[Path], np.ndarray]:
        """The picture, and a smaller one."""
        path = stem.with_name(f'{stem.name}.{self.format}')
        write_picture(field, path, self.size, self.region, cell=self.cell)
        longest = max(self.size)
        small = [max(round(n * min(THUMBNAIL / longest, 1)), 1) for n in self.size]
        return [path], draw_plane(field, small, self.region, cell=self.cell)
