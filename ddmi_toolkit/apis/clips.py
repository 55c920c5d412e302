"""Clips of fields as video files or folders of frames, in bounded memory."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from math import prod
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from ..structures import Field, PlaneLayout, Raster, Signal
from ..utils import replace_atomically
from ..visualization import CLIP_STREAMS, as_rate, check_rate, quantize, save_image
from ..visualization.clips import check_clip_axes
from .pictures import check_space

FPS = 8
"""Frames of the layout per second, where nothing says how fast a clip is."""
FRAME_NAME = 'frame{:05d}.png'
FORMATS = (*(suffix.removeprefix('.') for suffix in CLIP_STREAMS), 'frames')
_ORDERS: dict[str, Callable[[int], list[range]]] = dict(
    forward=lambda n: [range(n)],
    reverse=lambda n: [range(n - 1, -1, -1)],
    loop=lambda n: [range(n), range(n - 2, 0, -1)],
)
PLAYBACKS = tuple(_ORDERS)


@dataclass(frozen=True)
class Playback:
    """Which frames of a field are shown, at which size, in which order and how fast.

    Args:
        layout: Coordinate axes.
        size: ``(frames, rows, columns)``.
        region: ``(x0, y0, t0, x1, y1, t1)`` in data units; None is the whole field.
        cell: Side of the box that a pixel is the mean of, in pixels and frames; None is a point.
        order: ``'forward'``, ``'reverse'``, or ``'loop'``: there and back, so that the clip can be
            repeated without a jump.
        fps: Frames per second; None lets the whole field take :data:`FPS` frames of the layout per
            second, however many are rendered.

    Raises:
        ValueError: Another kind of layout, or an option that does not fit.
    """

    layout: PlaneLayout
    size: tuple[int, int, int]
    region: Sequence[float] | None = None
    cell: float | None = None
    order: str = 'forward'
    fps: float | None = None

    def __post_init__(self) -> None:
        check_clip_axes(self.layout)
        Raster(self.layout, self.size, self.region, self.cell)
        if self.order not in _ORDERS:
            raise ValueError(f'playback {self.order!r} is not one of {", ".join(PLAYBACKS)}')
        as_rate(self.rate)

    @property
    def rate(self) -> float:
        """Frames per second."""
        if self.fps is not None:
            return self.fps
        low, high = self._span
        axis = self.layout.axes['t']
        share = (high - low) / (axis.high - axis.low)
        return FPS * self.size[0] / (axis.size * share)

    @property
    def runs(self) -> list[range]:
        """Indices of the frames in the order in which they are shown, as runs up or down."""
        return [run for run in _ORDERS[self.order](self.size[0]) if len(run)]

    @property
    def _span(self) -> tuple[float, float]:
        axis = self.layout.axes['t']
        return (axis.low, axis.high) if self.region is None else (self.region[2], self.region[5])

    def frames(self, field: Field, max_queries: int = 2**16) -> Iterator[np.ndarray]:
        """The frames ``(rows, columns, 3)`` uint8 of a field, values in [-1, 1], one by one.

        They are those of :meth:`Field.render`. Memory is bounded by one frame and ``max_queries``.
        """
        with torch.no_grad():
            for values in chain.from_iterable(
                self._forward(field, run, max_queries)
                if run.step > 0
                else self._backward(field, run, max_queries)
                for run in self.runs
            ):
                picture = quantize(values)
                yield np.broadcast_to(picture, (*picture.shape[:2], 3))

    def _forward(self, field: Field, run: range, max_queries: int) -> Iterator[torch.Tensor]:
        size, region = (len(run), *self.size[1:]), self._region(run)
        for band in field.render_rows(size, region, cell=self.cell, max_queries=max_queries):
            yield from band[0]

    def _backward(self, field: Field, run: range, max_queries: int) -> Iterator[torch.Tensor]:
        """Frames of a run down: parts of it, each rendered upwards and shown downwards."""
        count = max(max_queries // prod(self.size[1:]), 1)
        for stop in range(run[0] + 1, run[-1], -count):
            part = range(max(stop - count, run[-1]), stop)
            yield from reversed(list(self._forward(field, part, max_queries)))

    def _region(self, run: range) -> list[float]:
        """The box that some successive frames fill."""
        axes = self.layout.axes
        box = self.region or [a.low for a in axes.values()] + [a.high for a in axes.values()]
        low, high = self._span
        step = (high - low) / self.size[0]
        end = high if run[-1] + 1 == self.size[0] else low + step * (run[-1] + 1)
        return [*box[:2], low + step * run[0], *box[3:5], end]


def write_clip(
    field: Field,
    path: str | Path,
    playback: Playback,
    *,
    max_queries: int = 2**16,
    progress: bool = True,
) -> Path:
    """Write a field as a video file or a folder of frames, computed and written frame by frame.

    What is written appears under its name when it is whole. Former frames of a folder are replaced.

    Args:
        field: Batch of one over x, y and t, values in [-1, 1].
        path: ``.mp4`` or ``.gif``; without a suffix it is a folder of PNGs, ``frame00000.png``.
        playback: Frames, size, order and speed.
        max_queries: Queries that are evaluated at a time.
        progress: Whether a terminal shows frames done and the time left.

    Returns:
        The path written.

    Raises:
        ValueError: Another kind of field or file, something else in the way, more frames per
            second than such files show, or more pixels than the disk may have room for.
    """
    path = Path(path)
    if field.signal is not Signal.CLIP or len(field) != 1:
        raise ValueError(
            f'a clip shows one field over x, y and t, got {len(field)} over '
            f'{"".join(field.layout.axes)!r}; take field[i]'
        )
    if path.suffix and path.suffix.lower() not in CLIP_STREAMS:
        raise ValueError(
            f'clip format {path.suffix.removeprefix(".")!r} is not one of '
            f'{", ".join(s.removeprefix(".") for s in CLIP_STREAMS)}; a name without suffix is a '
            f'folder of frames'
        )
    if path.suffix and path.is_dir():
        raise ValueError(f'{path} is a folder; name a file, such as {path / "clip.mp4"}')
    check_rate(path.suffix, playback.rate)
    total = sum(map(len, playback.runs))
    check_space(path.parent, 3 * total * prod(playback.size[1:]))
    bar = tqdm(
        playback.frames(field, max_queries),
        total=total,
        desc=path.name,
        unit='frame',
        disable=None if progress else True,  # None: off where there is no terminal
    )
    if not path.suffix:
        return write_frames(path, bar)
    with replace_atomically(path) as file:
        CLIP_STREAMS[path.suffix.lower()](file, bar, playback.size[1:], playback.rate)
    return path


def write_frames(folder: Path, frames: Iterator[np.ndarray]) -> Path:
    """Write PNGs ``frame00000.png``, ... of ``(H, W, 3)`` uint8; former ones are replaced.

    Raises:
        ValueError: The folder holds something else, or is a file.
    """
    if folder.exists():
        others = [folder.name] if folder.is_file() else _others(folder)
        if others:
            raise ValueError(
                f'{folder} is in the way: it holds {others[:3]}, which are no frames; choose '
                f'another name or remove it'
            )
    partial = folder.with_name(f'.{folder.name}.{os.getpid()}.partial')
    partial.mkdir(parents=True)
    try:
        for index, frame in enumerate(frames):
            save_image(frame, partial / FRAME_NAME.format(index))
        if folder.exists():
            shutil.rmtree(folder)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def _others(folder: Path) -> list[str]:
    """What is in a folder that is no frame of ours."""
    return sorted(p.name for p in folder.iterdir() if p.is_dir() or not p.match('frame[0-9]*.png'))
