"""What a noise schedule, a parameterization and a sampler are.

A noisy latent is ``z_t = alpha * x0 + sigma * eps`` with ``eps`` standard normal. The word of
a network is the denoised latent ``x0_hat(z_t, t)``; what it puts out to say it is its
parameterization.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

Denoise = Callable[[Tensor, Tensor], Tensor]
"""``(z_t (B, C, N), t (B,)) -> x0_hat (B, C, N)``."""

Callback = Callable[[int, Tensor, Tensor], None]
"""``(step, z_t, x0_hat)``, called once per step of a sampler."""


class AbstractSchedule(nn.Module, ABC):
    """Signal and noise scale as functions of a time ``t`` that grows with the noise."""

    @abstractmethod
    def forward(self, t: Tensor, ndim: int) -> tuple[Tensor, Tensor]:
        """Scales at times ``(B,)``: ``(alpha, sigma)``, each ``(B, 1, ...)`` with ``ndim`` axes."""

    @abstractmethod
    def sample_t(self, batch: int, seeds: Tensor | Sequence[int] | None = None) -> Tensor:
        """Training times ``(B,)``; with seeds, time ``i`` is a function of ``seeds[i]`` alone."""

    @abstractmethod
    def grid(self, n: int) -> Tensor:
        """The ``n`` times of a sampler ``(n,)``, noisiest first; after the last comes the data."""

    @abstractmethod
    def c_noise(self, t: Tensor) -> Tensor:
        """What the network is told of the time, ``(B,)`` float."""


class AbstractParameterization(nn.Module, ABC):
    """What a network puts out, as a function of the clean and the noisy latent.

    ``to_x0`` and ``from_x0`` are each other's inverse, and ``target`` is ``from_x0`` of the true
    latent. All latents are ``(B, C, N)``; ``alpha`` and ``sigma`` broadcast to them and are
    positive. ``__init__`` may name ``layout`` and ``channels``: the diffuser offers both.
    """

    def __init__(self) -> None:  # without it, the signature is nn.Module's **kwargs
        super().__init__()

    @abstractmethod
    def target(self, x0: Tensor, eps: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """What the network should put out."""

    @abstractmethod
    def to_x0(self, out: Tensor, z_t: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """Denoised latent that an output stands for."""

    @abstractmethod
    def from_x0(self, x0: Tensor, z_t: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """Output that stands for a denoised latent; the loss is taken in this space."""


class AbstractSampler(ABC):
    """From noise to data by repeated denoising.

    Args:
        num_steps: Number of times at which the latent is denoised.
    """

    def __init__(self, num_steps: int) -> None:
        self.num_steps = num_steps

    @property
    def is_deterministic(self) -> bool:
        """Whether the sample is a function of the initial noise alone."""
        return False

    @abstractmethod
    def __call__(
        self,
        denoise: Denoise,
        schedule: AbstractSchedule,
        noise: Tensor,
        generators: Sequence[torch.Generator] | None = None,
        callback: Callback | None = None,
    ) -> Tensor:
        """Generate one latent per row of ``noise``.

        Args:
            denoise: ``(z_t, t (B,)) -> x0_hat``.
            schedule: Noise schedule that the denoiser was trained with.
            noise: Standard normal ``(B, C, N)``.
            generators: One per sample, for samplers that add noise on the way; with them, sample
                ``i`` depends on ``noise[i]`` and ``generators[i]`` alone. None draws from torch's
                global state.
            callback: Called with the step and the latents ``z_t`` and ``x0_hat`` of every step.

        Returns:
            ``(B, C, N)``.
        """
