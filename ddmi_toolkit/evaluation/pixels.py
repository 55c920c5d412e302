"""What metrics of images share: the picture that a sample shows, and the true one, at a size."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

RESIZE = 'bilinear with antialiasing (torch), from above only'
"""How true pictures are brought to a size; stated in protocols."""


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


def shown_image(
    sample: Mapping[str, Any], size: Sequence[int], cell: float | None = None
) -> Tensor:
    """A sample's picture ``(*size, C)``: its field rendered, else its ``pred``.

    Args:
        sample: What a model predicts, ``dict(field[, pred])`` or ``dict(pred)``.
        size: ``(rows, columns)``.
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
            f'a picture of {size[0]} x {size[1]} pixels is needed, the model gave no field and '
            f'{found}; let it return its field, or evaluate at that size'
        )
    return pred


def true_image(meta: Mapping[str, Any] | None, what: str) -> Tensor:
    """The original picture(s) ``meta['image']`` of an item or of a batch.

    Raises:
        ValueError: The data set does not provide it.
    """
    if not meta or meta.get('image') is None:
        raise ValueError(
            f"{what} has no meta['image'] (its meta has {sorted(meta or {})}), the original "
            f'picture that a metric compares with; let its pipeline keep it, e.g. by '
            f'PackImage(image_size=...)'
        )
    return torch.as_tensor(meta['image'])
