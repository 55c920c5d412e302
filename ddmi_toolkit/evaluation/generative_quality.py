"""How well a set of generated (or reconstructed) pictures matches a set of real ones."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from torch import Tensor

from ..registry import METRICS, MODELS
from ..structures import as_size, to_uint8
from .distribution import (
    FeatureStatistics,
    density_coverage,
    frechet_distance,
    kernel_inception_distance,
    precision_recall,
)
from .extractors import AbstractExtractor
from .pixels import shown_image
from .protocol import Protocol, sample_seed, seed_range
from .reference_images import ReferenceImages, extract

KID_SUBSETS, KID_SEED = 100, 2020  # torch-fidelity's
PRECISION_NEIGHBORS, DENSITY_NEIGHBORS = 3, 5  # of the papers
VALUES = ('fid', 'kid', 'precision', 'recall', 'density', 'coverage')


@METRICS.register_module()
class GenerativeQuality(BaseMetric):
    """FID, KID, precision, recall, density and coverage of pictures against a reference set.

    Renders the ``field`` of every sample at ``size`` (or takes its ``pred`` of that size),
    rounds it to 8 bit and compares the set of features with that of the true pictures. With the
    published Inception weights the values have their plain names; with any other extractor its
    name stands in them: ``fid_timm_resnet50``. On reconstructions this is r-FID; give it
    ``prefix='reconstruction'``.

    The extractor and the reference set are built and looked at with the metric; the reference
    features are computed at the first batch, by all processes.

    Args:
        reference: Config of a data set whose items have ``meta['image']``, see
            :class:`ReferenceImages`.
        size: Pixels of both sides: a number, or ``(rows, columns)``.
        extractor: Config of an :class:`AbstractExtractor`.
        values: Of :data:`VALUES`.
        cell: Side, in pixels, of the box over which a field is averaged; None is point samples.
        num_references: Use the first ones only; None is all.
        kid_subset_size: Pictures in a subset of KID; smaller sets make one of their own size.
        batch_size: Pictures per forward pass of the extractor.
        cache_dir: Where reference features are kept; None does not keep them.
        prefix: Replaces ``'generation'`` in the names of the values.

    Raises:
        FileNotFoundError: The extractor's weights are absent; the message says what to get.
        ValueError: An argument is unknown or out of its range, or the reference set is empty or
            its pictures are missing or too small.
    """

    default_prefix = 'generation'

    def __init__(
        self,
        reference: Mapping[str, Any],
        size: int | Sequence[int],
        extractor: Mapping[str, Any] | AbstractExtractor | None = None,
        values: Sequence[str] = VALUES,
        cell: float | None = None,
        num_references: int | None = None,
        kid_subset_size: int = 1000,
        batch_size: int = 32,
        cache_dir: str | None = 'work_dirs/reference_features',
        prefix: str | None = None,
    ) -> None:
        super().__init__(prefix=prefix)
        if unknown := sorted(set(values) - set(VALUES)):
            raise ValueError(f'values has {unknown}; choose of {list(VALUES)}')
        self.size, self.values, self.cell = as_size(size), tuple(values), cell
        self.kid_subset_size, self.batch_size = kid_subset_size, batch_size
        extractor = dict(type='InceptionExtractor') if extractor is None else extractor
        self.extractor = MODELS.build(extractor, role=AbstractExtractor)
        self.reference = ReferenceImages(
            reference,
            self.size,
            self.extractor,
            num_images=num_references,
            batch_size=batch_size,
            cache_dir=cache_dir,
        )
        self._require_enough(self.reference.num_images, 'reference')
        self._measured: Protocol = {}

    def process(self, data_batch: dict[str, Any], data_samples: Sequence[dict]) -> None:
        """Keep the features of each picture."""
        self.reference.features()  # mistakes in the reference set show after the first batch
        for start in range(0, len(data_samples), self.batch_size):
            part = data_samples[start : start + self.batch_size]
            pictures = [shown_image(sample, self.size, self.cell) for sample in part]
            images = to_uint8(torch.stack(pictures)).movedim(-1, 1)
            for i, feature in enumerate(extract(self.extractor, images), start):
                self.results.append((sample_seed(data_batch, data_samples[i], i), feature))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """The values, each under its name and that of the features."""
        seeds = [seed for seed, _ in results]
        order = np.argsort(seeds, kind='stable')  # subsets of KID must not depend on processes
        fake = torch.from_numpy(np.stack([results[i][1] for i in order]))
        real = self.reference.features()
        self._require_enough(len(fake), 'generated')
        self._measured = dict(num_fakes=len(fake), seeds=seed_range(seeds))
        device = next(self.extractor.parameters(), fake).device
        values = self._values(fake.to(device), real.to(device))
        suffix = f'_{self.extractor.name}' if self.extractor.name else ''
        return {f'{name}{suffix}': value for name, value in values.items()}

    def protocol(self) -> dict[str, Protocol]:
        """How the values of the last evaluation were measured, under the metric's prefix."""
        num_fakes = self._measured.get('num_fakes', 0)
        smallest = min(num_fakes, self.reference.num_images)
        dim = self.extractor.num_features
        subset = self._subset_size(num_fakes)
        return {
            self.prefix: dict(
                metric=type(self).__name__,
                size=self.size,
                cell=self.cell,
                fake_transform='clamped to [-1, 1], rounded to 8 bit',
                **self.extractor.protocol(),
                **self.reference.protocol(),
                kid=f'{KID_SUBSETS} subsets of {subset}, seed {KID_SEED}, (x.y / D + 1)^3',
                neighbors=dict(precision=PRECISION_NEIGHBORS, density=DENSITY_NEIGHBORS),
                note=f'covariances of rank at most {smallest - 1} of {dim}: FID is biased upwards'
                if smallest <= dim
                else '',
                **self._measured,
            )
        }

    def _values(self, fake: Tensor, real: Tensor) -> dict[str, float]:
        wanted, out = set(self.values), dict[str, float]()
        if 'fid' in wanted:
            out['fid'] = frechet_distance(*map(FeatureStatistics.of, (fake, real)))
        if 'kid' in wanted:
            size = self._subset_size(len(fake))
            out['kid'], out['kid_std'] = kernel_inception_distance(
                fake, real, num_subsets=KID_SUBSETS, subset_size=size, seed=KID_SEED
            )
        if wanted & {'precision', 'recall'}:
            out['precision'], out['recall'] = precision_recall(fake, real, PRECISION_NEIGHBORS)
        if wanted & {'density', 'coverage'}:
            out['density'], out['coverage'] = density_coverage(fake, real, DENSITY_NEIGHBORS)
        return {k: v for k, v in out.items() if k.removesuffix('_std') in wanted}

    def _subset_size(self, num_fakes: int) -> int:
        return min(self.kid_subset_size, num_fakes, self.reference.num_images)

    def _require_enough(self, count: int, which: str) -> None:
        least = dict(
            fid=2,
            kid=2,
            precision=PRECISION_NEIGHBORS + 1,
            recall=PRECISION_NEIGHBORS + 1,
            density=DENSITY_NEIGHBORS + 1,
            coverage=DENSITY_NEIGHBORS + 1,
        )
        if missing := [v for v in self.values if count < least[v]]:
            raise ValueError(
                f'{count} {which} pictures are too few for {missing}: '
                f'{max(least[v] for v in missing)} are needed (and thousands for numbers that '
                f'mean something); take more, or leave them out of values'
            )
