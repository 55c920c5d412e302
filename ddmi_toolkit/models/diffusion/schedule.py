"""Variance-preserving noise schedules over discrete times."""

import math
from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from ...registry import MODELS
from ...structures import seeded_uniform
from .base import AbstractSchedule


class AbstractDiscreteSchedule(AbstractSchedule):
    """Times ``0 .. num_steps - 1`` with ``alpha ** 2 + sigma ** 2 = 1``.

    ``alpha ** 2`` at time ``t`` is the product of ``1 - beta`` up to and including ``t``, so that
    time 0 already has some noise.

    Args:
        num_steps: Number of times.
        zero_terminal_snr: Whether ``alpha`` is moved and stretched to end at 0, with its first
            value kept (Lin et al. 2024), so that sampling starts where training ends.
    """

    alphas: Tensor
    sigmas: Tensor
    log_snr: Tensor

    def __init__(self, num_steps: int, zero_terminal_snr: bool = False) -> None:
        super().__init__()
        if num_steps < 1 + zero_terminal_snr:
            raise ValueError(
                f'a schedule needs at least one time, two if zero_terminal_snr; '
                f'got num_steps={num_steps}'
            )
        self.num_steps = num_steps
        self.zero_terminal_snr = zero_terminal_snr
        # float64: the product of 1000 factors near 1, and 1 minus it, lose 3 digits in float32.
        alpha = torch.cumprod(1 - self._betas(), dim=0).sqrt()
        if zero_terminal_snr:
            alpha = alpha[0] * (alpha - alpha[-1]) / (alpha[0] - alpha[-1])
        sigma = (1 - alpha.square()).sqrt()
        self.register_buffer('alphas', alpha.float(), persistent=False)
        self.register_buffer('sigmas', sigma.float(), persistent=False)
        self.register_buffer('log_snr', (alpha.log() - sigma.log()).float(), persistent=False)

    @property
    def has_zero_terminal_snr(self) -> bool:
        """Whether the betas were rescaled so that ``alpha = 0`` at the last time."""
        return self.zero_terminal_snr

    @abstractmethod
    def _betas(self) -> Tensor:
        """Variance added at each time, float64 ``(num_steps,)`` in (0, 1)."""

    def forward(self, t: Tensor, ndim: int) -> tuple[Tensor, Tensor]:
        """Scales ``(alpha, sigma)`` at integer times ``(B,)``, each ``(B, 1, ...)``."""
        shape = (-1, *[1] * (ndim - 1))
        return self.alphas[t].view(shape), self.sigmas[t].view(shape)

    def sample_t(self, batch: int, seeds: Tensor | Sequence[int] | None = None) -> Tensor:
        """Uniform times, int64 ``(B,)``."""
        device = self.alphas.device
        if seeds is None:
            return torch.randint(self.num_steps, (batch,), device=device)
        return (seeded_uniform(seeds, 'time', device) * self.num_steps).long()

    def own_grid(self, n: int) -> Tensor:
        """Times of the published sampler: ``-1 + num_steps * i / n`` rounded down, noisiest first.

        Raises:
            ValueError: There are not ``n`` different times.
        """
        self._check_number(n)
        i = torch.arange(n, 0, -1, device=self.alphas.device)
        return i * self.num_steps // n - 1

    def log_snr_range(self) -> tuple[Tensor, Tensor]:
        """``log(alpha / sigma)`` at the last time and at time 0."""
        return self.log_snr[-1], self.log_snr[0]

    def times_at(self, log_snr: Tensor) -> Tensor:
        """The nearest times, all different: crowded ones make room towards the noise.

        Raises:
            ValueError: There are not ``n`` different times.
        """
        n = len(log_snr)
        self._check_number(n)
        # From the least noisy: each at least one above the last, and room left for the rest.
        t = (self.log_snr - log_snr.flip(0)[:, None]).abs().argmin(1)
        i = torch.arange(n, device=t.device)
        t = ((t - i).cummax(0).values + i).minimum(self.num_steps - n + i)
        return t.flip(0)

    def _check_number(self, n: int) -> None:
        if not 1 <= n <= self.num_steps:
            raise ValueError(
                f'a sampler of {n} steps does not fit a schedule of {self.num_steps} times; '
                f'choose num_steps between 1 and {self.num_steps}'
            )

    def c_noise(self, t: Tensor) -> Tensor:
        """The time itself, float32 ``(B,)``."""
        return t.float()


@MODELS.register_module()
class ScaledLinearSchedule(AbstractDiscreteSchedule):
    """``sqrt(beta)`` grows linearly: the "scaled linear" schedule of latent diffusion.

    Args:
        num_steps: Number of times.
        beta_start: First variance.
        beta_end: Last variance.
        zero_terminal_snr: Whether ``alpha`` ends at 0, see :class:`AbstractDiscreteSchedule`.
    """

    def __init__(
        self,
        num_steps: int = 1000,
        beta_start: float = 0.0015,
        beta_end: float = 0.0195,
        zero_terminal_snr: bool = False,
    ) -> None:
        self.beta_range = _beta_range(beta_start, beta_end)
        super().__init__(num_steps, zero_terminal_snr)

    def _betas(self) -> Tensor:
        low, high = (math.sqrt(b) for b in self.beta_range)
        return torch.linspace(low, high, self.num_steps, dtype=torch.float64).square()


@MODELS.register_module()
class LinearSchedule(AbstractDiscreteSchedule):
    """``beta`` grows linearly (Ho et al. 2020).

    Args:
        num_steps: Number of times.
        beta_start: First variance.
        beta_end: Last variance.
        zero_terminal_snr: Whether ``alpha`` ends at 0, see :class:`AbstractDiscreteSchedule`.
    """

    def __init__(
        self,
        num_steps: int = 1000,
        beta_start: float = 1e-4,
        beta_end: float = 0.02,
        zero_terminal_snr: bool = False,
    ) -> None:
        self.beta_range = _beta_range(beta_start, beta_end)
        super().__init__(num_steps, zero_terminal_snr)

    def _betas(self) -> Tensor:
        return torch.linspace(*self.beta_range, self.num_steps, dtype=torch.float64)


@MODELS.register_module()
class CosineSchedule(AbstractDiscreteSchedule):
    """``alpha`` falls as a cosine (Nichol and Dhariwal 2021, Eq. 17).

    Args:
        num_steps: Number of times.
        offset: Keeps the first variances from vanishing (``s`` in the paper).
        max_beta: Largest variance of one time, as in the paper.
        zero_terminal_snr: Whether ``alpha`` ends at 0, see :class:`AbstractDiscreteSchedule`.
    """

    def __init__(
        self,
        num_steps: int = 1000,
        offset: float = 0.008,
        max_beta: float = 0.999,
        zero_terminal_snr: bool = False,
    ) -> None:
        self.offset, self.max_beta = offset, max_beta
        super().__init__(num_steps, zero_terminal_snr)

    def _betas(self) -> Tensor:
        u = torch.arange(self.num_steps + 1, dtype=torch.float64) / self.num_steps
        alpha_bar = torch.cos((u + self.offset) / (1 + self.offset) * math.pi / 2).square()
        return (1 - alpha_bar[1:] / alpha_bar[:-1]).clamp(max=self.max_beta)


def _beta_range(start: float, end: float) -> tuple[float, float]:
    if not 0 < start <= end < 1:
        raise ValueError(f'need 0 < beta_start <= beta_end < 1, got {start} and {end}')
    return start, end
