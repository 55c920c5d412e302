"""Fields over a plane as 8-bit picture files of any size, in bounded memory."""

import shutil
from collections.abc import Iterator, Sequence
from math import prod
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from ..structures import Field
from ..utils import replace_atomically
from ..visualization import STREAMS, quantize


def write_picture(
    field: Field,
    path: str | Path,
    size: Sequence[int],
    region: Sequence[float] | None = None,
    *,
    cell: float | None = None,
    scale: float | None = None,
    max_queries: int = 2**16,
    progress: bool = True,
) -> Path:
    """Write a field, values in [-1, 1], as an 8-bit picture, computed and written band by band.

    The pixels are those of :meth:`Field.render`. Neither the picture nor a part of it that grows
    with its height is held in memory. The file appears under its name when it is whole.

    Args:
        field: Batch of one over two axes.
        path: File to write, its folder created if needed; ``.png``, ``.tif`` or ``.tiff``.
        size: ``(rows, columns)``.
        region: ``(x0, y0, x1, y1)`` in data units; None is the whole field.
        cell: Side of the box that a pixel is the mean of, in pixels; see :meth:`Field.render`.
        scale: See :meth:`Field.render`.
        max_queries: Queries that are evaluated at a time.
        progress: Whether a terminal shows pixels done, pixels per second and the time left.

    Returns:
        The path written.

    Raises:
        ValueError: Another kind of field or file, a size or region that does not fit, or more
            pixels than the disk may have room for.
    """
    path = Path(path)
    if field.layout.dim != 2 or len(field) != 1:
        raise ValueError(
            f'a picture shows one field over two axes, got {len(field)} over '
            f'{"".join(field.layout.axes)!r}; take field[i], or extract_mesh for shapes'
        )
    if path.is_dir():
        raise ValueError(f'{path} is a folder; name a file, such as {path / "picture.png"}')
    stream = STREAMS[check_suffix(path.suffix)]
    rows = field.render_rows(size, region, cell=cell, scale=scale, max_queries=max_queries)
    height, width = size
    shape = (height, width, 3 if field.out_channels >= 3 else 1)
    check_space(path.parent, prod(shape))
    bar = tqdm(
        total=height * width,
        desc=path.name,
        unit='pixel',
        unit_scale=True,
        disable=None if progress else True,  # None: off where there is no terminal
    )
    with bar, torch.no_grad(), replace_atomically(path) as file:
        stream(file, _bands(rows, bar), shape)
    return path


def _bands(rows: Iterator[torch.Tensor], bar: tqdm) -> Iterator[np.ndarray]:
    for values in rows:
        band = quantize(values[0])
        yield band
        bar.update(band.shape[0] * band.shape[1])


def check_suffix(suffix: str) -> str:
    """The suffix in lower case.

    Raises:
        ValueError: Pictures cannot be written in that format.
    """
    if suffix.lower() not in STREAMS:
        known = ', '.join(s.removeprefix('.') for s in STREAMS)
        raise ValueError(f'picture format {suffix.removeprefix(".")!r} is not one of {known}')
    return suffix.lower()


def check_space(folder: Path, num_bytes: int = 0) -> None:
    """Refuse to begin what cannot be written, or what the disk may have no room for.

    Args:
        folder: Where to write; it need not exist yet.
        num_bytes: Size before compression.

    Raises:
        ValueError: A file is in the way, or less than that is free.
    """
    existing = next(p for p in (folder, *folder.absolute().parents) if p.exists())
    if not existing.is_dir():
        raise ValueError(f'cannot write to {folder}: {existing} is a file; name a folder')
    free = shutil.disk_usage(existing).free
    if num_bytes > free:
        raise ValueError(
            f'{folder} may need {num_bytes / 1e9:.3g} GB for the pictures, {free / 1e9:.3g} GB are '
            f'free; free some space, choose another folder or a smaller size'
        )
