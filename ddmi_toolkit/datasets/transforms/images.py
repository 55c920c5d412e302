"""Transforms of picture records: mirrors, crops, and the batch contract of images.

A picture record has an RGB Pillow ``image``, a ``name``, the ``index`` and ``visit`` of the item,
and where there are classes a ``label`` and ``class_name``. Coordinates ``x`` (columns) and ``y``
(rows, downwards) span [-1, 1] over the whole picture; values are in [-1, 1]. Pictures are resized
by filters whose support grows with the reduction, so nothing aliases.
"""

from collections.abc import Sequence
from math import sqrt

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from PIL import Image
from torch import Tensor

from ...registry import TRANSFORMS
from ...structures import as_size
from ..base import Record
from ..image_files import as_filter
from .places import IntegerPlaces, RealPlaces

Size = int | tuple[int, int]
# Entries of any kind of record that are no conditions.
_NO_CONDITIONS = frozenset('rng index visit image frames views cameras points'.split())
_MAX_STRETCH = 0.01  # a pixel of a picture of 100; sizes are integers, so some must be allowed


@TRANSFORMS.register_module()
class Flip(BaseTransform):
    """Mirror left and right on alternate visits: when ``index + visit`` is odd.

    Nothing is drawn. Two successive visits show each picture and its mirror once, and half of the
    pictures of a round are mirrored. So a latent cache with ``draws_per_item=2``, which repeats
    visits 0 and 1, holds exactly every picture and every mirror.
    """

    def transform(self, record: Record) -> Record:
        """Mirror ``image`` or leave it."""
        if (record['index'] + record['visit']) % 2:
            record['image'] = record['image'].transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        return record


@TRANSFORMS.register_module()
class CenterSquare(BaseTransform):
    """Crop the largest centered square."""

    def transform(self, record: Record) -> Record:
        """Crop ``image``; of an odd rest, the larger part is cut at the right or bottom."""
        image = record['image']
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        record['image'] = image.crop((left, top, left + side, top + side))
        return record


@TRANSFORMS.register_module()
class MultiScaleCrop(BaseTransform):
    """Training sample: the whole picture small, and a crop of it at a random magnification.

    The picture is thought of as resized to ``magnification`` times the input size, and
    ``crop_size`` pixels of that are the target. Every sample draws its own magnification and
    place (published: one for a batch). Magnifications of a list come with integer places, all of
    them equally likely (published: the last row and column are never reached); those of a range
    with real ones. The target is the same as if the whole picture had been resized.

    Sample: ``inputs (3, H, W)``; ``query = dict(y=(h,), x=(w,), scale=())`` with pixel centers in
    [-1, 1] and ``scale = 1 / magnification``; ``target (h, w, 3)``; ``meta = dict(name=...)``.

    Args:
        input_size: Of the encoder's input, one number or ``(height, width)``.
        crop_size: Of the target, by default ``input_size``.
        magnifications: Sizes of the picture relative to ``input_size`` (published: 1, 1.5, 2).
        probabilities: Of each magnification.
        magnification_range: ``(low, high)`` of magnifications drawn uniformly, in place of both.
        filter: Of ``'box'``, ``'bilinear'`` (published), ``'bicubic'`` and ``'lanczos'``.
        cond: Record key handed to a conditioner, e.g. ``'label'``.

    Raises:
        ValueError: Arguments do not fit together; or a picture is smaller than the largest
            magnification of the input, or of another shape.
    """

    def __init__(
        self,
        input_size: Size,
        crop_size: Size | None = None,
        magnifications: Sequence[float] = (1, 1.5, 2),
        probabilities: Sequence[float] = (0.3, 0.3, 0.4),
        magnification_range: tuple[float, float] | None = None,
        filter: str = 'bilinear',
        cond: str | None = None,
    ) -> None:
        self.input_size = as_size(input_size, 'input_size')
        crop = as_size(self.input_size if crop_size is None else crop_size, 'crop_size')
        self.places: RealPlaces | IntegerPlaces
        if magnification_range is not None:
            self.places = RealPlaces(self.input_size, crop, tuple(magnification_range))
        else:
            chances = tuple(zip(magnifications, probabilities, strict=False))
            is_distribution = abs(sum(probabilities) - 1) <= 1e-6 and min(probabilities) >= 0
            if len(magnifications) != len(probabilities) or not is_distribution:
                raise ValueError(
                    f'each of magnifications {tuple(magnifications)} needs a probability of at '
                    f'least 0, which sum to 1; got {tuple(probabilities)}'
                )
            self.places = IntegerPlaces(self.input_size, crop, chances)
        self.crop_size, self.resample, self.cond = crop, as_filter(filter), cond

    def transform(self, record: Record) -> Record:
        """The sample of a record; everything that is not named above is dropped."""
        image, (height, width) = record['image'], self.input_size
        top = self.places.highest
        _check_picture(record, (height * top, width * top))
        magnification, y0, x0 = self.places.draw(record['rng'])
        (h, w), rows, cols = self.crop_size, magnification * height, magnification * width
        unit_y, unit_x = image.height / rows, image.width / cols
        box = (x0 * unit_x, y0 * unit_y, (x0 + w) * unit_x, (y0 + h) * unit_y)
        box = (box[0], box[1], min(box[2], image.width), min(box[3], image.height))
        query = dict(
            y=pixel_positions(y0, h, rows),
            x=pixel_positions(x0, w, cols),
            scale=torch.tensor(1 / magnification, dtype=torch.float32),
        )
        inputs = to_values(_resize(image, self.input_size, self.resample)).movedim(-1, 0)
        target = to_values(image.resize((w, h), self.resample, box=box))
        sample = dict(inputs=inputs.contiguous(), query=query, target=target)
        return with_extras(sample, record, self.cond)


