"""From samples and references to features to values, whatever the sets are made of."""

from abc import ABC
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from mmengine.evaluator import BaseMetric

from ..registry import MODELS
from .extractor_roles import FeatureExtractor
from .protocol import Protocol, sample_seed, seed_range
from .reference_set import ReferenceSet, extract
from .set_values import SetValues
from .subjects import AbstractSubject


class AbstractSetQuality(BaseMetric, ABC):
    """How well what a model makes matches a reference set, in the features of a network.

    The extractor and the reference set are built and looked at with the metric; the reference
    features are computed at the first batch, by all processes.

    Args:
        subject: What the sets are made of.
        values: What is computed of the features.
        reference: Config of the data set of the true ones.
        extractor: Config of what computes the features, of the metric's role; None is the
            published one.
        num_references: Use the first items only; None is all.
        batch_size: Members per forward pass of the extractor.
        cache_dir: Where reference features are kept; None does not keep them.
        prefix: Replaces the default prefix in the names of the values.

    Attributes:
        EXTRACTOR: Role of the extractor, and the type of the published one.
    """

    EXTRACTOR: ClassVar[tuple[type[FeatureExtractor], str]]

    def __init__(
        self,
        subject: AbstractSubject,
        values: SetValues,
        *,
        reference: Mapping[str, Any],
        extractor: Mapping[str, Any] | FeatureExtractor | None,
        num_references: int | None,
        batch_size: int,
        cache_dir: str | None,
        prefix: str | None,
    ) -> None:
        super().__init__(prefix=prefix)
        self.subject, self.values, self.batch_size = subject, values, batch_size
        role, published = self.EXTRACTOR
        extractor = dict(type=published) if extractor is None else extractor
        self.extractor = MODELS.build(extractor, role=role)
        self.reference = ReferenceSet(
            reference,
            subject,
            self.extractor,
            num_items=num_references,
            batch_size=batch_size,
            cache_dir=cache_dir,
        )
        self.values.require_enough(self.reference.num_members, 'reference')
        self._measured: Protocol = {}

    def process(self, data_batch: Mapping[str, Any] | None, data_samples: Sequence[dict]) -> None:
        """Keep the features of what each sample shows."""
        self.reference.features()  # mistakes in the reference set show after the first batch
        for start in range(0, len(data_samples), self.batch_size):
            part = data_samples[start : start + self.batch_size]
            shown = [self.subject.shown(sample) for sample in part]
            features = extract(self.extractor, torch.cat(shown), self.batch_size)
            ends = np.cumsum([len(members) for members in shown])
            for i, own in enumerate(np.split(features, ends[:-1]), start):
                self.results.append((sample_seed(data_batch, data_samples[i], i), own))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """The values, each under its name and that of the features."""
        seeds = [seed for seed, _ in results]
        order = np.argsort(seeds, kind='stable')  # subsets of KID must not depend on processes
        fake = torch.from_numpy(np.concatenate([results[i][1] for i in order]))
        real = self.reference.features()
        self.values.require_enough(len(fake), 'generated')
        self._measured = dict(num_fakes=len(fake), seeds=seed_range(seeds))
        device = next(self.extractor.parameters(), fake).device
        values = self.values.compare(fake.to(device), real.to(device))
        suffix = f'_{self.extractor.name}' if self.extractor.name else ''
        return {f'{name}{suffix}': value for name, value in values.items()}

    def protocol(self) -> dict[str, Protocol]:
        """How the values of the last evaluation were measured, under the metric's prefix."""
        num_fakes, num_reals = self._measured.get('num_fakes', 0), self.reference.num_members
        return {
            self.prefix: dict(
                metric=type(self).__name__,
                **self.subject.protocol(),
                **self.extractor.protocol(),
                **self.reference.protocol(),
                **self.values.protocol(num_fakes, num_reals, self.extractor.num_features),
                **self._measured,
            )
        }
