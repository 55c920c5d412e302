"""What a loss and a regularizer are."""

from abc import ABC, abstractmethod
from collections.abc import Iterable

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


class AbstractRegularizer(nn.Module, ABC):
    """Penalty of the weights of some modules.

    Attributes:
        weight: Factor of the result, a plain number that ``LossWeightHook`` may move.
    """

    weight: float

    @abstractmethod
    def attach(self, modules: Iterable[nn.Module]) -> 'AbstractRegularizer':
        """Prepare for the modules, once after they are built; returns itself."""

    @abstractmethod
    def forward(self, modules: Iterable[nn.Module]) -> Tensor:
        """Scalar penalty of the modules that it was attached to."""
