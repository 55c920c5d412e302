"""Metrics of stage 2: how well a set of generated shapes matches a set of real ones."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from ..geometry.isosurface import check_resolution_and_threshold
from ..registry import DATASETS, METRICS
from ..structures import mix_seed
from . import functional
from .meshing import sample_field_surface
from .protocol import Protocol, digest, sample_seed, seed_range

_PAIRWISE = dict(cd=functional.pairwise_chamfer, emd=functional.pairwise_emd)
_SECONDS_PER_PAIR = dict(cd=1e-3, emd=1e-2)  # measured on one core at 2048 and 512 points


@METRICS.register_module()
class PointCloudMetrics(BaseMetric):
    """MMD, COV, 1-NNA and JSD between clouds from generated fields and reference clouds.

    Meshes the ``field`` of every sample and takes points on it. A field without a surface counts
    as a cloud whose points all lie at the origin, and its share is reported as ``empty``.

    Args:
        reference: Config of a data set whose items have ``meta['surface_points']``.
        num_points: Points per cloud.
        resolution: Cells per axis of the meshes.
        threshold: Occupancy probability at the surface (published: 0.2).
        normalize: What is done to each cloud by itself: ``'none'``, ``'unit_sphere'`` (published)
            or ``'bbox'``, see :func:`functional.normalize_cloud`.
        distances: ``'cd'``, ``'emd'`` or both.
        emd_points: EMD uses that many of the points: its time grows with their cube.
        num_workers: Threads for the distances, 0 for one per core.
        prefix: Replaces ``'generation'`` in the names of the values.

    Raises:
        ValueError: An argument is out of its range or unknown.
    """

    default_prefix = 'generation'

    def __init__(
        self,
        reference: Mapping[str, Any],
        num_points: int = 2048,
        resolution: int = 128,
        threshold: float = 0.2,
        normalize: str = 'none',
        distances: Sequence[str] = ('cd', 'emd'),
        emd_points: int = 512,
        num_workers: int = 0,
        prefix: str | None = None,
    ) -> None:
        super().__init__(prefix=prefix)
        functional.normalize_cloud(np.eye(3), normalize)  # fails before hours of sampling
        if unknown := sorted(set(distances) - set(_PAIRWISE)):
            raise ValueError(f'distances has {unknown}; choose of {sorted(_PAIRWISE)}')
        check_resolution_and_threshold(resolution, threshold)
        self.reference = reference
        self.num_points, self.resolution, self.threshold = num_points, resolution, threshold
        self.normalize, self.num_workers = normalize, num_workers
        self.distances, self.emd_points = tuple(distances), min(emd_points, num_points)
        self._measured: Protocol = {}

    def process(self, data_batch: dict[str, Any], data_samples: Sequence[dict]) -> None:
        """Mesh each field and keep a cloud of it."""
        for i, sample in enumerate(data_samples):
            seed = sample_seed(data_batch, sample, i)
            cloud, _ = sample_field_surface(
                sample['field'],
                self.num_points,
                resolution=self.resolution,
                threshold=self.threshold,
                seed=seed,
            )
            self.results.append((seed, cloud))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Scores of the generated clouds against the references, with those of the distances."""
        seeds = [seed for seed, _ in results]
        generated = [self._normalized(cloud) for _, cloud in results]
        references = [self._normalized(cloud) for cloud in self._references()]
        self._measured = dict(
            num_samples=len(generated),
            num_references=len(references),
            seeds=seed_range(seeds),
            reference=digest(*references),
        )
        out = dict(empty=float(np.mean([not len(cloud) for _, cloud in results])))
        for name in self.distances:
            out |= self._scores(name, references, generated)
        ball = dict(unit_sphere=dict(radius=1.0), bbox=dict(radius=0.5, in_ball=False))
        grid = ball.get(self.normalize, dict(radius=0.55, in_ball=False))
        return dict(out, jsd=functional.jensen_shannon(generated, references, **grid))

    def protocol(self) -> dict[str, Protocol]:
        """How the values of the last evaluation were measured, under the metric's prefix."""
        return {
            self.prefix: dict(
                metric=type(self).__name__,
                distance=dict(
                    cd='mean squared nearest distances both ways, summed',
                    emd='mean Euclidean distance under the exact assignment',
                ),
                num_points=self.num_points,
                emd_points=self.emd_points if 'emd' in self.distances else None,
                resolution=self.resolution,
                threshold=self.threshold,
                normalize=self.normalize,
                split=self.reference.get('split'),
                empty_mesh='all points at the origin',
                **self._measured,
            )
        }

    def _scores(
        self, name: str, references: list[np.ndarray], generated: list[np.ndarray]
    ) -> dict[str, float]:
        if name == 'emd':  # the points are in random order
            references = [c[: self.emd_points] for c in references]
            generated = [c[: self.emd_points] for c in generated]
        pairs = (len(references) + len(generated)) ** 2 / 2
        print_log(
            f'{name} of {pairs:.0f} pairs of clouds: about '
            f'{pairs * _SECONDS_PER_PAIR[name] / 60:.0f} core minutes',
            logger='current',
        )
        pairwise, workers = _PAIRWISE[name], self.num_workers
        ref_gen = pairwise(references, generated, workers)
        accuracy = functional.one_nn_accuracy(
            pairwise(references, None, workers), ref_gen, pairwise(generated, None, workers)
        )
        return {
            f'mmd_{name}': functional.mmd(ref_gen),
            f'cov_{name}': functional.coverage(ref_gen),
            f'1nna_{name}': accuracy,
        }

    def _references(self) -> list[np.ndarray]:
        """Reference clouds ``(num_points, 3)``, a fixed random part of each item's."""
        dataset = DATASETS.build(dict(self.reference))
        clouds = []
        for i in range(len(dataset)):
            points = dataset[i]['meta'].get('surface_points')
            available = 0 if points is None else len(points)
            if available < self.num_points:
                raise ValueError(
                    f'reference {i} has {available} surface points, {self.num_points} are needed; '
                    f'set surface_points={self.num_points} in the reference data set'
                )
            rng = np.random.default_rng(mix_seed(i, self.num_points))
            chosen = rng.permutation(available)[: self.num_points]
            clouds.append(np.asarray(points, dtype=np.float32)[chosen])
        return clouds

    def _normalized(self, cloud: np.ndarray) -> np.ndarray:
        if not len(cloud):
            return np.zeros((self.num_points, 3), np.float32)
        return functional.normalize_cloud(cloud, self.normalize)
