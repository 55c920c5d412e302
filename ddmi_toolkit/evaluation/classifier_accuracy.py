"""How often a classifier is right about shapes that it has not seen."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric

from ..registry import METRICS
from .protocol import Protocol, digest, sample_names


@METRICS.register_module()
class ClassifierAccuracy(BaseMetric):
    """Share of the shapes whose most probable class is the true one, by question.

    Reads ``scores`` and ``truth`` of every sample, as ``FieldClassifier`` gives them.

    Args:
        headline: The questions whose mean is reported as ``mean``; None is all of them.
        prefix: Replaces ``'classifier'`` in the names of the values.
    """

    default_prefix = 'classifier'

    def __init__(self, headline: Sequence[str] | None = None, prefix: str | None = None) -> None:
        super().__init__(prefix=prefix)
        self.headline = None if headline is None else tuple(headline)
        self._measured: Protocol = {}

    def process(self, data_batch: Mapping[str, Any] | None, data_samples: Sequence[dict]) -> None:
        """Keep which questions were answered, and which of them rightly."""
        names = sample_names(data_batch, len(data_samples))
        for name, sample in zip(names, data_samples, strict=True):
            hits = {
                question: int(sample['scores'][question].argmax()) == truth
                for question, truth in sample['truth'].items()
                if truth >= 0
            }
            self.results.append((name, hits))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """``mean`` over the headline questions, and the accuracy of each question.

        Raises:
            ValueError: Nothing is known of the shapes that a headline question asks.
        """
        names, hits = zip(*results, strict=True)
        out, self._measured = summarize(hits, self.headline)
        self._measured['shapes'] = digest(*sorted(names))
        return out

    def protocol(self) -> dict[str, Protocol]:
        """How the values of the last evaluation were measured, under the metric's prefix."""
        return {self.prefix: dict(metric=type(self).__name__, **self._measured)}


def summarize(
    hits: Sequence[Mapping[str, bool]], headline: Sequence[str] | None
) -> tuple[dict[str, float], Protocol]:
    """Accuracy by question and over the headline, and how many shapes were asked.

    Args:
        hits: Of each shape, the questions that were asked and whether the answer was right.
        headline: The questions of ``mean``, as far as they were asked; None is all.

    Raises:
        ValueError: None of the headline questions was asked.
    """
    asked = list(dict.fromkeys(question for one in hits for question in one))
    wanted = asked if headline is None else headline
    headline = [q for q in wanted if q in asked]
    if not headline:
        raise ValueError(
            f'none of {list(wanted) or "the questions"} was asked of any of {len(hits)} shapes, '
            f"only {asked}; the data set's meta must hold what the questions read"
        )
    values = {q: [one[q] for one in hits if q in one] for q in asked}
    accuracy = {q: float(np.mean(v)) for q, v in values.items()}
    mean = float(np.mean([accuracy[q] for q in headline]))
    measured = dict(
        num_samples=len(hits),
        num_asked={q: len(v) for q, v in values.items()},
        headline=tuple(headline),
    )
    return dict(mean=mean, **accuracy), measured
