"""Guidance: what is wanted, exaggerated away from what is not."""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ...registry import MODELS
from .base import AbstractSchedule, Denoise

DenoisePair = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""``(z_t, t) -> (wanted x0_hat, other x0_hat)``."""


@MODELS.register_module()
class Guidance:
    """``other + scale * (wanted - other)`` of two denoised latents.

    With an unconditional (or negative) estimate as the other one, this is classifier-free
    guidance (Ho and Salimans 2022) in the form of DDMI's section 4.2,
    ``eps_u + w * (eps_c - eps_u)``: noise is an affine function of the denoised latent, so both
    say the same. With the estimate of a weaker model it is autoguidance (Karras et al. 2024).

    Args:
        scale: ``w``. 1 is what is wanted as it is, 0 the other; the paper takes 3 for text.
        interval: Noise levels ``sigma / alpha`` from the first number up to the second are guided;
            at others what is wanted is left as it is (Kynkäänniemi et al. 2024). None guides all.

    Raises:
        ValueError: The scale is not finite, or the interval is empty.
    """

    def __init__(self, scale: float = 1.0, interval: Sequence[float] | None = None) -> None:
        if interval is not None and not (len(interval) == 2 and 0 <= interval[0] < interval[1]):
            raise ValueError(
                f'guidance interval={interval} must be two noise levels sigma / alpha, '
                f'the lower one first, such as (0.3, 5.0)'
            )
        self.scale = scale
        self.interval = None if interval is None else (float(interval[0]), float(interval[1]))

    @property
    def scale(self) -> float:
        """``w``, which may be changed between runs."""
        return self._scale

    @scale.setter
    def scale(self, scale: float) -> None:
        if not math.isfinite(scale):
            raise ValueError(f'guidance scale={scale} must be finite, such as 3')
        self._scale = float(scale)

    def __call__(
        self, schedule: AbstractSchedule, wanted: Denoise, other: Denoise, both: DenoisePair
    ) -> Denoise:
        """The guided denoiser; it asks for one estimate alone wherever the other has no weight.

        Args:
            schedule: Says how noisy a time is.
            wanted: Denoiser that is followed.
            other: Denoiser that is moved away from.
            both: The two at once, perhaps in one pass of a network.
        """
        if self.scale == 1:
            return wanted
        if self.scale == 0 and self.interval is None:
            return other

        def denoise(z_t: Tensor, t: Tensor) -> Tensor:
            guided = self._is_guided(schedule, t)
            if not guided.any():
                return wanted(z_t, t)
            if self.scale == 0 and guided.all():
                return other(z_t, t)
            x_wanted, x_other = both(z_t, t)
            x0 = x_other + self.scale * (x_wanted - x_other)
            return torch.where(guided.view(-1, *[1] * (z_t.ndim - 1)), x0, x_wanted)

        return denoise

    def _is_guided(self, schedule: AbstractSchedule, t: Tensor) -> Tensor:
        """Which samples are at a noise level of the interval, ``(B,)`` bool."""
        if self.interval is None:
            return torch.ones_like(t, dtype=torch.bool)
        alpha, sigma = schedule(t, 1)
        low, high = self.interval
        # products, since alpha may be 0 at the noisiest time
        return (sigma >= low * alpha) & (sigma <= high * alpha)