@TRANSFORMS.register_module()
class PackImage(BaseTransform):
    """Evaluation sample: the whole picture as input, and again as target.

    Sample: ``inputs (3, H, W)``; ``query = dict(y=(h,), x=(w,), scale=())`` with the centers of
    all pixels; ``target (h, w, 3)``; ``meta = dict(name=...[, image (h2, w2, 3)])``.

    Args:
        input_size: Of the encoder's input, one number or ``(height, width)``.
        size: Of the target, by default ``input_size``.
        image_size: Of the picture in ``meta``, for metrics that render at sizes of their own;
            None puts none there.
        filter: Of ``'box'``, ``'bilinear'`` (published), ``'bicubic'`` and ``'lanczos'``.
        cond: Record key handed to a conditioner, e.g. ``'label'``.

    Raises:
        ValueError: The sizes differ in shape; or a picture is smaller than the largest of them,
            or of another shape.
    """

    def __init__(
        self,
        input_size: Size,
        size: Size | None = None,
        image_size: Size | None = None,
        filter: str = 'bilinear',
        cond: str | None = None,
    ) -> None:
        self.input_size = as_size(input_size, 'input_size')
        self.size = as_size(self.input_size if size is None else size, 'size')
        self.image_size = None if image_size is None else as_size(image_size, 'image_size')
        for name, other in dict(size=self.size, image_size=self.image_size).items():
            if other is not None and _stretch(other, self.input_size) > _MAX_STRETCH:
                raise ValueError(
                    f'{name}={other} has another shape than input_size={self.input_size} '
                    f'(height, width); choose a multiple of it'
                )
        sizes = (self.input_size, self.size, self.image_size or self.size)
        self.largest = max(sizes)
        self.resample, self.cond = as_filter(filter), cond

    def transform(self, record: Record) -> Record:
        """The sample of a record; everything that is not named above is dropped."""
        image, (h, w) = record['image'], self.size
        _check_picture(record, self.largest)
        scale = sqrt(self.input_size[0] / h * self.input_size[1] / w)
        inputs = to_values(_resize(image, self.input_size, self.resample)).movedim(-1, 0)
        sample = dict(
            inputs=inputs.contiguous(),
            query=dict(
                y=pixel_positions(0, h, h), x=pixel_positions(0, w, w), scale=torch.tensor(scale)
            ),
            target=to_values(_resize(image, self.size, self.resample)),
        )
        sample = with_extras(sample, record, self.cond)
        if self.image_size is not None:
            sample['meta']['image'] = to_values(_resize(image, self.image_size, self.resample))
        return sample


def to_values(image: Image.Image) -> Tensor:
    """Values ``(h, w, 3)`` float32 in [-1, 1] of an 8-bit RGB image."""
    return torch.from_numpy(np.asarray(image, np.float32) / 127.5 - 1)


def _resize(image: Image.Image, size: tuple[int, int], resample: Image.Resampling) -> Image.Image:
    return image.resize(size[::-1], resample)


def pixel_positions(start: float, count: int, total: float) -> Tensor:
    """Centers ``(count,)`` of cells that follow ``start`` of ``total`` cells tiling [-1, 1]."""
    return torch.from_numpy((2 * (start + np.arange(count) + 0.5) / total - 1).astype(np.float32))


def _stretch(size: tuple[float, float], other: tuple[float, float]) -> float:
    """How much one shape must be stretched to become the other, 0 if they are similar."""
    ratio = (size[0] * other[1]) / (size[1] * other[0])
    return max(ratio, 1 / ratio) - 1


def _check_picture(record: Record, needed: tuple[float, float]) -> None:
    image, name = record['image'], record['name']
    height, width = image.height, image.width
    if _stretch((height, width), needed) > _MAX_STRETCH:
        raise ValueError(
            f'{name}: {width}x{height} pixels would be distorted to {needed[1]:g}x{needed[0]:g}; '
            f'put CenterSquare first, or crop all pictures with tools/prepare_images.py'
        )
    if height < needed[0] - 0.5 or width < needed[1] - 0.5:
        raise ValueError(
            f'{name}: {width}x{height} pixels, at least {needed[1]:g}x{needed[0]:g} are needed; '
            f'lower the magnifications or sizes, or leave small pictures out with '
            f'tools/prepare_images.py --size'
        )


def with_extras(sample: Record, record: Record, cond: str | None) -> Record:
    """Add ``meta`` and, where it is asked for, ``cond``."""
    sample['meta'] = dict(name=record['name'])
    if cond is not None:
        if cond not in record:
            known = sorted(set(record) - _NO_CONDITIONS)
            raise ValueError(
                f'cond={cond!r} is not in the record of {record["name"]!r}, which has {known}'
            )
        sample['cond'] = record[cond]
    return sample
