"""Metrics of stage 1: how well a field agrees with the shape that was encoded."""

from collections.abc import Sequence
from math import log, sqrt
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric

from ..geometry.isosurface import check_resolution_and_threshold
from ..registry import METRICS
from .functional import iou, surface_metrics
from .meshing import batch_meta, sample_field_surface
from .protocol import Protocol, digest, sample_names, sample_seed

_EMPTY_DISTANCE = sqrt(3)  # diagonal of the unit cube, as in Occupancy Networks


@METRICS.register_module()
class OccupancyIoU(BaseMetric):
    """Intersection over union of predicted and true occupancy, averaged over shapes.

    Reads ``pred`` (logits ``(Q, 1)``) and ``target`` (1 inside, ``(Q, 1)``) of every sample.

    Args:
        threshold: Probability from which a point counts as inside.
        prefix: Replaces ``'iou'`` in the names of the values.
    """

    default_prefix = 'iou'

    def __init__(self, threshold: float = 0.5, prefix: str | None = None) -> None:
        super().__init__(prefix=prefix)
        if not 0 < threshold < 1:
            raise ValueError(f'threshold={threshold} must be a probability in (0, 1)')
        self.threshold = threshold
        self._measured: Protocol = {}

    def process(self, data_batch: dict[str, Any], data_samples: Sequence[dict]) -> None:
        """Keep the IoU of each sample."""
        names = sample_names(data_batch, len(data_samples))
        level = log(self.threshold / (1 - self.threshold))
        for name, sample in zip(names, data_samples, strict=True):
            if sample.get('target') is None:
                raise ValueError('the samples have no target; IoU needs the true occupancy')
            pred = sample['pred'].detach().cpu().numpy()[..., 0] > level
            target = sample['target'].detach().cpu().numpy()[..., 0] >= 0.5
            self.results.append((name, float(iou(pred, target)), pred.size))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """``mean`` and ``worst`` IoU over shapes."""
        names, values, sizes = zip(*results, strict=True)
        self._measured = dict(
            num_samples=len(values), num_points=max(sizes), shapes=digest(*sorted(names))
        )
        return dict(mean=float(np.mean(values)), worst=float(np.min(values)))

    def protocol(self) -> dict[str, Protocol]:
        """How the values of the last evaluation were measured, under the metric's prefix."""
        return {
            self.prefix: dict(
                metric=type(self).__name__,
                distance='1 - IoU per shape, on the queries of the data set',
                threshold=self.threshold,
                **self._measured,
            )
        }


@METRICS.register_module()
class SurfaceMetrics(BaseMetric):
    """Accuracy, completeness, Chamfer-L1, normal consistency and F-score of meshes.

    Meshes the ``field`` of every sample and compares points on it with ``meta['surface_points']``
    and ``meta['surface_normals']``, as many as these are. Conventions of Convolutional Occupancy
    Networks (:func:`functional.surface_metrics`), distances in data units. A field without a
    surface counts with distances sqrt(3), and 0 for F-score and normal consistency.

    Args:
        resolution: Cells per axis of the meshes.
        threshold: Occupancy probability at the surface.
        f_score_thresholds: Distances at which a point counts as hit.
        prefix: Replaces ``'surface'`` in the names of the values.

    Raises:
        ValueError: The resolution or the threshold is out of its range.
    """

    default_prefix = 'surface'

    def __init__(
        self,
        resolution: int = 128,
        threshold: float = 0.5,
        f_score_thresholds: Sequence[float] = (0.01,),
        prefix: str | None = None,
    ) -> None:
        super().__init__(prefix=prefix)
        check_resolution_and_threshold(resolution, threshold)  # fails before hours of encoding
        self.resolution, self.threshold = resolution, threshold
        self.f_score_thresholds = tuple(f_score_thresholds)
        self._measured: Protocol = {}

    def process(self, data_batch: dict[str, Any], data_samples: Sequence[dict]) -> None:
        """Mesh each field and keep its scores."""
        points = batch_meta(data_batch, 'surface_points').numpy()  # (B, M, 3)
        normals = batch_meta(data_batch, 'surface_normals').numpy()
        names = sample_names(data_batch, len(data_samples))
        for i, sample in enumerate(data_samples):
            seed = sample_seed(data_batch, sample, i)
            scores = self._score(sample['field'], points[i], normals[i], seed)
            self.results.append((names[i], points.shape[1], digest(points[i]), scores))

    def _score(self, field: Any, points: np.ndarray, normals: np.ndarray, seed: int) -> dict:
        pred, pred_normals = sample_field_surface(
            field, len(points), resolution=self.resolution, threshold=self.threshold, seed=seed
        )
        if len(pred):
            scores = surface_metrics(
                pred, points, pred_normals, normals, thresholds=self.f_score_thresholds
            )
            return dict(scores, empty=0.0)
        names = ('accuracy', 'completeness', 'chamfer_l1')
        hits = {f'f_score_{t:g}': 0.0 for t in self.f_score_thresholds}
        return dict(
            dict.fromkeys(names, _EMPTY_DISTANCE), **hits, normal_consistency=0.0, empty=1.0
        )

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Mean of each score over shapes, and the share of ``empty`` meshes."""
        names, sizes, digests, scores = zip(*results, strict=True)
        self._measured = dict(
            num_samples=len(scores),
            num_points=max(sizes),
            shapes=digest(*sorted(names)),
            reference=digest(*sorted(digests)),
        )
        return {key: float(np.mean([s[key] for s in scores])) for key in scores[0]}

    def protocol(self) -> dict[str, Protocol]:
        """How the values of the last evaluation were measured, under the metric's prefix."""
        return {
            self.prefix: dict(
                metric=type(self).__name__,
                distance='Euclidean to the nearest point',
                resolution=self.resolution,
                threshold=self.threshold,
                f_score_thresholds=self.f_score_thresholds,
                empty_mesh='distances sqrt(3), scores 0',
                **self._measured,
            )
        }
