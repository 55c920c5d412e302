"""What a network puts out: noise, the clean latent, a velocity, or a mixture of them."""

from typing import Any

import torch
from torch import Tensor, nn

from ...registry import MODELS
from ...structures import PlaneLayout
from .base import AbstractParameterization


@MODELS.register_module()
class Eps(AbstractParameterization):
    """The network predicts the noise (Ho et al. 2020), which tells the data where ``alpha > 0``."""

    @property
    def needs_signal(self) -> bool:
        """Yes: ``x0`` is found by dividing by ``alpha``."""
        return True

    def target(self, x0: Tensor, eps: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """The noise."""
        return eps

    def to_x0(self, out: Tensor, z_t: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """Denoised latent implied by a noise prediction."""
        return (z_t - sigma * out) / alpha

    def from_x0(self, x0: Tensor, z_t: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """Noise implied by a denoised latent."""
        return (z_t - alpha * x0) / sigma

    def x0_weight(self, alpha: Tensor, sigma: Tensor) -> Tensor:
        """``(alpha / sigma) ** 2``, the signal-to-noise ratio."""
        return (alpha / sigma).square()


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

    def x0_weight(self, alpha: Tensor, sigma: Tensor) -> Tensor:
        """One."""
        return torch.ones_like(alpha)


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

    def x0_weight(self, alpha: Tensor, sigma: Tensor) -> Tensor:
        """``((alpha ** 2 + sigma ** 2) / sigma) ** 2``."""
        return ((alpha.square() + sigma.square()) / sigma).square()


@MODELS.register_module()
class FlowVelocity(AbstractParameterization):
    """The network predicts ``eps - x0``, the velocity of a straight path (Lipman et al. 2023).

    It is the derivative by time of the latent of a :class:`FlowSchedule`, and is as well defined
    for every other.
    """

    def target(self, x0: Tensor, eps: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """The velocity, from the data to the noise."""
        return eps - x0

    def to_x0(self, out: Tensor, z_t: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """Denoised latent implied by a velocity."""
        return (z_t - sigma * out) / (alpha + sigma)

    def from_x0(self, x0: Tensor, z_t: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """Velocity implied by a denoised latent."""
        return (z_t - (alpha + sigma) * x0) / sigma

    def x0_weight(self, alpha: Tensor, sigma: Tensor) -> Tensor:
        """``((alpha + sigma) / sigma) ** 2``."""
        return ((alpha + sigma) / sigma).square()


@MODELS.register_module()
class EDMPreconditioning(AbstractParameterization):
    """Input, output and target of unit variance at every noise level (Karras et al. 2022, Table 1).

    The paper's ``D(x) = c_skip * x + c_out * F(c_in * x)`` for ``x = z_t / alpha``, written so that
    ``alpha`` may be 0. With ``sigma_data=1`` on a variance-preserving schedule the network puts
    out ``-v``.

    Args:
        sigma_data: Standard deviation of the clean latents; 1 for normalized ones.

    Raises:
        ValueError: ``sigma_data`` is not positive.
    """

    def __init__(self, sigma_data: float = 1.0) -> None:
        super().__init__()
        if sigma_data <= 0:
            raise ValueError(
                f'sigma_data={sigma_data} must be positive, the standard deviation of the latents'
            )
        self.sigma_data = sigma_data

    def scale_input(self, z_t: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """The noisy latent with unit variance."""
        return z_t / self._spread(alpha, sigma)

    def target(self, x0: Tensor, eps: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """What of the data the noisy latent does not tell, with unit variance."""
        noise = alpha * self.sigma_data**2 * eps
        return (sigma * x0 - noise) / (self.sigma_data * self._spread(alpha, sigma))

    def to_x0(self, out: Tensor, z_t: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """The best linear estimate from ``z_t``, and the output with the spread of what is left."""
        spread = self._spread(alpha, sigma)
        linear = alpha * self.sigma_data**2 / spread.square() * z_t
        return linear + sigma * self.sigma_data / spread * out

    def from_x0(self, x0: Tensor, z_t: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """Output implied by a denoised latent."""
        spread = self._spread(alpha, sigma)
        linear = alpha * self.sigma_data**2 / spread.square() * z_t
        return (x0 - linear) * spread / (sigma * self.sigma_data)

    def x0_weight(self, alpha: Tensor, sigma: Tensor) -> Tensor:
        """``1 / c_out ** 2``, the paper's loss weight."""
        return (self._spread(alpha, sigma) / (sigma * self.sigma_data)).square()

    def _spread(self, alpha: Tensor, sigma: Tensor) -> Tensor:
        """Standard deviation of the noisy latent."""
        return (sigma.square() + (alpha * self.sigma_data).square()).sqrt()


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

    @property
    def needs_signal(self) -> bool:
        """Whether the inner parameterization does."""
        return self.inner.needs_signal

    def scale_input(self, z_t: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """What the inner parameterization shows of the noisy latent."""
        return self.inner.scale_input(z_t, alpha, sigma)

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

    def x0_weight(self, alpha: Tensor, sigma: Tensor) -> Tensor:
        """That of the inner parameterization."""
        return self.inner.x0_weight(alpha, sigma)
