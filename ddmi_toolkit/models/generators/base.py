"""What a generator is."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from ...structures import Field


class AbstractGenerator(nn.Module, ABC):
    """Latents to continuous fields.

    ``__init__`` may name ``layout`` and ``in_channels`` (latent channels ``C``): the model offers
    both. The field's evaluator must be a registered module that ``Field.spec`` rebuilds.

    Attributes:
        out_channels: Channels of a field's value.
    """

    out_channels: int

    @abstractmethod
    def forward(self, z: Tensor) -> Field:
        """Latents ``(B, C, N)`` to a batch of ``B`` fields."""
