"""Transforms of clip records: mirrors, crops, and the batch contract of videos.

A clip record has a list of RGB Pillow ``frames`` of one size, a ``name``, and the ``index`` and
``visit`` of the item. Coordinates ``x`` (columns) and ``y`` (rows, downwards) span [-1, 1] over
what is kept of a frame and ``t`` over the clip: frame ``k`` of ``T`` is at
``(2 k + 1) / T - 1``. Values are in [-1, 1]. Frames are cropped around their center to the shape
that is asked for, and resized by filters whose support grows with the reduction.
"""

from collections.abc import Sequence

import torch
from mmcv.transforms import BaseTransform
from PIL import Image
from torch import Tensor

from ...registry import TRANSFORMS
from ...structures import as_size
from ..base import Record
from ..image_files import as_filter
from .images import Size, pixel_positions, to_values, with_extras
from .places import IntegerPlaces, RealPlaces

Frames = Sequence[Image.Image]
Box = tuple[float, float, float, float]


@TRANSFORMS.register_module()
class FlipClip(BaseTransform):
    """Mirror left and right on alternate visits, as ``Flip`` does pictures."""

    def transform(self, record: Record) -> Record:
        """Mirror all ``frames`` or leave them."""
        if (record['index'] + record['visit']) % 2:
            mirror = Image.Transpose.FLIP_LEFT_RIGHT
            record['frames'] = [frame.transpose(mirror) for frame in record['frames']]
        return record


@TRANSFORMS.register_module()
class PackClip(BaseTransform):
    """Evaluation sample: the whole clip as input, and again as target.

    Sample: ``inputs (3, T, H, W)``; ``query = dict(t=(T,), y=(h,), x=(w,), scale=())`` with the
    centers of all pixels; ``target (T, h, w, 3)``; ``meta = dict(name=...[, clip (T, h2, w2,
    3)])``. ``scale`` is the spacing of the queries relative to the input's, the geometric mean over
    the three axes.

    Args:
        size: Of the encoder's input, one number or ``(height, width)``.
        target_size: Of the target, by default ``size``.
        clip_size: Of the clip in ``meta``, for metrics that render at sizes of their own; None
            puts none there.
        filter: Of ``'box'``, ``'bilinear'`` (published), ``'bicubic'`` and ``'lanczos'``.
        cond: Record key handed to a conditioner, e.g. ``'label'``.

    Raises:
        ValueError: The frames of a clip are smaller than the largest size.
    """

    def __init__(
        self,
        size: Size,
        target_size: Size | None = None,
        clip_size: Size | None = None,
        filter: str = 'bilinear',
        cond: str | None = None,
    ) -> None:
        self.size = as_size(size)
        self.target_size = as_size(size if target_size is None else target_size, 'target_size')
        self.clip_size = None if clip_size is None else as_size(clip_size, 'clip_size')
        self.resample, self.cond = as_filter(filter), cond

    def transform(self, record: Record) -> Record:
        """The sample of a record; everything that is not named above is dropped."""
        inputs = self._resized(record, self.size)
        target = inputs if self.target_size == self.size else None
        if target is None:
            target = self._resized(record, self.target_size)
        num, h, w, _ = target.shape
        scale = (self.size[0] / h * self.size[1] / w) ** (1 / 3)
        query = dict(
            t=pixel_positions(0, num, num),
            y=pixel_positions(0, h, h),
            x=pixel_positions(0, w, w),
            scale=torch.tensor(scale),
        )
        sample = dict(inputs=inputs.movedim(-1, 0).contiguous(), query=query, target=target)
        sample = with_extras(sample, record, self.cond)
        if self.clip_size is not None:
            sample['meta']['clip'] = self._resized(record, self.clip_size)
        return sample

    def _resized(self, record: Record, size: tuple[int, int]) -> Tensor:
        return to_clip(_checked_crop(record, size), size, self.resample)


