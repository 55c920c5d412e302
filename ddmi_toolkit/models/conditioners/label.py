"""Conditions that are one of a few classes."""

import difflib
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ...registry import MODELS
from .base import AbstractConditioner, Condition


@MODELS.register_module()
class LabelConditioner(AbstractConditioner):
    """One learned vector per class; no context.

    Args:
        num_classes: Number of classes; None where ``classes`` names them.
        channels: Channels ``D`` of the vector.
        drop_probability: See :class:`AbstractConditioner`.
        classes: Names of the classes in the order of their labels, so that they can be asked for
            by name.

    Raises:
        ValueError: Neither a number nor names, two that disagree, or a name that occurs twice.
    """

    takes = 'class'

    def __init__(
        self,
        num_classes: int | None = None,
        channels: int = 128,
        drop_probability: float = 0.1,
        classes: Sequence[str] | None = None,
    ) -> None:
        super().__init__(channels, None, drop_probability)
        if classes is None and num_classes is None:
            raise ValueError('LabelConditioner needs num_classes, or classes=[names]')
        names = [] if classes is None else [_plain(name) for name in classes]
        num_classes = len(names) if num_classes is None else num_classes
        if num_classes < 1 or (names and num_classes != len(set(names))):
            raise ValueError(
                f'num_classes={num_classes} and classes={classes}: expected at least one class, '
                f'and as many different names'
            )
        self.names = names
        self.embedding = nn.Embedding(num_classes, channels)

    def embed(self, raw: Tensor | Sequence[int] | Sequence[str]) -> Condition:
        """Vectors of class labels ``(B,)``, integers from 0, or of names.

        Raises:
            ValueError: Not integers ``(B,)``, or a label or name that no class has.
        """
        if not isinstance(raw, Tensor) and any(isinstance(value, str) for value in raw):
            raw = [self.parse(value) for value in raw]
        labels = torch.as_tensor(raw, device=self.embedding.weight.device)
        if labels.ndim != 1 or labels.is_floating_point() or labels.dtype == torch.bool:
            raise ValueError(
                f'labels are {labels.dtype} of shape {tuple(labels.shape)}; expected integers (B,)'
            )
        num_classes = self.embedding.num_embeddings
        if len(labels) and not (labels.min() >= 0 and labels.max() < num_classes):
            raise ValueError(
                f'labels reach from {int(labels.min())} to {int(labels.max())}, there are '
                f'num_classes={num_classes} from 0'
            )
        return dict(vector=self.embedding(labels), context=None)

    def parse(self, value: Any) -> int:
        """The label of a class's name (in any case, ``_`` for a space) or number.

        Raises:
            TypeError: Neither a string nor an integer.
            ValueError: There is no such class.
        """
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise TypeError(
                f'a class is a name or a number, got {type(value).__name__} {value!r:.80}'
            )
        num_classes = self.embedding.num_embeddings
        numbers = f'numbers from 0 to {num_classes - 1}'
        text = _plain(str(value))
        if text in self.names:
            return self.names.index(text)
        if text.lstrip('-').isdigit():
            if 0 <= int(text) < num_classes:
                return int(text)
            raise ValueError(f'there is no class {value}; this model knows the {numbers}')
        if not self.names:
            raise ValueError(
                f'class {value!r}: this model knows its classes by {numbers} alone; name them by '
                f'conditioner.classes=[...]'
            )
        near = difflib.get_close_matches(text, self.names, n=4, cutoff=0.4) or self.names[:12]
        raise ValueError(
            f'there is no class {value!r}; near names: {near}, or give one of the {numbers}'
        )


def _plain(name: str) -> str:
    return ' '.join(str(name).lower().replace('_', ' ').split())
