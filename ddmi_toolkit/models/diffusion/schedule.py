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
    """

    alphas: Tensor
    sigmas: Tensor

    def __init__(self, num_steps: int) -> None:
        super().__init__()
        if num_steps < 1:
            raise ValueError(f'a schedule needs at least one time, got num_steps={num_steps}')
        self.num_steps = num_steps
        # float64: the product of 1000 factors near 1, and 1 minus it, lose 3 digits in float32.
        alpha_bar = torch.cumprod(1 - self._betas(), dim=0)
        self.register_buffer('alphas', alpha_bar.sqrt().float(), persistent=False)
        self.register_buffer('sigmas', (1 - alpha_bar).sqrt().float(), persistent=False)

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

    def grid(self, n: int) -> Tensor:
        """Times of the published sampler: ``-1 + num_steps * i / n`` rounded down, noisiest first.

        Raises:
            ValueError: There are not ``n`` different times.
        """
        if not 1 <= n <= self.num_steps:
            raise ValueError(
                f'a sampler of {n} steps does not fit a schedule of {self.num_steps} times; '
                f'choose num_steps between 1 and {self.num_steps}'
            )
        i = torch.arange(n, 0, -1, device=self.alphas.device)
        return i * self.num_steps // n - 1

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
    """

    def __init__(
        self, num_steps: int = 1000, beta_start: float = 0.0015, beta_end: float = 0.0195
    ) -> None:
        if not 0 < beta_start <= beta_end < 1:
            raise ValueError(
                f'need 0 < beta_start <= beta_end < 1, got {beta_start} and {beta_end}'
            )
        self.beta_range = beta_start, beta_end
        super().__init__(num_steps)

    def _betas(self) -> Tensor:
        low, high = (math.sqrt(b) for b in self.beta_range)
        return torch.linspace(low, high, self.num_steps, dtype=torch.float64).square()


@MODELS.register_module()
class CosineSchedule(AbstractDiscreteSchedule):
    """``alpha`` falls as a cosine (Nichol and Dhariwal 2021, Eq. 17).

    Args:
        num_steps: Number of times.
        offset: Keeps the first variances from vanishing (``s`` in the paper).
        max_beta: Largest variance of one time, as in the paper.
    """

    def __init__(
        self, num_steps: int = 1000, offset: float = 0.008, max_beta: float = 0.999
    ) -> None:
        self.offset, self.max_beta = offset, max_beta
        super().__init__(num_steps)

    def _betas(self) -> Tensor:
        u = torch.arange(self.num_steps + 1, dtype=torch.float64) / self.num_steps
        alpha_bar = torch.cos((u + self.offset) / (1 + self.offset) * math.pi / 2).square()
        return (1 - alpha_bar[1:] / alpha_bar[:-1]).clamp(max=self.max_beta)
