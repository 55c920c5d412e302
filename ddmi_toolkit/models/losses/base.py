"""What a loss and a regularizer are."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping

from torch import Tensor, nn


class AbstractLoss(nn.Module, ABC):
    """Distance between predictions and targets.

    Attributes:
        weight: Factor of the result, a plain number that ``LossWeightHook`` may move.
    """

    weight: float

    @abstractmethod
    def forward(
        self, pred: Tensor, target: Tensor, query: Mapping[str, Tensor] | None = None
    ) -> Tensor:
        """Scalar loss of predictions and targets of equal shape ``(B, ...)``.

        Args:
            pred: Predictions.
            target: Same shape.
            query: What was asked; losses that look at a part of it read which part there.
        """


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


class AbstractAdversarialLoss(nn.Module, ABC):
    """A game between the autoencoder and a discriminator, whose parameters are this module's.

    Attributes:
        weight: Factor of the autoencoder's terms, a plain number that ``LossWeightHook`` may move;
            at 0 the game rests.
    """

    weight: float

    @abstractmethod
    def generator_loss(self, pred: Tensor, target: Tensor, query: Mapping[str, Tensor]) -> Tensor:
        """Scalar loss of the autoencoder, weighted.

        Args:
            pred: Predictions ``(B, *S, C)``.
            target: Same shape.
            query: What was asked, of which a discriminator may be shown ``scale (B,)``.
        """

    @abstractmethod
    def discriminator_loss(
        self, pred: Tensor, target: Tensor, query: Mapping[str, Tensor]
    ) -> Tensor:
        """Scalar loss of the discriminator; no gradient reaches ``pred``."""
