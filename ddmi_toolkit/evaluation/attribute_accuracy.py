"""Whether generated shapes are what was asked for, as a classifier sees it."""

from abc import ABC
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from mmengine.evaluator import BaseMetric

from ..geometry.isosurface import check_resolution_and_threshold
from ..registry import METRICS
from .classifier_accuracy import summarize
from .judges import load_judge
from .protocol import Protocol, sample_seed, seed_range

Choices = Mapping[str, int]


class _JudgedFields(BaseMetric, ABC):
    """Keeps what a classifier takes each field for, and what was asked for.

    Args:
        classifier: Config file of the classifier, see :func:`load_judge`.
        checkpoint: File of its weights; None is the newest one of its work folder.
        threshold: Probability from which a point of a field counts as inside.
        prefix: Replaces the default prefix in the names of the values.
    """

    READS_CONDITIONS: ClassVar[bool] = True

    def __init__(
        self,
        classifier: str | Path,
        checkpoint: str | Path | None,
        threshold: float,
        prefix: str | None,
    ) -> None:
        super().__init__(prefix=prefix)
        self.judge = load_judge(classifier, checkpoint)
        check_resolution_and_threshold(self.judge.model.resolution, threshold)
        self.threshold = threshold
        self._measured: Protocol = {}

    def asked(self, data_batch: Mapping[str, Any] | None, count: int) -> list[dict[str, int]]:
        """The questions that are asked of each sample, and the right class."""
        answers = self.judge.model.answers((data_batch or {}).get('meta'), count)
        return [{q: int(v[i]) for q, v in answers.items() if v[i] >= 0} for i in range(count)]

    def process(self, data_batch: Mapping[str, Any] | None, data_samples: Sequence[dict]) -> None:
        """Judge each field."""
        asked = self.asked(data_batch, len(data_samples))
        for i, sample in enumerate(data_samples):
            if sample.get('field') is None:
                raise ValueError(
                    f'{type(self).__name__} judges fields; the samples have {sorted(sample)}'
                )
            found = self.judge.choices(sample['field'], self.threshold)
            seen = {question: int(found[question][0]) for question in asked[i]}
            self.results.append((sample_seed(data_batch, sample, i), seen, asked[i]))

    def protocol(self) -> dict[str, Protocol]:
        """How the values of the last evaluation were measured, under the metric's prefix."""
        return {
            self.prefix: dict(
                metric=type(self).__name__,
                **self.judge.protocol(),
                threshold=self.threshold,
                **self._measured,
            )
        }


@METRICS.register_module()
class AttributeAccuracy(_JudgedFields):
    """Share of the attributes asked for that a classifier finds in the generated fields.

    The batch's ``meta['attributes']`` tell what was asked for; where there is ``meta['stated']``
    (which of them the caption says), only that. Values are the accuracy of each question;
    ``mean`` over the classifier's headline questions; ``exact``, the share of fields with all of
    theirs right; ``chance``, the ``mean`` that these fields would have under the conditions of
    others drawn at random: what is gained over it is due to the condition. When the classifier's
    own test result lies beside its checkpoint, ``held_out`` is its ``mean`` on true shapes.

    Args:
        classifier: Config file of the classifier.
        checkpoint: File of its weights; None is the newest one of its work folder.
        questions: Those that are asked; None is all that the classifier knows.
        threshold: Probability from which a point of a field counts as inside.
        prefix: Replaces ``'attributes'`` in the names of the values.

    Raises:
        FileNotFoundError: The classifier is not trained; the message says how to.
        ValueError: An unknown question.
    """

    default_prefix = 'attributes'

    def __init__(
        self,
        classifier: str | Path,
        checkpoint: str | Path | None = None,
        questions: Sequence[str] | None = None,
        threshold: float = 0.5,
        prefix: str | None = None,
    ) -> None:
        super().__init__(classifier, checkpoint, threshold, prefix)
        known = [q.name for q in self.judge.model.questions]
        if unknown := sorted(set(questions or ()) - set(known)):
            raise ValueError(
                f'questions has {unknown}; the classifier {self.judge.name} has {known}'
            )
        self.questions = tuple(questions or known)

    def asked(self, data_batch: Mapping[str, Any] | None, count: int) -> list[dict[str, int]]:
        """As said; those questions that were chosen.

        Raises:
            ValueError: The batch does not tell the attributes.
        """
        meta = (data_batch or {}).get('meta') or {}
        if 'attributes' not in meta:
            raise ValueError(
                f"the batch has no meta['attributes'] that were asked for, its meta has "
                f'{sorted(meta)}; let the test data set take its conditions from one that has, '
                f"e.g. dict(type='SeedDataset', cond=dict(type='dataset', "
                f"dataset=dict(type='ProceduralChairs', ...)))"
            )
        found = super().asked(data_batch, count)
        return [{q: v for q, v in one.items() if q in self.questions} for one in found]

    def compute_metrics(self, results: list) -> dict[str, float]:
        """``mean``, ``exact``, ``chance``, the questions' accuracy and the classifier's own."""
        headline = [q for q in self.judge.model.headline if q in self.questions]
        headline = headline or list(self.questions)
        hits = [{q: seen[q] == asked[q] for q in asked} for _, seen, asked in results]
        out, self._measured = summarize(hits, headline)
        self._measured['seeds'] = seed_range([seed for seed, _, _ in results])
        headline = self._measured['headline']
        whole = [[one[q] for q in headline if q in one] for one in hits]
        out['exact'] = float(np.mean([all(one) for one in whole if one]))
        pairs = [(seen, asked) for _, seen, asked in results]
        out['chance'] = float(np.mean([chance(pairs, q) for q in headline]))
        if own := [v for q in headline if (v := self.judge.held_out.get(q)) is not None]:
            out['held_out'] = float(np.mean(own))
        return out


