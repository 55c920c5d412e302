"""Reconstruction of clips, at any size and frame rate."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ...datasets.transforms.clips import center_crop, to_clip
from ...datasets.video_sources import VIDEO_SUFFIXES, AbstractClip, find_clips, open_clip
from ...structures import Field, PlaneLayout, magnified_size
from ...visualization import frame_size, image_grid, picture_strip, quantize, save_image
from ..clips import FPS
from ..fields import save_field
from ..writers import ClipWriter
from .base import AbstractReconstructor, Report, ToField
from .pictures import psnr_8bit

PANEL = 192
"""Pixels along the longer side of each of the frames that are compared."""


class ClipReconstructor(AbstractReconstructor):
    """Encodes as many frames of a clip as the layout has, and renders the field of their latent.

    Clips are video files or folders of frames. Frames are cropped to the layout's shape around
    their center and reduced to its size by an antialiasing filter (bilinear, as in training).

    Args:
        layout: Coordinate axes ``x``, ``y`` and ``t``.
        size: As :class:`ClipWriter` takes it.
        factor: In place of ``size``: pixels per pixel of the encoder's input (default 1).
        num_frames: Frames to render, by default as many as are encoded.
        start: First frame of the clip that is encoded.
        stride: Every how manieth frame is encoded.
        region: ``(x0, y0, t0, x1, y1, t1)`` to render, in data units; None is the whole field.
        fps: Frames per second; None is the speed of the original, where the file tells it.
        playback: ``'forward'``, ``'reverse'``, or ``'loop'``, there and back.
        format: ``'mp4'``, ``'gif'``, or ``'frames'``, a folder of PNGs.

    Raises:
        ValueError: Both size and factor are given, or one of the options does not fit.
    """

    SUFFIXES: ClassVar[tuple[str, ...]] = VIDEO_SUFFIXES
    FOLDERS: ClassVar[str] = 'a folder of frames'

    def __init__(
        self,
        layout: PlaneLayout,
        size: int | Sequence[int] | None = None,
        factor: float | None = None,
        num_frames: int | None = None,
        start: int = 0,
        stride: int = 1,
        region: Sequence[float] | None = None,
        fps: float | None = None,
        playback: str = 'forward',
        format: str = 'mp4',
    ) -> None:
        if size is not None and factor is not None:
            raise ValueError(f'size={size} and factor={factor} are both given; choose one')
        if start < 0 or stride < 1:
            raise ValueError(
                f'start={start} and stride={stride}: frames are counted from 0, strides from 1'
            )
        if factor is not None and not factor > 0:
            raise ValueError(f'factor={factor} must be a positive number')
        if factor is not None:
            size = magnified_size(layout, factor, region)[1:]
        self.layout, self.start, self.stride, self.fps = layout, start, stride, fps
        self._options = dict(region=region, playback=playback, format=format)
        self._shown = dict(size=size, num_frames=num_frames)
        self._writer(fps)  # refuses what does not fit

    @classmethod
    def find(cls, path: Path) -> list[Path]:
        """The file or the folder of frames itself, or all of them below a folder."""
        return [clip.path for clip in find_clips(path)] if path.is_dir() else super().find(path)

    def __call__(self, path: Path, stem: Path, to_field: ToField) -> Report:
        """Write ``stem.mp4``, ``stem_sheet.png``, ``stem.safetensors`` and ``stem_comparison.png``.

        The last shows the original above the reconstruction.
        """
        clip = open_clip(path)
        frames = clip.load(self._window(clip))
        x, y, _ = self.layout.axes.values()
        inputs = self._resized(frames, (y.size, x.size))
        field = to_field(inputs.movedim(-1, 0).contiguous())
        save_field(field, stem.with_name(f'{stem.name}.safetensors'))
        writer = self._writer(self._speed(clip))
        writer.write(field, stem)

        panel = frame_size(self.layout, PANEL)
        strips = self._resized(frames, panel), field.render((len(frames), *panel))[0]
        sheet = image_grid([picture_strip(strip) for strip in strips], columns=1)
        save_image(sheet, stem.with_name(f'{stem.name}_comparison.png'))
        report: Report = dict(
            done=self._story(clip, frames[0]), psnr_at_input_size=self._psnr(field, inputs)
        )
        if self._has_truth(writer.playback.size, frames[0]):
            report['psnr'] = self._psnr(field, self._resized(frames, writer.playback.size[1:]))
        return report

    def _writer(self, fps: float | None) -> ClipWriter:
        return ClipWriter(self.layout, fps=fps, **self._shown, **self._options)

    def _window(self, clip: AbstractClip) -> range:
        """Frames to encode."""
        stop = self.start + (self.layout.axes['t'].size - 1) * self.stride + 1
        if len(clip) < stop:
            raise ValueError(
                f'{clip.path} has {len(clip)} frames, {stop} are needed for '
                f'{self.layout.axes["t"].size} with start={self.start} and stride={self.stride}; '
                f'lower them or leave the clip out'
            )
        return range(self.start, stop, self.stride)

    def _speed(self, clip: AbstractClip) -> float | None:
        """Frames per second that let the reconstruction take as long as the original."""
        if self.fps is not None or clip.fps is None:
            return self.fps
        return self._writer(None).playback.rate * clip.fps / (self.stride * FPS)

    def _resized(self, frames: Sequence[Image.Image], size: tuple[int, int]) -> Tensor:
        return to_clip(center_crop(frames, size), size, Image.Resampling.BILINEAR)

    def _has_truth(self, size: tuple[int, int, int], frame: Image.Image) -> bool:
        """Whether the original has what is rendered: the whole, those frames, as many pixels."""
        width, height = center_crop([frame], size[1:])[0].size
        is_whole = self._options['region'] is None and size[0] == self.layout.axes['t'].size
        return is_whole and height >= size[1] and width >= size[2]

    def _psnr(self, field: Field, truth: Tensor) -> float:
        with torch.no_grad():
            shown = field.render(tuple(truth.shape[:-1]))[0]
        return psnr_8bit(np.concatenate(quantize(shown)), np.concatenate(quantize(truth)))

    def _story(self, clip: AbstractClip, frame: Image.Image) -> str:
        """What was done to a clip, sizes as width x height."""
        window, x, y = self._window(clip), self.layout.axes['x'], self.layout.axes['y']
        cropped, size = center_crop([frame], (y.size, x.size))[0].size, (x.size, y.size)
        steps = [f'frames {window[0]} to {window[-1]} of {len(clip)}']
        if self.stride > 1:
            steps[0] += f' by {self.stride}'
        steps.append(f'{frame.width}x{frame.height}')
        if cropped != frame.size:
            steps.append(f'center-cropped to {cropped[0]}x{cropped[1]}')
        if cropped != size:
            word = 'reduced' if size <= cropped else 'enlarged'
            steps.append(f'{word} to {x.size}x{y.size}')
        return ', '.join(steps)
