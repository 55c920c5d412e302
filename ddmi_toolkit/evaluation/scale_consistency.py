"""Whether a field shows the same picture at every resolution."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch.nn.functional as F
from mmengine.evaluator import BaseMetric
from torch import Tensor

from ..registry import METRICS
from ..structures import as_size
from .image_quality import psnr
from .pixels import shown_at
from .protocol import Protocol, sample_seed, seed_range


@METRICS.register_module()
class ScaleConsistency(BaseMetric):
    """PSNR between a small rendering of a field and the area-downsampled large one.

    The large picture's pixels are averaged over the blocks that lie within a pixel of the small
    one. ``psnr`` is of point samples; they alias where the field has details finer than the
    small pixels, so ``psnr_cell`` is of a small rendering that is averaged over its pixels too.
    Values are clamped to [-1, 1] first, and infinite if the pictures are equal.

    Args:
        sizes: The small and the large size, each a number or ``(rows, columns)``; the large one
            is a multiple of the small one.
        cell: Side, in pixels, of the box of the averaged rendering; None leaves it out.
        prefix: Replaces ``'scale'`` in the names of the values.

    Raises:
        ValueError: The sizes do not fit each other.
    """

    default_prefix = 'scale'

    def __init__(
        self,
        sizes: Sequence[int | Sequence[int]] = (256, 1024),
        cell: float | None = 1.0,
        prefix: str | None = None,
    ) -> None:
        super().__init__(prefix=prefix)
        if len(sizes) != 2:
            raise ValueError(f'sizes={sizes!r} must be the small and the large size')
        self.small, self.large = (as_size(size, 'sizes') for size in sizes)
        self.factor = tuple(b // a for a, b in zip(self.small, self.large, strict=True))
        if min(self.factor) < 1 or any(
            a * f != b for a, f, b in zip(self.small, self.factor, self.large, strict=True)
        ):
            raise ValueError(
                f'sizes={sizes!r}: the second must be a multiple of the first in both directions, '
                f'so that its pixels tile those of the first'
            )
        self.cell = cell
        self._measured: Protocol = {}

    def process(self, data_batch: Mapping[str, Any] | None, data_samples: Sequence[dict]) -> None:
        """Render each field at both sizes and keep the scores."""
        for i, sample in enumerate(data_samples):
            if sample.get('field') is None:
                raise ValueError('ScaleConsistency renders fields; the model gave none')
            target = self._averaged(shown_at(sample, self.large))
            scores = dict(psnr=self._psnr(shown_at(sample, self.small), target))
            if self.cell is not None:
                filtered = shown_at(sample, self.small, self.cell)
                scores['psnr_cell'] = self._psnr(filtered, target)
            self.results.append((sample_seed(data_batch, sample, i), scores))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Mean and smallest score over the fields."""
        self._measured = dict(
            num_samples=len(results), seeds=seed_range([seed for seed, _ in results])
        )
        out = {}
        for name in results[0][1]:
            values = [scores[name] for _, scores in results]
            out |= {name: sum(values) / len(values), f'{name}_worst': min(values)}
        return out

    def protocol(self) -> dict[str, Protocol]:
        """How the values of the last evaluation were measured, under the metric's prefix."""
        return {
            self.prefix: dict(
                metric=type(self).__name__,
                sizes=(self.small, self.large),
                downsampling='mean over blocks of pixels',
                cell=self.cell,
                value_range=(0, 1),
                **self._measured,
            )
        }

    def _averaged(self, image: Tensor) -> Tensor:
        planes = image.clamp(-1, 1).movedim(-1, 0)[None]
        return F.avg_pool2d(planes, self.factor)[0].movedim(0, -1)

    @staticmethod
    def _psnr(pred: Tensor, target: Tensor) -> float:
        pred, target = (x.clamp(-1, 1)[None] / 2 for x in (pred, target))
        return psnr(pred, target).item()
