"""Samplers: they know a denoiser and a schedule, and nothing of networks, planes or guidance."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ...registry import MODELS
from .base import AbstractSampler, AbstractSchedule, Callback, Denoise

Scales = tuple[Tensor, Tensor]
"""``(alpha, sigma)``, each broadcastable to a latent."""

Step = Callable[[Tensor, Tensor, Scales, Scales], Tensor]
"""``(z_t, x0_hat, scales at t, scales at the next time) -> z`` at the next time."""


@MODELS.register_module()
class DDPM(AbstractSampler):
    """Ancestral sampling (Ho et al. 2020) with the variance of the posterior given ``x0_hat``.

    With fewer steps than the schedule has times, the posterior is that of the kept times, which
    equals DDIM with ``eta=1``.

    Args:
        num_steps: Number of steps.
    """

    def __init__(self, num_steps: int = 1000) -> None:
        super().__init__(num_steps)

    def __call__(
        self,
        denoise: Denoise,
        schedule: AbstractSchedule,
        noise: Tensor,
        generators: Sequence[torch.Generator] | None = None,
        callback: Callback | None = None,
    ) -> Tensor:
        """Generate latents, see :class:`AbstractSampler`."""

        def step(z: Tensor, x0: Tensor, now: Scales, after: Scales) -> Tensor:
            variance = _added_variance(now, after)
            shrink = (after[1] / now[1]).square()  # of the noise variance, in (0, 1)
            mean = now[0] / after[0] * shrink * z + after[0] * variance / now[1].square() * x0
            return mean + (variance * shrink).sqrt() * _draw(z, generators)

        return _descend(denoise, schedule, noise, self.num_steps, step, callback)


@MODELS.register_module()
class DDIM(AbstractSampler):
    """Implicit sampling (Song et al. 2021), deterministic for ``eta=0``.

    Args:
        num_steps: Number of steps.
        eta: Noise that is renewed in every step, relative to ancestral sampling.
    """

    def __init__(self, num_steps: int = 50, eta: float = 0.0) -> None:
        super().__init__(num_steps)
        if not 0 <= eta <= 1:
            raise ValueError(f'eta is a share of the ancestral noise in [0, 1], got {eta}')
        self.eta = eta

    @property
    def is_deterministic(self) -> bool:
        """Whether no noise is renewed on the way."""
        return self.eta == 0

    def __call__(
        self,
        denoise: Denoise,
        schedule: AbstractSchedule,
        noise: Tensor,
        generators: Sequence[torch.Generator] | None = None,
        callback: Callback | None = None,
    ) -> Tensor:
        """Generate latents, see :class:`AbstractSampler`."""

        def step(z: Tensor, x0: Tensor, now: Scales, after: Scales) -> Tensor:
            eps = (z - now[0] * x0) / now[1]
            if self.eta == 0:
                return after[0] * x0 + after[1] * eps
            std = self.eta * after[1] / now[1] * _added_variance(now, after).sqrt()
            kept = (after[1].square() - std.square()).clamp(min=0).sqrt()
            return after[0] * x0 + kept * eps + std * _draw(z, generators)

        return _descend(denoise, schedule, noise, self.num_steps, step, callback)


def _descend(
    denoise: Denoise,
    schedule: AbstractSchedule,
    noise: Tensor,
    num_steps: int,
    step: Step,
    callback: Callback | None,
) -> Tensor:
    """Denoise and step through the schedule's grid; the last denoised latent is the sample."""
    times = schedule.grid(num_steps)
    scales = [schedule(t[None], noise.ndim) for t in times]
    alpha, sigma = scales[0]
    z = noise * (alpha.square() + sigma.square()).sqrt()  # the spread of data of unit variance
    x0 = z
    for i, t in enumerate(times):
        x0 = denoise(z, t.expand(len(z)))
        if callback is not None:
            callback(i, z, x0)
        if i + 1 < num_steps:
            z = step(z, x0, scales[i], scales[i + 1])
    return x0


def _added_variance(now: Scales, after: Scales) -> Tensor:
    """Variance of ``z_now`` given the less noisy ``z_after``."""
    return (now[1].square() - (now[0] / after[0] * after[1]).square()).clamp(min=0)


def _draw(z: Tensor, generators: Sequence[torch.Generator] | None) -> Tensor:
    """Standard normal like ``z``, row ``i`` from ``generators[i]`` on that generator's device."""
    if generators is None:
        return torch.randn_like(z)
    if len(generators) != len(z):
        raise ValueError(f'{len(generators)} generators for {len(z)} samples; one each is needed')
    shape = z.shape[1:]
    return torch.stack([torch.randn(shape, generator=g, device=g.device) for g in generators]).to(z)
