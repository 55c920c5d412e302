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

    The class of a shape is the first one whose facts are all known of it and hold.

    Args:
        name: Of the question.
        classes: The facts of each class, ``{fact: value}``, such that no two classes have all of
            theirs in common; a list of values stands for any of them. A class without facts takes
            what is left over of the shapes of which everything is known.

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
        """Index of the class, or ``UNASKED`` where what is known makes it none of them."""
        for i, wanted in enumerate(self._facts):
            needed = wanted or self.reads
            if all(key in facts for key in needed) and all(
                _is_any_of(facts[key], value) for key, value in wanted.items()
            ):
                return i
        return UNASKED


def facts_of(meta: Mapping[str, Any] | None, count: int) -> list[dict[str, Any]]:
    """What a collated batch's ``meta`` says about each of its shapes.

    Args:
        meta: ``{key: values of the batch}``; those of ``attributes`` are facts of their own, and
            only where ``stated`` of the same names is true, if there is one: a caption does not
            say everything, and nothing else is asked for.
        count: Size ``B`` of the batch.
    """
    columns = dict(meta or {})
    attributes, stated = columns.pop('attributes', None) or {}, columns.pop('stated', None) or {}
    facts = [_row(columns | attributes, i, count) for i in range(count)]
    for i, one in enumerate(facts):
        for key in stated:
            if not stated[key][i]:
                one.pop(key, None)
    return facts


def _row(columns: Mapping[str, Any], index: int, count: int) -> dict[str, Any]:
    return {k: _item(v, index) for k, v in columns.items() if _is_column(v, count)}


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
