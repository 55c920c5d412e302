"""Fields over a plane and time as videos."""

from collections.abc import Sequence
from math import prod
from pathlib import Path

import numpy as np

from ...structures import Field, PlaneLayout, fitted_size, magnified_size
from ...visualization import check_rate, draw_clip, draw_sheet, frame_size, save_image
from ...visualization.clips import check_clip_axes
from ..clips import FORMATS, Playback, write_clip
from .base import THUMBNAIL, FieldWriter

SHEET = 192
"""Pixels along the longer side of a frame in the contact sheet of a clip, at most."""


class ClipWriter(FieldWriter):
    """Clips of fields at any size and frame rate, and a contact sheet, streamed to the disk.

    Args:
        layout: Coordinate axes ``x``, ``y`` and ``t``.
        size: ``(rows, columns)``, ``(frames, rows, columns)``, or the longer side of the frames
            alone, their shape then following from the region; None is the layout's own size.
        num_frames: Frames, in place of the first of three sizes; None is as many as the layout has
            in the region.
        region: ``(x0, y0, t0, x1, y1, t1)`` in data units; None is the whole field.
        cell: Side of the box that a pixel is the mean of, in pixels and frames; None is a point.
        fps: Frames per second; None lets the clip last as long with any number of frames: one
            second for 8 of the layout's.
        playback: ``'forward'``, ``'reverse'``, or ``'loop'``, there and back.
        format: ``'mp4'``, ``'gif'``, or ``'frames'``, a folder of PNGs.
    """

    def __init__(
        self,
        layout: PlaneLayout,
        size: int | Sequence[int] | None = None,
        num_frames: int | None = None,
        region: Sequence[float] | None = None,
        cell: float | None = None,
        fps: float | None = None,
        playback: str = 'forward',
        format: str = 'mp4',
    ) -> None:
        if format not in FORMATS:
            raise ValueError(f'clip format {format!r} is not one of {", ".join(FORMATS)}')
        size = clip_size(layout, size, num_frames, region)
        self.playback = Playback(layout, size, region, cell, playback, fps)
        self.suffix = '' if format == 'frames' else f'.{format}'
        check_rate(self.suffix, self.playback.rate)
        total = sum(map(len, self.playback.runs))
        self.max_bytes = 3 * total * prod(size[1:])

    def write(self, field: Field, stem: Path) -> tuple[list[Path], np.ndarray]:
        """The clip and ``stem_sheet.png``: frames in a row, slices xt and yt; some small frames."""
        path = write_clip(field, stem.with_name(f'{stem.name}{self.suffix}'), self.playback)
        region = self.playback.region
        longest = min(SHEET, max(self.playback.size[1:]))
        sheet = draw_sheet(field, longest, region=region)
        files = [path, save_image(sheet, stem.with_name(f'{stem.name}_sheet.png'))]
        return files, draw_clip(field, min(THUMBNAIL // 3, longest), 4, region)


def clip_size(
    layout: PlaneLayout,
    size: int | Sequence[int] | None = None,
    num_frames: int | None = None,
    region: Sequence[float] | None = None,
) -> tuple[int, int, int]:
    """``(frames, rows, columns)`` of a size given in any of the ways of :class:`ClipWriter`.

    Raises:
        ValueError: The layout is no clip's, or the numbers do not fit together.
    """
    check_clip_axes(layout)
    own = magnified_size(layout, 1, region)
    if size is None:
        size = own[1:]
    elif isinstance(size, int):
        fitted_size(layout, size, region)  # says what is wrong with the number
        size = frame_size(layout, size, region)
    size = tuple(size)
    if len(size) == 3:
        if num_frames is not None:
            raise ValueError(
                f'size={size} has {size[0]} frames and num_frames={num_frames} is given too; '
                f'choose one'
            )
        return size
    if len(size) != 2:
        raise ValueError(f'size={size} must be (rows, columns) or (frames, rows, columns)')
    return (own[0] if num_frames is None else num_frames, *size)
