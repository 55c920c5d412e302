"""What a denoiser is."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

Cond = dict[str, Tensor | None] | None
"""``dict(vector=(B, D) or None, context=(B, L, D) or None)``; None is no condition."""


class AbstractDenoiser(nn.Module, ABC):
    """Noisy latents to what the parameterization asks for (noise, clean latent, velocity).

    ``__init__`` may name ``layout`` and ``channels`` (latent channels ``C``): the model offers
    both.
    """

    @abstractmethod
    def forward(self, z_t: Tensor, t: Tensor, cond: Cond = None) -> Tensor:
        """Output ``(B, C, N)`` for latents ``(B, C, N)`` and noise levels ``(B,)``, as the
        schedule's ``c_noise`` gives them.
        """
