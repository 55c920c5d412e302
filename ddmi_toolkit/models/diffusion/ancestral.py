"""Samplers of first order: ancestral and implicit."""

from torch import Tensor

from ...registry import MODELS
from .sampler import AbstractSampler, Level, Run, Step


@MODELS.register_module()
class DDPM(AbstractSampler):
    """Ancestral sampling (Ho et al. 2020) with the variance of the posterior given ``x0_hat``.

    With fewer steps than the schedule has times, the posterior is that of the kept times, which
    equals DDIM with ``eta=1``.

    Args:
        num_steps: Number of steps.
        spacing: Where they lie, see :meth:`AbstractSchedule.grid`.
    """

    def __init__(self, num_steps: int = 1000, spacing: str = 'time') -> None:
        super().__init__(num_steps, spacing)

    @property
    def is_deterministic(self) -> bool:
        """Never: every step draws noise."""
        return False

    def begin(self, run: Run) -> Step:
        """The posterior of the next latent."""

        def step(z: Tensor, x0: Tensor, now: Level, after: Level) -> Tensor:
            variance = _added_variance(now, after)
            shrink = (after.sigma / now.sigma).square()  # of the noise variance, in (0, 1)
            mean = now.alpha / after.alpha * shrink * z
            mean = mean + after.alpha * variance / now.sigma.square() * x0
            return mean + (variance * shrink).sqrt() * run.draw(z)

        return step


@MODELS.register_module()
class DDIM(AbstractSampler):
    """Implicit sampling (Song et al. 2021), deterministic for ``eta=0``.

    Args:
        num_steps: Number of steps.
        eta: Noise that is renewed in every step, relative to ancestral sampling.
        spacing: Where the steps lie, see :meth:`AbstractSchedule.grid`.
    """

    def __init__(self, num_steps: int = 50, eta: float = 0.0, spacing: str = 'time') -> None:
        super().__init__(num_steps, spacing)
        if not 0 <= eta <= 1:
            raise ValueError(f'eta is a share of the ancestral noise in [0, 1], got {eta}')
        self.eta = eta

    @property
    def is_deterministic(self) -> bool:
        """Whether no noise is renewed on the way."""
        return self.eta == 0

    def begin(self, run: Run) -> Step:
        """The same data and noise at the next level, part of the noise renewed."""

        def step(z: Tensor, x0: Tensor, now: Level, after: Level) -> Tensor:
            eps = (z - now.alpha * x0) / now.sigma
            if self.eta == 0:
                return after.alpha * x0 + after.sigma * eps
            std = self.eta * after.sigma / now.sigma * _added_variance(now, after).sqrt()
            kept = (after.sigma.square() - std.square()).clamp(min=0).sqrt()
            return after.alpha * x0 + kept * eps + std * run.draw(z)

        return step


def _added_variance(now: Level, after: Level) -> Tensor:
    """Variance of the latent at ``now`` given the less noisy one at ``after``."""
    return (now.sigma.square() - (now.alpha / after.alpha * after.sigma).square()).clamp(min=0)
