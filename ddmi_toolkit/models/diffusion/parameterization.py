"""What a network puts out: noise, the clean latent, a velocity, or a mixture with a Gaussian."""

from typing import Any

import torch
from torch import Tensor, nn

from ...registry import MODELS
from ...structures import PlaneLayout
from .base import AbstractParameterization


@MODELS.register_module()
class Eps(AbstractParameterization):
    """The network predicts the noise (Ho et al. 2020)."""

    def target(self, x0: Tensor, eps: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """The noise."""
        return eps

    def to_x0(self, out: Tensor, z_t: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """Denoised latent implied by a noise prediction."""
        return (z_t - sigma * out) / alpha

    def from_x0(self, x0: Tensor, z_t: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """Noise implied by a denoised latent."""
        return (z_t - alpha * x0) / sigma


@MODELS.register_module()
class X0(AbstractParameterization):
    """The network predicts the clean latent."""

    def target(self, x0: Tensor, eps: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """The clean latent."""
        return x0

    def to_x0(self, out: Tensor, z_t: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """The output itself."""
        return out

    def from_x0(self, x0: Tensor, z_t: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """The denoised latent itself."""
        return x0


@MODELS.register_module()
class V(AbstractParameterization):
    """The network predicts ``v = alpha * eps - sigma * x0`` (Salimans and Ho 2022)."""

    def target(self, x0: Tensor, eps: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """The velocity."""
        return alpha * eps - sigma * x0

    def to_x0(self, out: Tensor, z_t: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """Denoised latent implied by a velocity."""
        return (alpha * z_t - sigma * out) / (alpha.square() + sigma.square())

    def from_x0(self, x0: Tensor, z_t: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """Velocity implied by a denoised latent."""
        return (alpha * z_t - (alpha.square() + sigma.square()) * x0) / sigma


@MODELS.register_module()
class Mixed(AbstractParameterization):
    """The network corrects the denoiser of a standard normal (LSGM, Vahdat et al. 2021).

    If ``x0`` were standard normal, its best estimate would be
    ``alpha * z_t / (alpha ** 2 + sigma ** 2)``. The estimate here is that with weight ``1 - w``
    and the network's with weight ``w = sigmoid(logit)``, one learned logit per channel and plane.
    Mixing estimates of ``x0`` is the published mixing of noise predictions, in a form that holds
    for every inner parameterization.

    Args:
        inner: Config of the network's own parameterization.
        layout: Planes of the latent.
        channels: Channels ``C`` of the latent.
        init: First value of the logits; -6 gives the network a weight of 0.0025.
    """

    def __init__(
        self, inner: dict[str, Any], layout: PlaneLayout, channels: int, init: float = -6.0
    ) -> None:
        super().__init__()
        self.layout = layout
        self.inner: AbstractParameterization = MODELS.build(
            inner,
            role=AbstractParameterization,
            default_args=dict(layout=layout, channels=channels),
        )
        self.logit = nn.Parameter(torch.full((1, channels, len(layout.planes)), init))

    def target(self, x0: Tensor, eps: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """The target of the inner parameterization."""
        return self.inner.target(x0, eps, alpha, sigma)

    def to_x0(self, out: Tensor, z_t: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """Mixture of the normal's estimate and the network's."""
        weight = self.layout.per_token(self.logit.sigmoid())  # (1, C, N)
        normal = alpha * z_t / (alpha.square() + sigma.square())
        return normal + weight * (self.inner.to_x0(out, z_t, alpha, sigma) - normal)

    def from_x0(self, x0: Tensor, z_t: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """The inner parameterization of the mixture: the loss sees the mixed prediction."""
        return self.inner.from_x0(x0, z_t, alpha, sigma)
