"""Samplers that follow the flow of a path of latents: Euler's and Heun's steps.

Divided by a scale ``c``, a latent is ``z / c = (alpha / c) * x0 + tau * eps`` with the path's time
``tau = sigma / c``. With ``c = alpha`` (Karras et al. 2022) and with ``c = alpha + sigma`` (a
straight path from data to noise) the flow is ``d(z / c) / d(tau) = (z / c - x0_hat) / tau``.
"""

import math

from torch import Tensor

from ...registry import MODELS
from .base import AbstractSchedule
from .sampler import AbstractSampler, Level, Run, Step


@MODELS.register_module()
class Heun(AbstractSampler):
    """Heun's method along ``sigma / alpha``, with or without churn (Karras et al. 2022, Alg. 2).

    Churn adds noise before a step, of which the step removes more than was added, so that errors
    of earlier steps are forgotten. On a discrete schedule the raised level is the nearest time's.

    Args:
        num_steps: Number of steps, each two evaluations of the network but the last.
        s_churn: Amount of churn over all steps; every step raises ``sigma`` by the factor
            ``1 + min(s_churn / num_steps, sqrt(2) - 1)``. 0 adds no noise.
        s_min: Least ``sigma / alpha`` at which noise is added.
        s_max: Largest.
        s_noise: Standard deviation of the noise; slightly above 1 makes up for lost detail.
        spacing: Where the steps lie, see :meth:`AbstractSchedule.grid`.

    Raises:
        ValueError: Churn is negative, its interval is empty, or its noise is not positive.
    """

    def __init__(
        self,
        num_steps: int = 18,
        s_churn: float = 0.0,
        s_min: float = 0.0,
        s_max: float = math.inf,
        s_noise: float = 1.0,
        spacing: str = 'karras',
    ) -> None:
        super().__init__(num_steps, spacing)
        if s_churn < 0 or not 0 <= s_min <= s_max or s_noise <= 0:
            raise ValueError(
                f'churn needs s_churn >= 0, 0 <= s_min <= s_max and s_noise > 0, got '
                f'{s_churn=}, {s_min=}, {s_max=}, {s_noise=}'
            )
        self.growth = min(s_churn / num_steps, math.sqrt(2) - 1)
        self.s_min, self.s_max, self.s_noise = s_min, s_max, s_noise

    @property
    def is_deterministic(self) -> bool:
        """Whether there is no churn."""
        return self.growth == 0

    @property
    def num_evaluations(self) -> int:
        """Two a step, one in the last."""
        return 2 * self.num_steps - 1

    def levels(self, schedule: AbstractSchedule, ndim: int) -> list[Level]:
        """The noise levels of a run.

        Raises:
            ValueError: The first has no ``sigma / alpha``.
        """
        if schedule.has_zero_terminal_snr:
            raise ValueError(
                f'Heun follows sigma / alpha, which is infinite where {type(schedule).__name__} '
                f"starts, with alpha = 0; use dict(type='FlowHeun')"
            )
        return super().levels(schedule, ndim)

    def renew(self, z: Tensor, level: Level, run: Run) -> tuple[Tensor, Level]:
        """Churn: noise up to a higher level."""
        noise_scale = level.sigma / level.alpha
        if self.growth == 0 or not self.s_min <= float(noise_scale) <= self.s_max:
            return z, level
        raised = level.log_snr.flatten() - math.log1p(self.growth)
        higher = run.level(run.schedule.times_at(raised)[0], z.ndim)
        added = (higher.sigma / higher.alpha).square() - noise_scale.square()
        noise = self.s_noise * added.clamp(min=0).sqrt() * run.draw(z)
        return higher.alpha * (z / level.alpha + noise), higher

    def begin(self, run: Run) -> Step:
        """The mean of the slopes here and there."""

        def step(z: Tensor, x0: Tensor, now: Level, after: Level) -> Tensor:
            return _heun(z, x0, (now, after), (now.alpha, after.alpha), run)

        return step


@MODELS.register_module()
class FlowEuler(AbstractSampler):
    """Euler's method along the straight path from data to noise; equals DDIM with ``eta=0``.

    Args:
        num_steps: Number of steps.
        spacing: Where they lie, see :meth:`AbstractSchedule.grid`.
    """

    def __init__(self, num_steps: int = 50, spacing: str = 'time') -> None:
        super().__init__(num_steps, spacing)

    def begin(self, run: Run) -> Step:
        """The slope here."""

        def step(z: Tensor, x0: Tensor, now: Level, after: Level) -> Tensor:
            scales = now.alpha + now.sigma, after.alpha + after.sigma
            return _euler(z, _slope(z, x0, now, scales[0]), (now, after), scales)

        return step


@MODELS.register_module()
class FlowHeun(AbstractSampler):
    """Heun's method along the straight path from data to noise, which may start at ``alpha = 0``.

    Args:
        num_steps: Number of steps, each two evaluations of the network but the last.
        spacing: Where they lie, see :meth:`AbstractSchedule.grid`.
    """

    def __init__(self, num_steps: int = 25, spacing: str = 'time') -> None:
        super().__init__(num_steps, spacing)

    @property
    def num_evaluations(self) -> int:
        """Two a step, one in the last."""
        return 2 * self.num_steps - 1

    def begin(self, run: Run) -> Step:
        """The mean of the slopes here and there."""

        def step(z: Tensor, x0: Tensor, now: Level, after: Level) -> Tensor:
            scales = now.alpha + now.sigma, after.alpha + after.sigma
            return _heun(z, x0, (now, after), scales, run)

        return step


Ends = tuple[Level, Level]
Scales = tuple[Tensor, Tensor]


def _slope(z: Tensor, x0: Tensor, level: Level, scale: Tensor) -> Tensor:
    """``d(z / c) / d(tau)``."""
    return (z - scale * x0) / level.sigma


def _euler(z: Tensor, slope: Tensor, ends: Ends, scales: Scales) -> Tensor:
    """One step of the path's time along a slope."""
    duration = ends[1].sigma / scales[1] - ends[0].sigma / scales[0]
    return scales[1] * (z / scales[0] + duration * slope)


def _heun(z: Tensor, x0: Tensor, ends: Ends, scales: Scales, run: Run) -> Tensor:
    """One step along the mean of the slopes at its start and at the end of Euler's step."""
    slope = _slope(z, x0, ends[0], scales[0])
    ahead = _euler(z, slope, ends, scales)
    slope_ahead = _slope(ahead, run.x0(ahead, ends[1]), ends[1], scales[1])
    return _euler(z, (slope + slope_ahead) / 2, ends, scales)
