"""Reconstruction and super-resolution of pictures."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from PIL import Image

from ...datasets.image_files import IMAGE_SUFFIXES, decode_image
from ...datasets.transforms.images import to_values
from ...structures import PlaneLayout, magnified_size
from ...visualization import draw_plane, image_grid, save_image
from ..fields import save_field
from ..outputs import PictureWriter
from .base import AbstractReconstructor, Report, ToField

FACTOR = 4.0
PANEL = 1024
"""Pixels along the longer side of each of the pictures that are compared."""


class PictureReconstructor(AbstractReconstructor):
    """Encodes pictures small and renders them larger by any real factor.

    A picture is cropped to the layout's shape around its center and reduced to the layout's size
    by an antialiasing filter (bilinear, as in training).

    Args:
        layout: Coordinate axes.
        size: ``(rows, columns)`` to render, or the longer side alone.
        factor: In place of ``size``: pixels per pixel of the encoder's input (default 4).
        region: ``(x0, y0, x1, y1)`` to render, in data units; None is the whole field.
        cell: Side of the box that a pixel is the mean of, in pixels; None is a point.
        format: ``'png'``, ``'tif'`` or ``'tiff'``.

    Raises:
        ValueError: Both size and factor are given, or one of the options does not fit.
    """

    SUFFIXES: ClassVar[tuple[str, ...]] = IMAGE_SUFFIXES

    def __init__(
        self,
        layout: PlaneLayout,
        size: int | Sequence[int] | None = None,
        factor: float | None = None,
        region: Sequence[float] | None = None,
        cell: float | None = None,
        format: str = 'png',
    ) -> None:
        if size is not None and factor is not None:
            raise ValueError(f'size={size} and factor={factor} are both given; choose one')
        if factor is not None and not factor > 0:
            raise ValueError(f'factor={factor} must be a positive number')
        if size is None:
            size = magnified_size(layout, FACTOR if factor is None else factor, region)
        self.writer = PictureWriter(layout, size, region, cell, format)
        x, y = layout.axes.values()
        self.input_size = (y.size, x.size)
        low_x, low_y, high_x, high_y = region or (x.low, y.low, x.high, y.high)
        self.part = (  # of a picture's width and height
            max((low_x - x.low) / (x.high - x.low), 0),
            max((low_y - y.low) / (y.high - y.low), 0),
            min((high_x - x.low) / (x.high - x.low), 1),
            min((high_y - y.low) / (y.high - y.low), 1),
        )

    def __call__(self, path: Path, stem: Path, to_field: ToField) -> Report:
        """Write ``stem.png``, ``stem.safetensors`` and ``stem_comparison.png``.

        The last shows the original, the reconstruction, and the encoder's input enlarged by a
        bicubic filter.
        """
        picture = decode_image(path.read_bytes(), str(path))
        original = self._cropped(picture)
        small = original.resize(self.input_size[::-1], Image.Resampling.BILINEAR)
        field = to_field(to_values(small).movedim(-1, 0).contiguous())
        save_field(field, stem.with_name(f'{stem.name}.safetensors'))
        (written, *_), _ = self.writer.write(field, stem)

        size = self.writer.size
        shrink = min(PANEL / max(size), 1)
        panel = tuple(max(round(n * shrink), 1) for n in size)
        rendered = draw_plane(field, panel, self.writer.region, cell=self.writer.cell)
        panels = [self._view(original, panel), rendered, self._view(small, panel)]
        save_image(image_grid(panels, 3), stem.with_name(f'{stem.name}_comparison.png'))

        report: Report = dict(
            done=_story(picture.size, original.size, small.size),
            psnr_at_input_size=psnr_8bit(draw_plane(field, self.input_size), np.asarray(small)),
        )
        if self._has_pixels(original):
            reference = self._view(original, size, Image.Resampling.BILINEAR)
            with Image.open(written) as image:
                report['psnr'] = psnr_8bit(np.asarray(image.convert('RGB')), reference)
            report['psnr_bicubic'] = psnr_8bit(self._view(small, size), reference)
        return report

    def _cropped(self, picture: Image.Image) -> Image.Image:
        """The largest part of a picture, around its center, that has the layout's shape."""
        rows, columns = self.input_size
        unit = min(picture.width / columns, picture.height / rows)
        width, height = max(round(unit * columns), 1), max(round(unit * rows), 1)
        left, top = (picture.width - width) // 2, (picture.height - height) // 2
        return picture.crop((left, top, left + width, top + height))

    def _box(self, image: Image.Image) -> tuple[float, float, float, float]:
        x0, y0, x1, y1 = self.part
        return x0 * image.width, y0 * image.height, x1 * image.width, y1 * image.height

    def _view(
        self,
        image: Image.Image,
        size: Sequence[int],
        resample: Image.Resampling = Image.Resampling.BICUBIC,
    ) -> np.ndarray:
        """What is rendered of the field, out of a picture of the whole, ``(*size, 3)`` uint8."""
        return np.asarray(image.resize(tuple(size)[::-1], resample, box=self._box(image)))

    def _has_pixels(self, original: Image.Image) -> bool:
        x0, y0, x1, y1 = self._box(original)
        rows, columns = self.writer.size
        return x1 - x0 > columns - 0.5 and y1 - y0 > rows - 0.5


def _story(given: tuple[int, int], cropped: tuple[int, int], small: tuple[int, int]) -> str:
    """What was done to a picture, sizes as width x height."""
    steps = [f'{given[0]}x{given[1]}']
    if cropped != given:
        steps.append(f'center-cropped to {cropped[0]}x{cropped[1]}')
    if small != cropped:
        word = 'reduced' if small[0] <= cropped[0] else 'enlarged'
        steps.append(f'{word} to {small[0]}x{small[1]}')
    return ', '.join(steps)


def psnr_8bit(a: np.ndarray, b: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB of 8-bit pictures of one shape; infinite if equal."""
    rows = range(0, len(a), 256)  # in bands: differences take four times the memory of a picture
    total = sum(
        np.square(a[r : r + 256].astype(np.int32) - b[r : r + 256]).sum(dtype=np.float64)
        for r in rows
    )
    return float(10 * np.log10(255**2 * a.size / total)) if total else float('inf')
