"""Noise schedules over continuous times."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ...registry import MODELS
from ...structures import seeded_normal, seeded_uniform
from .base import AbstractSchedule


@MODELS.register_module()
class EDMSchedule(AbstractSchedule):
    """Time is the noise scale: ``alpha = 1``, ``sigma = t`` (Karras et al. 2022, Table 1).

    Args:
        sigma_min: Noise scale of a sampler's last time.
        sigma_max: Noise scale of its first time.
        rho: Times of a sampler are equal steps of ``sigma ** (1 / rho)``.
        log_mean: Mean of ``log(sigma)`` in training.
        log_std: Its standard deviation.

    Raises:
        ValueError: The noise scales are not positive and ordered, or ``rho`` or ``log_std`` is not
            positive.
    """

    sigma_range: Tensor

    def __init__(
        self,
        sigma_min: float = 0.002,
        sigma_max: float = 80.0,
        rho: float = 7.0,
        log_mean: float = -1.2,
        log_std: float = 1.2,
    ) -> None:
        super().__init__()
        if not 0 < sigma_min < sigma_max:
            raise ValueError(f'need 0 < sigma_min < sigma_max, got {sigma_min} and {sigma_max}')
        if rho <= 0 or log_std <= 0:
            raise ValueError(f'rho={rho} and log_std={log_std} must be positive')
        self.rho, self.log_mean, self.log_std = rho, log_mean, log_std
        sigma_range = torch.tensor([sigma_max, sigma_min])
        self.register_buffer('sigma_range', sigma_range, persistent=False)

    @property
    def has_zero_terminal_snr(self) -> bool:
        """Never: the noise is large, but finite."""
        return False

    def forward(self, t: Tensor, ndim: int) -> tuple[Tensor, Tensor]:
        """Scales ``(1, t)`` at times ``(B,)``, each ``(B, 1, ...)``."""
        sigma = t.view(-1, *[1] * (ndim - 1))
        return torch.ones_like(sigma), sigma

    def sample_t(self, batch: int, seeds: Tensor | Sequence[int] | None = None) -> Tensor:
        """Log-normal noise scales ``(B,)``."""
        return (self.log_mean + self.log_std * _normal(batch, seeds, self.sigma_range)).exp()

    def own_grid(self, n: int) -> Tensor:
        """Equal steps of ``sigma ** (1 / rho)`` from ``sigma_max`` to ``sigma_min``."""
        first, last = self.sigma_range ** (1 / self.rho)
        return (first + torch.linspace(0, 1, n).to(first) * (last - first)) ** self.rho

    def log_snr_range(self) -> tuple[Tensor, Tensor]:
        """``-log(sigma_max)`` and ``-log(sigma_min)``."""
        first, last = -self.sigma_range.log()
        return first, last

    def times_at(self, log_snr: Tensor) -> Tensor:
        """The noise scales themselves."""
        return (-log_snr).exp().to(self.sigma_range)

    def c_noise(self, t: Tensor) -> Tensor:
        """``log(sigma) / 4``."""
        return t.log() / 4


@MODELS.register_module()
class FlowSchedule(AbstractSchedule):
    """A straight path from data to noise: ``alpha = 1 - t``, ``sigma = t`` (Lipman et al. 2023).

    The time 1 is pure noise; times of a sampler are 1 to ``1 / n``.

    Args:
        logit_normal: Mean and standard deviation of ``log(t / (1 - t))`` in training, e.g.
            ``(0, 1)`` (Esser et al. 2024). None draws times uniformly.
        min_t: Least noisy time of training, and of samplers whose spacing ends at the least noise.

    Raises:
        ValueError: ``min_t`` is not in (0, 1), or the standard deviation is not positive.
    """

    least: Tensor

    def __init__(self, logit_normal: Sequence[float] | None = None, min_t: float = 1e-3) -> None:
        super().__init__()
        if not 0 < min_t < 1:
            raise ValueError(f'min_t={min_t} must be in (0, 1), e.g. 0.001')
        if logit_normal is not None and not (len(logit_normal) == 2 and logit_normal[1] > 0):
            raise ValueError(
                f'logit_normal={logit_normal} must be a mean and a positive standard deviation, '
                f'e.g. (0, 1), or None for uniform times'
            )
        self.logit_normal = logit_normal
        self.register_buffer('least', torch.tensor(min_t), persistent=False)

    @property
    def has_zero_terminal_snr(self) -> bool:
        """Always."""
        return True

    def forward(self, t: Tensor, ndim: int) -> tuple[Tensor, Tensor]:
        """Scales ``(1 - t, t)`` at times ``(B,)``, each ``(B, 1, ...)``."""
        sigma = t.view(-1, *[1] * (ndim - 1))
        return 1 - sigma, sigma

    def sample_t(self, batch: int, seeds: Tensor | Sequence[int] | None = None) -> Tensor:
        """Times ``(B,)``, not below ``min_t``."""
        if self.logit_normal is not None:
            mean, std = self.logit_normal
            t = (mean + std * _normal(batch, seeds, self.least)).sigmoid()
            return t.maximum(self.least)
        if seeds is None:
            share = torch.rand(batch).to(self.least)
        else:
            share = seeded_uniform(seeds, 'time').to(self.least)
        return 1 - share * (1 - self.least)

    def own_grid(self, n: int) -> Tensor:
        """``1, 1 - 1 / n, ..., 1 / n``."""
        return torch.arange(n, 0, -1).to(self.least) / n

    def log_snr_range(self) -> tuple[Tensor, Tensor]:
        """Minus infinity at time 1, and the ratio at ``min_t``."""
        return torch.full_like(self.least, -math.inf), -self.least.logit()

    def times_at(self, log_snr: Tensor) -> Tensor:
        """``t = sigmoid(-log_snr)``."""
        return (-log_snr).sigmoid().to(self.least)

    def c_noise(self, t: Tensor) -> Tensor:
        """``1000 * t``, which embeddings of discrete times tell apart."""
        return 1000 * t


def _normal(batch: int, seeds: Tensor | Sequence[int] | None, like: Tensor) -> Tensor:
    """Standard normal draws ``(B,)``; with seeds, draw ``i`` is a function of ``seeds[i]``."""
    draws = torch.randn(batch) if seeds is None else seeded_normal(seeds, (), 'time')
    return draws.to(like)