@TRANSFORMS.register_module()
class CropClip(BaseTransform):
    """Training sample: the whole clip small, and a crop of some of its frames as target.

    Sample: ``inputs (3, T, H, W)``; ``query = dict(t=(n,), y=(h,), x=(w,), scale=(), frame=())``
    with pixel centers, ``scale`` as ``PackClip`` has it, and ``frame`` the int64 index, among the
    ``n``, of a frame for losses that look at a single one; ``target (n, h, w, 3)``;
    ``meta = dict(name=...)``.

    Args:
        size: Of the encoder's input, one number or ``(height, width)``.
        num_query_frames: Frames of the target, a run that starts anywhere; None is all.
        crop_size: Of the target, at a random place; None is ``size``.
        magnification_range: ``(low, high)``: frames are thought of as resized to so many times
            ``size``, drawn uniformly, before they are cropped; None is 1.
        filter: Of ``'box'``, ``'bilinear'`` (published), ``'bicubic'`` and ``'lanczos'``.
        cond: Record key handed to a conditioner, e.g. ``'label'``.

    Raises:
        ValueError: Arguments do not fit together, or a clip has too few or too small frames.
    """

    def __init__(
        self,
        size: Size,
        num_query_frames: int | None = None,
        crop_size: Size | None = None,
        magnification_range: tuple[float, float] | None = None,
        filter: str = 'bilinear',
        cond: str | None = None,
    ) -> None:
        self.size = as_size(size)
        self.crop_size = as_size(size if crop_size is None else crop_size, 'crop_size')
        self.places: RealPlaces | IntegerPlaces
        if magnification_range is None:
            self.places = IntegerPlaces(self.size, self.crop_size, ((1, 1.0),))
        else:
            self.places = RealPlaces(self.size, self.crop_size, tuple(magnification_range))
        if num_query_frames is not None and num_query_frames < 1:
            raise ValueError(f'num_query_frames must be at least 1, got {num_query_frames}')
        self.num_query_frames = num_query_frames
        self.resample, self.cond = as_filter(filter), cond

    def transform(self, record: Record) -> Record:
        """The sample of a record; everything that is not named above is dropped."""
        rng, top = record['rng'], self.places.highest
        needed = (top * self.size[0], top * self.size[1])
        frames = _checked_crop(record, needed)
        magnification, y0, x0 = self.places.draw(rng)
        (h, w), rows, cols = self.crop_size, *(magnification * n for n in self.size)
        count = self._count(frames, record['name'])
        first = int(rng.integers(0, len(frames) - count + 1))
        query = dict(
            t=pixel_positions(first, count, len(frames)),
            y=pixel_positions(y0, h, rows),
            x=pixel_positions(x0, w, cols),
            scale=torch.tensor(magnification ** (-2 / 3), dtype=torch.float32),
            frame=torch.tensor(int(rng.integers(0, count))),
        )
        unit_x, unit_y = frames[0].width / cols, frames[0].height / rows
        right, bottom = ((x0 + w) * unit_x, (y0 + h) * unit_y)
        box = (x0 * unit_x, y0 * unit_y, *map(min, (right, bottom), frames[0].size))
        chosen = frames[first : first + count]
        inputs = to_clip(frames, self.size, self.resample)
        target = to_clip(chosen, self.crop_size, self.resample, box)
        sample = dict(inputs=inputs.movedim(-1, 0).contiguous(), query=query, target=target)
        return with_extras(sample, record, self.cond)

    def _count(self, frames: Frames, name: str) -> int:
        count = len(frames) if self.num_query_frames is None else self.num_query_frames
        if count > len(frames):
            raise ValueError(
                f'{name}: num_query_frames={count} of a clip of {len(frames)} frames; lower it'
            )
        return count


def center_crop(frames: Frames, size: tuple[float, float]) -> list[Image.Image]:
    """The largest part of each frame, around its center, that has the shape of a size.

    Args:
        frames: Of one size.
        size: ``(height, width)``.
    """
    width, height = frames[0].size
    unit = min(height / size[0], width / size[1])
    h, w = (max(round(unit * n), 1) for n in size)
    left, top = (width - w) // 2, (height - h) // 2
    return [frame.crop((left, top, left + w, top + h)) for frame in frames]


def to_clip(
    frames: Frames, size: tuple[int, int], resample: Image.Resampling, box: Box | None = None
) -> Tensor:
    """Values ``(T, *size, 3)`` float32 in [-1, 1] of frames, or of a box in them, resized."""
    return torch.stack([to_values(f.resize(size[::-1], resample, box=box)) for f in frames])


def _checked_crop(record: Record, size: tuple[float, float]) -> list[Image.Image]:
    """The centers of a clip's frames, which have no fewer pixels than a size of their shape."""
    frames, (rows, cols) = record['frames'], size
    width, height = frames[0].size
    if height < rows - 0.5 or width < cols - 0.5:
        raise ValueError(
            f'{record["name"]}: frames of {width}x{height} pixels, at least {cols:g}x{rows:g} are '
            f'needed; lower the sizes, or leave small clips out'
        )
    return center_crop(frames, size)
