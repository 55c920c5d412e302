"""What a loss is."""

from abc import ABC, abstractmethod

from torch import Tensor, nn


class AbstractLoss(nn.Module, ABC):
    """Distance between predictions and targets.

    Attributes:
        weight: Factor of the result, a plain number that ``LossWeightHook`` may move.
    """

    weight: float

    @abstractmethod
    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        """Scalar loss of predictions and targets of equal shape ``(B, ...)``."""
