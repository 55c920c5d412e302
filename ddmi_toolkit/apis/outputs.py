"""Generated fields as files that people open, whatever they are a function of."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from inspect import signature
from math import prod
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from mmengine.logging import print_log

from ..geometry.isosurface import (
    FORMATS,
    check_resolution_and_threshold,
    extract_mesh,
    save_mesh,
)
from ..geometry.raycast import render_mesh
from ..structures import Field, PlaneLayout, Raster, fitted_size
from ..visualization import draw_plane, image_grid, save_image
from .fields import save_field
from .pictures import check_suffix, write_picture

Kind = TypeVar('Kind')
THUMBNAIL = 256
"""Pixels along the longer side of a picture in a contact sheet."""


class FieldWriter(ABC):
    """Writes fields of one layout as files of one format.

    ``__init__`` takes the layout and options, and refuses what could not be written.

    Attributes:
        max_bytes: What a file may need on disk, 0 where that is not worth asking.
    """

    max_bytes = 0

    @abstractmethod
    def write(self, field: Field, stem: Path) -> tuple[list[Path], np.ndarray]:
        """Write a batch of one.

        Args:
            field: What to write.
            stem: Path without a suffix.

        Returns:
            The files written (none where there is nothing to see), and a small picture
            ``(h, w, 3)`` uint8.
        """


class MeshWriter(FieldWriter):
    """Iso-surfaces of fields over space.

    Args:
        layout: Coordinate axes.
        resolution: Cells along each axis of the iso-surface extraction.
        threshold: Occupancy probability of the surface.
        format: ``'glb'``, ``'ply'`` or ``'obj'``.
    """

    def __init__(
        self,
        layout: PlaneLayout,
        resolution: int = 128,
        threshold: float = 0.5,
        format: str = 'glb',
    ) -> None:
        check_resolution_and_threshold(resolution, threshold)
        if f'.{format}' not in FORMATS:
            known = ', '.join(f.removeprefix('.') for f in FORMATS)
            raise ValueError(f'format {format!r} is not one of {known}')
        self.resolution, self.threshold, self.format = resolution, threshold, format

    def write(self, field: Field, stem: Path) -> tuple[list[Path], np.ndarray]:
        """The surface, if there is one, and a shaded view of it."""
        mesh = extract_mesh(field, self.resolution, self.threshold)
        path = stem.with_name(f'{stem.name}.{self.format}')
        return [save_mesh(mesh, path)] if len(mesh.faces) else [], render_mesh(mesh, THUMBNAIL)


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


WRITERS: dict[int, type[FieldWriter]] = {2: PictureWriter, 3: MeshWriter}
"""What a field over so many axes is written as."""


def make_writer(layout: PlaneLayout, options: Mapping[str, Any] | None = None) -> FieldWriter:
    """The writer of a layout's fields, which follows from the number of axes.

    Args:
        layout: Coordinate axes.
        options: Arguments of the writer by name; those that are None keep their defaults.

    Raises:
        ValueError: Fields over so many axes are not written, or they have no such option, or an
            option has a value that does not fit.
    """
    return for_axes(WRITERS, layout, options)


def for_axes(
    kinds: Mapping[int, type[Kind]], layout: PlaneLayout, options: Mapping[str, Any] | None = None
) -> Kind:
    """Build what is meant for a layout's number of axes; see :func:`make_writer`."""
    axes = ''.join(layout.axes)
    if layout.dim not in kinds:
        raise ValueError(
            f'there are no files for fields over the axes {axes!r}; save_field writes them as '
            f'they are'
        )
    kind = kinds[layout.dim]
    given = {k: v for k, v in (options or {}).items() if v is not None}
    known = [k for k in signature(kind).parameters if k != 'layout']
    if foreign := [k for k in given if k not in known]:
        raise ValueError(
            f'{", ".join(foreign)} does not apply to fields over the axes {axes!r}: '
            f'{kind.__name__} takes {", ".join(known)}'
        )
    return kind(layout, **given)


def write_samples(
    samples: Iterable[tuple[int | str, Field]],
    folder: str | Path,
    writer: FieldWriter | None = None,
) -> list[Path]:
    """Write each field as a file to look at and as a field file, and a picture of all of them.

    Fields are written as they come, so an interrupted run keeps what it has made.

    Args:
        samples: Seed (or name) and field (a batch of one) of each sample.
        folder: Created if needed.
        writer: What writes them; None is :func:`make_writer` of the first field's layout.

    Returns:
        The files written, the picture of all last.

    Raises:
        ValueError: There are no samples, or the disk may have no room for one of them.
    """
    folder = Path(folder)
    views, paths = [], []
    for name, field in samples:
        if writer is None:
            writer = make_writer(field.layout)
        stem = folder / (name if isinstance(name, str) else f'seed_{name:06d}')
        paths.append(save_field(field, stem.with_name(f'{stem.name}.safetensors')))
        files, view = writer.write(field, stem)
        paths += files
        views.append(view)
    paths.append(save_image(image_grid(views), folder / 'contact_sheet.png'))
    print_log(f'wrote {len(views)} samples to {folder}', logger='current')
    return paths
