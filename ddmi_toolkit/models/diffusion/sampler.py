"""What a sampler is: the one loop from noise to data.

Samplers know a denoiser and a schedule, and nothing of networks, planes or guidance.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .base import SPACINGS, AbstractSchedule, Callback, Denoise


@dataclass(frozen=True)
class Level:
    """A time ``()`` of the schedule and its scales, each ``(1, 1, ...)`` as a latent's axes."""

    t: Tensor
    alpha: Tensor
    sigma: Tensor

    @property
    def log_snr(self) -> Tensor:
        """``log(alpha / sigma)``, float64; the exponential integrators' time."""
        return self.alpha.double().log() - self.sigma.double().log()


@dataclass(frozen=True)
class Run:
    """What one call of a sampler works with: the denoiser, the schedule, one generator a sample."""

    denoise: Denoise
    schedule: AbstractSchedule
    generators: Sequence[torch.Generator] | None = None

    def level(self, t: Tensor, ndim: int) -> Level:
        """The noise level at a time ``()``."""
        return Level(t, *self.schedule(t[None], ndim))

    def x0(self, z: Tensor, level: Level) -> Tensor:
        """Denoised latents ``(B, C, N)``."""
        return self.denoise(z, level.t.expand(len(z)))

    def draw(self, z: Tensor) -> Tensor:
        """Standard normal like ``z``, row ``i`` from generator ``i`` on that generator's device."""
        if self.generators is None:
            return torch.randn_like(z)
        if len(self.generators) != len(z):
            raise ValueError(
                f'{len(self.generators)} generators for {len(z)} samples; one each is needed'
            )
        shape = z.shape[1:]
        rows = [torch.randn(shape, generator=g, device=g.device) for g in self.generators]
        return torch.stack(rows).to(z)


Step = Callable[[Tensor, Tensor, Level, Level], Tensor]
"""``(z, x0_hat, level of z, next level) -> z`` at the next level; may remember earlier calls."""


class AbstractSampler(ABC):
    """From noise to data by repeated denoising.

    Args:
        num_steps: Number of times at which the latent is denoised.
        spacing: Where they lie, see :meth:`AbstractSchedule.grid`.

    Raises:
        ValueError: There is no step, or the spacing is unknown.
    """

    def __init__(self, num_steps: int, spacing: str = 'time') -> None:
        if num_steps < 1:
            raise ValueError(f'a sampler takes at least one step, got num_steps={num_steps}')
        if spacing not in SPACINGS:
            raise ValueError(f'spacing={spacing!r} must be one of {SPACINGS}')
        self.num_steps = num_steps
        self.spacing = spacing

    @property
    def is_deterministic(self) -> bool:
        """Whether the sample is a function of the initial noise alone."""
        return True

    @property
    def num_evaluations(self) -> int:
        """How often the network is asked for one sample."""
        return self.num_steps

    @abstractmethod
    def begin(self, run: Run) -> Step:
        """What leads from one noise level to the next in this run."""

    def renew(self, z: Tensor, level: Level, run: Run) -> tuple[Tensor, Level]:
        """Noise that is added before a latent is denoised, and the level that this leads to."""
        return z, level

    def levels(self, schedule: AbstractSchedule, ndim: int) -> list[Level]:
        """The noise levels of a run, noisiest first, for latents with ``ndim`` axes."""
        run = Run(lambda z, t: z, schedule)
        return [run.level(t, ndim) for t in schedule.grid(self.num_steps, self.spacing)]

    def descend(
        self, z: Tensor, levels: Sequence[Level], run: Run, callback: Callback | None = None
    ) -> Tensor:
        """Latents ``(B, C, N)`` at the first level to data; the last denoised ones are the data."""
        step = self.begin(run)
        for i, level in enumerate(levels):
            z, now = self.renew(z, level, run)
            x0 = run.x0(z, now)
            if callback is not None:
                callback(i, z, x0)
            if i + 1 < len(levels):
                z = step(z, x0, now, levels[i + 1])
        return x0

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
        levels = self.levels(schedule, noise.ndim)
        first = levels[0]
        spread = (first.alpha.square() + first.sigma.square()).sqrt()  # data of unit variance
        return self.descend(noise * spread, levels, Run(denoise, schedule, generators), callback)
