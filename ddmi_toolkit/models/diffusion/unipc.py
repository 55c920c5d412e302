"""UniPC: a multistep predictor whose last step is corrected by the next denoised latent."""

import torch
from torch import Tensor

from ...registry import MODELS
from .sampler import AbstractSampler, Level, Run, Step

Memory = list[tuple[Tensor, Level]]
"""Denoised latents and where they were seen, the latest last."""


@MODELS.register_module()
class UniPC(AbstractSampler):
    """Unified predictor-corrector (Zhao et al. 2023) of the denoised latent, with ``B_2(h)``.

    Orders grow from one in the first steps and fall to one in the last, to the data.

    Args:
        num_steps: Number of steps, each one evaluation of the network.
        order: Order ``p`` of predictor and corrector, in 1 to 3.
        spacing: Where the steps lie, see :meth:`AbstractSchedule.grid`.

    Raises:
        ValueError: The order is not 1, 2 or 3.
    """

    def __init__(self, num_steps: int = 10, order: int = 2, spacing: str = 'log_snr') -> None:
        super().__init__(num_steps, spacing)
        if order not in (1, 2, 3):
            raise ValueError(f'UniPC has order 1, 2 or 3, got order={order}')
        self.order = order

    def begin(self, run: Run) -> Step:
        """Correct the last step, then predict the next."""
        seen: Memory = []
        start = torch.empty(0)  # corrected latent that the last step started from
        order, num_steps = 0, 0

        def step(z: Tensor, x0: Tensor, now: Level, after: Level) -> Tensor:
            nonlocal start, order, num_steps
            if seen:
                ahead = _interpolated([*seen[-order:], (x0, now)], seen[-1], now)
                z = _moved(start, seen[-1][1], now, ahead)
            seen.append((x0, now))
            del seen[: -self.order]
            order = min(self.order, len(seen), self.num_steps - num_steps)
            num_steps += 1
            start = z
            return _moved(z, now, after, _interpolated(seen[-order:], seen[-1], after))

        return step


def _moved(z: Tensor, now: Level, after: Level, x0: Tensor) -> Tensor:
    """The flow from one level to the next while the denoised latent is held fixed."""
    kept = after.sigma / now.sigma
    return kept * z + (after.alpha - kept * now.alpha) * x0


def _interpolated(known: Memory, origin: tuple[Tensor, Level], after: Level) -> Tensor:
    """Mean of the denoised latent over a step that starts at ``origin``.

    The denoised latent is the polynomial in ``log(alpha / sigma)`` through the known ones; the
    mean has the weight ``exp(log(alpha / sigma))`` of the exact solution. For two known points
    the mean is taken at the middle of the step, as the authors do.
    """
    x0, now = origin
    others = [(x, level) for x, level in known if level is not now]
    if not others:
        return x0
    h = after.log_snr - now.log_snr
    # Inverse distances, in steps: 0 for a time of pure noise, whose polynomial drops out.
    inverse = [
        torch.ones_like(h) if level is after else h / (level.log_snr - now.log_snr)
        for _, level in others
    ]
    u = torch.stack(inverse).flatten()
    num = len(others)
    if num == 1:
        weights = 0.5 * u
    else:
        rows = torch.stack([u**k for k in range(num - 1, -1, -1)])
        weights = torch.linalg.solve(rows, _moments(h, num)) * u**num
    for weight, (x, _) in zip(weights.to(x0), others, strict=True):
        x0 = x0 + weight * (x - origin[0])
    return x0


def _moments(h: Tensor, num: int) -> Tensor:
    """Means of ``r ** k`` for ``k = 1 .. num`` over ``r`` in [0, 1] with weight ``exp(h * r)``."""
    top = -1 / torch.expm1(-h)
    moments = [torch.ones_like(h)]
    for k in range(1, num + 1):
        moments.append(top - k / h * moments[-1])
    return torch.stack([m.flatten()[0] for m in moments[1:]])
