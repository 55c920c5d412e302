"""What a conditioner is, and how conditions are dropped for classifier-free guidance."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ...structures import seeded_uniform

Condition = dict[str, Tensor | None]


class AbstractConditioner(nn.Module, ABC):
    """Turns a batch's raw ``cond`` into what denoisers take.

    In training, samples lose their condition with ``drop_probability`` (classifier-free guidance,
    Ho and Salimans 2022): every vector and token becomes a learned null embedding. Which samples
    do is a function of their seeds alone.

    Args:
        vector_channels: Channels ``D`` of the vector; None when there is none.
        context_channels: Channels ``D`` of the context tokens; None when there are none.
        drop_probability: Share of training samples without condition, in [0, 1].

    Raises:
        ValueError: ``drop_probability`` is no probability.
    """

    takes: ClassVar[str] = 'condition'
    """What :meth:`parse` reads: ``'prompt'``, ``'class'``, or ``'condition'`` for a file."""

    def __init__(
        self,
        vector_channels: int | None,
        context_channels: int | None,
        drop_probability: float,
    ) -> None:
        super().__init__()
        if not 0 <= drop_probability <= 1:
            raise ValueError(f'drop_probability={drop_probability} is not within [0, 1]')
        self.vector_channels, self.context_channels = vector_channels, context_channels
        self.drop_probability = drop_probability
        for name, channels in (('vector', vector_channels), ('context', context_channels)):
            null = None if channels is None else nn.Parameter(torch.zeros(channels))
            self.register_parameter(f'null_{name}', null)

    @abstractmethod
    def embed(self, raw: Any) -> Condition:
        """``dict(vector (B, D) or None, context (B, L, D) or None)`` of a raw condition."""

    @abstractmethod
    def parse(self, value: Any) -> Any:
        """The raw condition of one sample from what somebody typed.

        Raises:
            TypeError, ValueError: Nothing can be made of it; the message says what can.
        """

    def require_files(self) -> None:
        """Find the files that the condition needs without reading them; most need none.

        Raises:
            FileNotFoundError: One is absent; the message says how to get it.
        """

    def null(self, batch_size: int, length: int = 1) -> Condition:
        """The condition that says nothing: the other side of guidance.

        Args:
            batch_size: ``B``.
            length: Number ``L`` of equal context tokens. Attention over them does not depend on
                it; guidance that runs both sides in one batch needs the length of the other side.
        """
        vector, context = self.null_vector, self.null_context
        return dict(
            vector=None if vector is None else vector.expand(batch_size, -1),
            context=None if context is None else context.expand(batch_size, length, -1),
        )

    def forward(self, raw: Any, seed: Tensor | None = None) -> Condition:
        """Embedded condition, in training with some samples' replaced by the null condition.

        Args:
            raw: The batch's ``cond``.
            seed: ``(B,)`` int64, the batch's seeds; read in training only.

        Raises:
            ValueError: Samples shall be dropped, and there are no seeds to draw from.
        """
        cond = self.embed(raw)
        if not self.training:
            return cond
        size = next(len(v) for v in cond.values() if v is not None)
        return self._replace(cond, self._draw(size, seed))

    def _draw(self, size: int, seed: Tensor | None) -> Tensor:
        """Which samples lose their condition, ``(B,)`` bool."""
        if self.drop_probability == 0:
            return torch.zeros(size, dtype=torch.bool)
        if seed is None:
            raise ValueError(
                f'drop_probability={self.drop_probability} needs the seeds of the samples; data '
                f"sets return them as sample['seed'], or set drop_probability=0"
            )
        return seeded_uniform(seed, 'drop') < self.drop_probability

    def _replace(self, cond: Condition, dropped: Tensor) -> Condition:
        """Null in place of dropped samples.

        Always selects, so that the null embedding is part of the graph when nothing is dropped:
        distributed training expects a gradient for every parameter.
        """
        context = cond['context']
        null = self.null(len(dropped), 1 if context is None else context.shape[1])
        out: Condition = {}
        for name, value in cond.items():
            if value is None:
                out[name] = None
                continue
            where = dropped.to(value.device).view(-1, *[1] * (value.ndim - 1))
            out[name] = torch.where(where, null[name].to(value.dtype), value)
        return out
