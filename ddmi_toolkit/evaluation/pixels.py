"""What metrics of pictures and clips share: what a sample shows, and the truth, at a size."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

RESIZE = 'bilinear with antialiasing (torch), from above only'
"""How true pictures are brought to a size; stated in protocols."""


TRUTHS = dict(image='PackImage(image_size=...)', clip='PackClip(clip_size=...)')
"""Entries of ``meta`` that hold originals, and what puts them there."""


def as_extent(size: int | Sequence[int], name: str = 'size') -> tuple[int, ...]:
    """``(rows, columns)`` of a picture or ``(frames, rows, columns)`` of a clip.

    A number is a square picture.

    Raises:
        ValueError: It is none of these, or not positive.
    """
    if isinstance(size, int):
        size = (size, size)
    extent = tuple(size)
    if len(extent) not in (2, 3) or any(not isinstance(n, int) or n < 1 for n in extent):
        raise ValueError(
            f'{name}={size!r} must be a number of pixels, (rows, columns) or '
            f'(frames, rows, columns)'
        )
    return extent


def shrink(images: Tensor, size: Sequence[int], what: str) -> Tensor:
    """Pictures ``(B, H, W, C)`` at a size that is not larger, antialiased, ``(B, *size, C)``.

    Args:
        images: Values in [-1, 1].
        size: ``(rows, columns)``; equal to ``(H, W)`` changes nothing.
        what: What the pictures are, for the message.

    Raises:
        ValueError: The size is larger in a direction: enlarged pictures are no ground truth.
    """
    height, width = images.shape[1:3]
    if (height, width) == tuple(size):
        return images
    if size[0] > height or size[1] > width:
        raise ValueError(
            f'{what} has {height} x {width} pixels, {size[0]} x {size[1]} are asked for, and '
            f'enlarged pictures are no ground truth; choose a size up to {height} x {width}, or '
            f'let the data set keep larger originals in meta'
        )
    planes = images.movedim(-1, 1)
    # As training targets are made, and as published: another filter would cap PSNR at 38 dB.
    small = F.interpolate(planes, tuple(size), mode='bilinear', antialias=True)
    return small.movedim(1, -1)


def shown_at(sample: Mapping[str, Any], size: Sequence[int], cell: float | None = None) -> Tensor:
    """A sample's picture or clip ``(*size, C)``: its field rendered, else its ``pred``.

    Args:
        sample: What a model predicts, ``dict(field[, pred])`` or ``dict(pred)``.
        size: ``(rows, columns)`` or ``(frames, rows, columns)``.
        cell: As ``Field.render``.

    Raises:
        ValueError: There is no field and ``pred`` has another size.
    """
    if sample.get('field') is not None:
        with torch.no_grad():
            return sample['field'].render(tuple(size), cell=cell)[0]
    pred = sample.get('pred')
    if pred is None or tuple(pred.shape[:-1]) != tuple(size):
        found = 'nothing' if pred is None else f'pred of shape {tuple(pred.shape)}'
        raise ValueError(
            f'{describe(size)} is needed, the model gave no field and '
            f'{found}; let it return its field, or evaluate at that size'
        )
    return pred


def original(meta: Mapping[str, Any] | None, key: str, what: str) -> Tensor:
    """What was there before a pipeline made it smaller, of an item or of a batch.

    Args:
        meta: Facts about the item or the batch.
        key: Of :data:`TRUTHS`.
        what: What has the meta, for the message.

    Raises:
        ValueError: The data set does not provide it.
    """
    if not meta or meta.get(key) is None:
        raise ValueError(
            f'{what} has no meta[{key!r}] (its meta has {sorted(meta or {})}), the original '
            f'that a metric compares with; let its pipeline keep it, e.g. by {TRUTHS[key]}'
        )
    return torch.as_tensor(meta[key])


def true_at(values: Tensor, size: Sequence[int], what: str) -> Tensor:
    """An original ``(H, W, C)`` or ``(T, H, W, C)`` at a size, ``(*size, C)``.

    Raises:
        ValueError: It has another number of frames, or fewer pixels.
    """
    if len(size) == 2:
        return shrink(values[None], size, what)[0]
    if len(values) != size[0]:
        raise ValueError(
            f'{what} has {len(values)} frames, {size[0]} are asked for; take clips of as many '
            f'frames, for what happens between them is part of what is compared'
        )
    return shrink(values, size[1:], what)


def describe(size: Sequence[int]) -> str:
    """A size in words."""
    pixels = f'{size[-2]} x {size[-1]} pixels'
    return f'a picture of {pixels}' if len(size) == 2 else f'a clip of {size[0]} x {pixels}'
