"""Whether a completed shape keeps what was observed of it."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from mmengine.evaluator import BaseMetric
from scipy.spatial import cKDTree

from ..geometry.isosurface import check_resolution_and_threshold
from ..registry import METRICS
from .meshing import sample_field_surface
from .protocol import Protocol, digest, sample_seed, seed_range

_EMPTY_DISTANCE = 3**0.5  # diagonal of the unit cube, as in the metrics of reconstructions


@METRICS.register_module()
class UnidirectionalHausdorff(BaseMetric):
    """Distance from the observed points to the surface of the completed shape (fidelity).

    ``hausdorff`` is UHD of Wu et al. (2020): of each shape the largest distance from an observed
    point to the nearest point of the completion, averaged over shapes. ``distance`` is the mean
    instead of the largest one, and ``completeness`` the share of observed points within
    ``completeness_distance``. All are Euclidean, in data units, on a sample of the surface, so
    they do not fall below its spacing. A field without a surface counts with sqrt(3) and 0.

    Args:
        observed: Where a batch holds the observed points ``(B, P, 3)``: ``'inputs'``, ``'cond'``
            or ``'meta.<key>'``. Points with a coordinate that is NaN were not observed.
        num_points: Points on the surface.
        resolution: Cells per axis of the meshes.
        threshold: Occupancy probability at the surface.
        completeness_distance: Distance at which an observed point counts as kept (published: 0.03).
        prefix: Replaces ``'fidelity'`` in the names of the values.

    Raises:
        ValueError: The resolution or the threshold is out of its range.
    """

    default_prefix = 'fidelity'
    READS_CONDITIONS: ClassVar[bool] = True

    def __init__(
        self,
        observed: str = 'inputs',
        num_points: int = 10_000,
        resolution: int = 128,
        threshold: float = 0.5,
        completeness_distance: float = 0.03,
        prefix: str | None = None,
    ) -> None:
        super().__init__(prefix=prefix)
        check_resolution_and_threshold(resolution, threshold)
        self.observed, self.num_points = observed, num_points
        self.resolution, self.threshold = resolution, threshold
        self.completeness_distance = completeness_distance
        self._measured: Protocol = {}

    def process(self, data_batch: Mapping[str, Any] | None, data_samples: Sequence[dict]) -> None:
        """Compare each field with what was observed of it."""
        for i, (sample, points) in enumerate(
            zip(data_samples, self._points(data_batch, len(data_samples)), strict=True)
        ):
            seed = sample_seed(data_batch, sample, i)
            surface, _ = sample_field_surface(
                sample['field'],
                self.num_points,
                resolution=self.resolution,
                threshold=self.threshold,
                seed=seed,
            )
            scores = fidelity(points, surface, self.completeness_distance)
            self.results.append((seed, digest(points), scores))

    def _points(self, data_batch: Mapping[str, Any] | None, count: int) -> list[np.ndarray]:
        place: Any = data_batch or {}
        for key in self.observed.split('.'):
            place = place.get(key) if isinstance(place, Mapping) else None
        if place is None or len(place) != count:
            raise ValueError(
                f'the batch has no observed points at {self.observed!r}, it has '
                f'{sorted(data_batch or {})}; name where they are, e.g. '
                f"observed='meta.observed_points'"
            )
        clouds = [np.asarray(points, dtype=np.float32) for points in place]
        clouds = [points[np.isfinite(points).all(-1)] for points in clouds]
        for i, points in enumerate(clouds):
            if points.ndim != 2 or points.shape[1] != 3 or not len(points):
                raise ValueError(
                    f'sample {i} has {self.observed!r} of shape {tuple(points.shape)} without NaN; '
                    f'expected (P, 3) with at least one point'
                )
        return clouds

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Means over shapes of ``hausdorff``, ``distance``, ``completeness`` and ``empty``."""
        seeds, observed, scores = zip(*results, strict=True)
        self._measured = dict(
            num_samples=len(scores), seeds=seed_range(seeds), observed=digest(*sorted(observed))
        )
        return {key: float(np.mean([s[key] for s in scores])) for key in scores[0]}

    def protocol(self) -> dict[str, Protocol]:
        """How the values of the last evaluation were measured, under the metric's prefix."""
        return {
            self.prefix: dict(
                metric=type(self).__name__,
                distance='Euclidean, observed point to the nearest sampled point of the surface',
                num_points=self.num_points,
                resolution=self.resolution,
                threshold=self.threshold,
                completeness_distance=self.completeness_distance,
                empty_mesh='distances sqrt(3), completeness 0',
                **self._measured,
            )
        }


def fidelity(observed: np.ndarray, surface: np.ndarray, within: float) -> dict[str, float]:
    """Largest and mean distance from points ``(P, 3)`` to a cloud, and the share within some."""
    if not len(surface):
        far = dict.fromkeys(('hausdorff', 'distance'), _EMPTY_DISTANCE)
        return dict(far, completeness=0.0, empty=1.0)
    distances = cKDTree(surface).query(observed)[0]
    return dict(
        hausdorff=float(distances.max()),
        distance=float(distances.mean()),
        completeness=float((distances < within).mean()),
        empty=0.0,
    )
