"""What a noise schedule, a parameterization and a loss weight are.

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

SPACINGS = ('time', 'log_snr', 'karras')
_NOISIEST = -5.1  # log(alpha / sigma) at which samples of unit variance are noise to 3 digits
_RHO = 7.0  # Karras et al. 2022, Table 1


class AbstractSchedule(nn.Module, ABC):
    """Signal and noise scale as functions of a time ``t`` that grows with the noise."""

    @property
    @abstractmethod
    def has_zero_terminal_snr(self) -> bool:
        """Whether ``alpha = 0`` at the noisiest time."""

    @abstractmethod
    def forward(self, t: Tensor, ndim: int) -> tuple[Tensor, Tensor]:
        """Scales at times ``(B,)``: ``(alpha, sigma)``, each ``(B, 1, ...)`` with ``ndim`` axes."""

    @abstractmethod
    def sample_t(self, batch: int, seeds: Tensor | Sequence[int] | None = None) -> Tensor:
        """Training times ``(B,)``; with seeds, time ``i`` is a function of ``seeds[i]`` alone."""

    @abstractmethod
    def own_grid(self, n: int) -> Tensor:
        """The ``n`` times ``(n,)``, noisiest first, that samplers of the schedule's paper visit."""

    @abstractmethod
    def log_snr_range(self) -> tuple[Tensor, Tensor]:
        """``log(alpha / sigma)`` at the noisiest and at the least noisy time, each ``()``."""

    @abstractmethod
    def times_at(self, log_snr: Tensor) -> Tensor:
        """Times ``(n,)`` with the given ``log(alpha / sigma)``, or next to it; noisiest first."""

    @abstractmethod
    def c_noise(self, t: Tensor) -> Tensor:
        """What the network is told of the time, ``(B,)`` float."""

    def grid(self, n: int, spacing: str = 'time') -> Tensor:
        """The ``n`` times of a sampler ``(n,)``, noisiest first; after the last comes the data.

        Args:
            n: Number of times.
            spacing: ``'time'`` for the schedule's own; ``'log_snr'`` for equal steps of
                ``log(alpha / sigma)``; ``'karras'`` for equal steps of
                ``(sigma / alpha) ** (1 / 7)``. The last two start and end at the schedule's most
                and least noise, whatever ``n`` is.

        Raises:
            ValueError: The spacing is unknown, or there are not ``n`` different times.
        """
        if spacing == 'time':
            return self.own_grid(n)
        start, end = self.log_snr_range()
        # Pure noise has no place on a scale of log-SNR, and little happens next to it.
        start, ramp = start.clamp(min=_NOISIEST), torch.linspace(0, 1, n).to(start)
        if spacing == 'log_snr':
            levels = start + ramp * (end - start)
        elif spacing == 'karras':
            noisiest, least = (-start / _RHO).exp(), (-end / _RHO).exp()
            levels = -_RHO * (noisiest + ramp * (least - noisiest)).log()
        else:
            raise ValueError(f'spacing={spacing!r} must be one of {SPACINGS}')
        return torch.cat([self.own_grid(1), self.times_at(levels)[1:]])


class AbstractParameterization(nn.Module, ABC):
    """What a network puts out, as a function of the clean and the noisy latent.

    ``to_x0`` and ``from_x0`` are each other's inverse, and ``target`` is ``from_x0`` of the true
    latent. All latents are ``(B, C, N)``; ``alpha`` and ``sigma`` broadcast to them, ``alpha`` is
    not negative and ``sigma`` positive. ``__init__`` may name ``layout`` and ``channels``: the
    diffuser offers both.
    """

    def __init__(self) -> None:  # without it, the signature is nn.Module's **kwargs
        super().__init__()

    @property
    def needs_signal(self) -> bool:
        """Whether outputs say nothing of the clean latent where ``alpha = 0``."""
        return False

    def scale_input(self, z_t: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """What the network sees of the noisy latent."""
        return z_t

    @abstractmethod
    def target(self, x0: Tensor, eps: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """What the network should put out."""

    @abstractmethod
    def to_x0(self, out: Tensor, z_t: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """Denoised latent that an output stands for."""

    @abstractmethod
    def from_x0(self, x0: Tensor, z_t: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """Output that stands for a denoised latent; the loss is taken in this space."""

    @abstractmethod
    def x0_weight(self, alpha: Tensor, sigma: Tensor) -> Tensor:
        """Squared error of the output per squared error of the denoised latent."""


class AbstractLossWeight(nn.Module, ABC):
    """How much the error at a noise level counts, whatever the network puts out."""

    @abstractmethod
    def forward(self, alpha: Tensor, sigma: Tensor) -> Tensor:
        """Weight of the squared error of the denoised latent, shaped like the scales."""
