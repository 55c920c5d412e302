"""Elementwise reconstruction losses."""

from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor

from ...registry import MODELS
from .base import AbstractLoss


def reduce(values: Tensor, reduction: str) -> Tensor:
    """Sum per sample and mean over the batch, or mean over everything; in float32 or wider."""
    values = values.float() if values.itemsize < 4 else values
    return values.flatten(1).sum(1).mean() if reduction == 'sum' else values.mean()


def check_reduction(reduction: str) -> str:
    """Return ``reduction``.

    Raises:
        ValueError: It is neither ``'sum'`` nor ``'mean'``.
    """
    if reduction not in ('sum', 'mean'):
        raise ValueError(
            f"reduction must be 'sum' (per sample) or 'mean' (over all elements), got {reduction!r}"
        )
    return reduction


def check_shapes(pred: Tensor, target: Tensor) -> None:
    """Guard against silent broadcasting.

    Raises:
        ValueError: The shapes differ.
    """
    if pred.shape != target.shape:
        raise ValueError(
            f'prediction {tuple(pred.shape)} and target {tuple(target.shape)} differ in shape; '
            f'targets are channels-last (B, *S, C)'
        )


@MODELS.register_module()
class L1Loss(AbstractLoss):
    """Absolute error: the negative log-likelihood of a Laplace distribution up to constants.

    Args:
        weight: Factor.
        reduction: ``'sum'`` over a sample, averaged over the batch (as published; its KL weights
            refer to that), or ``'mean'`` over all elements (DDMI Eq. 9).
    """

    def __init__(self, weight: float = 1.0, reduction: str = 'sum') -> None:
        super().__init__()
        self.weight, self.reduction = weight, check_reduction(reduction)

    def forward(
        self, pred: Tensor, target: Tensor, query: Mapping[str, Tensor] | None = None
    ) -> Tensor:
        """Scalar loss of values ``(B, *S, C)``."""
        check_shapes(pred, target)
        return self.weight * reduce((pred - target).abs(), self.reduction)


@MODELS.register_module()
class MSELoss(AbstractLoss):
    """Squared error; arguments as :class:`L1Loss`."""

    def __init__(self, weight: float = 1.0, reduction: str = 'sum') -> None:
        super().__init__()
        self.weight, self.reduction = weight, check_reduction(reduction)

    def forward(
        self, pred: Tensor, target: Tensor, query: Mapping[str, Tensor] | None = None
    ) -> Tensor:
        """Scalar loss of values ``(B, *S, C)``."""
        check_shapes(pred, target)
        return self.weight * reduce((pred - target).square(), self.reduction)


@MODELS.register_module()
class BCELoss(AbstractLoss):
    """Negative log-likelihood of occupancies in {0, 1} given logits, in nats.

    Arguments as :class:`L1Loss`.
    """

    def __init__(self, weight: float = 1.0, reduction: str = 'sum') -> None:
        super().__init__()
        self.weight, self.reduction = weight, check_reduction(reduction)

    def forward(
        self, pred: Tensor, target: Tensor, query: Mapping[str, Tensor] | None = None
    ) -> Tensor:
        """Scalar loss of logits and occupancies ``(B, *S, C)``."""
        check_shapes(pred, target)
        nats = F.binary_cross_entropy_with_logits(
            pred.float(), target.to(pred.float().dtype), reduction='none'
        )
        return self.weight * reduce(nats, self.reduction)
