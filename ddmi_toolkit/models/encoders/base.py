"""What an encoder is."""

from abc import ABC, abstractmethod

from torch import Tensor, nn


class AbstractEncoder(nn.Module, ABC):
    """Discrete observations to the moments of a posterior over plane latents.

    ``__init__`` may name ``layout`` and ``out_channels`` (latent channels ``C``): the model offers
    both.
    """

    @abstractmethod
    def forward(self, inputs: Tensor) -> Tensor:
        """Observations ``(B, ...)`` to ``(B, 2C, N)``, mean and log-variance on channels."""
