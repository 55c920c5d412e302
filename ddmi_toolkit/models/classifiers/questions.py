"""What is asked of a shape: classes, each defined by facts that hold for its members."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

UNASKED = -1
"""In place of a class where the facts do not tell."""

Facts = Mapping[str, Any]


class Question:
    """A choice between classes.

    The class of a shape is the first one whose facts all hold for it.

    Args:
        name: Of the question.
        classes: The facts of each class, ``{fact: value}``; a list of values stands for any of
            them, and a class without facts takes all that is left over.

    Raises:
        ValueError: Fewer than two classes.
    """

    def __init__(self, name: str, classes: Mapping[str, Facts]) -> None:
        if len(classes) < 2:
            raise ValueError(
                f'question {name!r} has the classes {list(classes)}; a choice needs at least two'
            )
        self.name = name
        self.classes = tuple(classes)
        self._facts = [dict(facts) for facts in classes.values()]
        self.reads = frozenset(key for facts in self._facts for key in facts)

    def answer(self, facts: Facts) -> int:
        """Index of the class, or ``UNASKED`` where a fact is missing or no class fits."""
        if not self.reads <= set(facts):
            return UNASKED
        for i, wanted in enumerate(self._facts):
            if all(_is_any_of(facts[key], value) for key, value in wanted.items()):
                return i
        return UNASKED


def facts_of(meta: Mapping[str, Any] | None, count: int) -> list[dict[str, Any]]:
    """What a collated batch's ``meta`` says about each of its shapes.

    Args:
        meta: ``{key: values of the batch}``; those of ``attributes`` are facts of their own.
        count: Size ``B`` of the batch.
    """
    columns = dict(meta or {})
    columns |= columns.pop('attributes', None) or {}
    return [
        {k: _item(v, i) for k, v in columns.items() if _is_column(v, count)} for i in range(count)
    ]


def _is_column(values: Any, count: int) -> bool:
    """One string or number per shape; clouds and pictures are no facts."""
    if isinstance(values, Tensor):
        return values.shape == (count,)
    return isinstance(values, Sequence) and not isinstance(values, str) and len(values) == count


def _item(values: Any, index: int) -> Any:
    value = values[index]
    return value.item() if isinstance(value, Tensor) and value.ndim == 0 else value


def _is_any_of(value: Any, wanted: Any) -> bool:
    return value in wanted if isinstance(wanted, list | tuple) else value == wanted


def answers_of(questions: Sequence[Question], facts: Sequence[Facts]) -> dict[str, Tensor]:
    """Class indices ``(B,)`` int64 by question."""
    return {q.name: torch.tensor([q.answer(f) for f in facts]) for q in questions}