@METRICS.register_module()
class ClassAccuracy(_JudgedFields):
    """Share of the generated fields that a classifier takes for the class asked for.

    The class is what ``meta`` tells (``class_name``), or the label that is the condition.

    Args:
        classifier: Config file of the classifier.
        checkpoint: File of its weights; None is the newest one of its work folder.
        question: Which of its questions.
        classes: Name of each label, in order, where the condition is a label.
        threshold: Probability from which a point of a field counts as inside.
        prefix: Replaces ``'class'`` in the names of the values.

    Raises:
        FileNotFoundError: The classifier is not trained; the message says how to.
        ValueError: An unknown question.
    """

    default_prefix = 'class'

    def __init__(
        self,
        classifier: str | Path,
        checkpoint: str | Path | None = None,
        question: str = 'category',
        classes: Sequence[str] | None = None,
        threshold: float = 0.5,
        prefix: str | None = None,
    ) -> None:
        super().__init__(classifier, checkpoint, threshold, prefix)
        by_name = {q.name: q for q in self.judge.model.questions}
        if question not in by_name:
            raise ValueError(
                f'question={question!r}; the classifier {self.judge.name} has {sorted(by_name)}'
            )
        self.question, self.classes = by_name[question], classes

    def asked(self, data_batch: Mapping[str, Any] | None, count: int) -> list[dict[str, int]]:
        """The class of every sample.

        Raises:
            ValueError: A sample's class is unknown.
        """
        batch = dict(data_batch or {})
        if self.classes is not None and 'cond' in batch:
            names = [self.classes[int(label)] for label in batch['cond']]
            batch['meta'] = dict(batch.get('meta') or {}, class_name=names)
        name = self.question.name
        found = [one.get(name) for one in super().asked(batch, count)]
        if None in found:
            raise ValueError(
                f'nothing tells the class of sample {found.index(None)}: the batch has '
                f'{sorted(batch)}, its meta has {sorted(batch.get("meta") or {})}, and question '
                f'{name!r} reads {sorted(self.question.reads)} to be one of '
                f'{list(self.question.classes)}; give the data set conditions with these, or the '
                f'metric the classes of the labels'
            )
        return [{name: one} for one in found]

    def compute_metrics(self, results: list) -> dict[str, float]:
        """``accuracy``, ``chance`` (of other samples' classes), and the accuracy by class."""
        name = self.question.name
        hits: dict[str, list[bool]] = {}
        for _, seen, asked in results:
            label = self.question.classes[asked[name]]
            hits.setdefault(label, []).append(seen[name] == asked[name])
        self._measured = dict(
            question=name,
            classes=self.question.classes,
            num_samples=len(results),
            num_asked={label: len(hits[label]) for label in sorted(hits)},
            seeds=seed_range([seed for seed, _, _ in results]),
        )
        out = dict(
            accuracy=float(np.mean([hit for each in hits.values() for hit in each])),
            chance=chance([(seen, asked) for _, seen, asked in results], name),
        )
        if (own := self.judge.held_out.get(name)) is not None:
            out['held_out'] = own
        return out | {label: float(np.mean(hits[label])) for label in sorted(hits)}


def chance(pairs: Sequence[tuple[Choices, Choices]], question: str) -> float:
    """Expected accuracy when what was asked for is dealt out anew at random.

    Args:
        pairs: Of each sample, what is seen and what was asked for.
        question: The question.
    """
    both = np.array([(s[question], a[question]) for s, a in pairs if question in a])  # (n, 2)
    num = both.max() + 1
    seen, asked = (np.bincount(column, minlength=num) / len(both) for column in both.T)
    return float(seen @ asked)
