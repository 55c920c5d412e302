"""Training loss and sampling of a denoiser: the one place where noise is added."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ...registry import MODELS
from ...structures import PlaneLayout, generators, seeded_normal
from .base import (
    AbstractLossWeight,
    AbstractParameterization,
    AbstractSchedule,
    Callback,
    Denoise,
)
from .sampler import AbstractSampler

Seeds = Tensor | Sequence[int]
Cond = dict[str, Tensor | None] | None


@MODELS.register_module()
class Diffuser(nn.Module):
    """Noise schedule, parameterization and sampler of latents ``(B, C, N)``.

    It borrows the network, so that the network's weights can be averaged or replaced.

    Args:
        schedule: Config of an :class:`AbstractSchedule`.
        parameterization: Config of an :class:`AbstractParameterization`.
        sampler: Config of an :class:`AbstractSampler`.
        layout: Planes of the latent.
        channels: Channels ``C`` of the latent.
        loss_weight: Config of an :class:`AbstractLossWeight`. None weights squared errors of the
            network's output evenly.

    Raises:
        ValueError: The parameterization says nothing of the data where the schedule starts.
    """

    def __init__(
        self,
        schedule: dict[str, Any],
        parameterization: dict[str, Any],
        sampler: dict[str, Any],
        layout: PlaneLayout,
        channels: int,
        loss_weight: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.schedule: AbstractSchedule = MODELS.build(schedule, role=AbstractSchedule)
        self.parameterization: AbstractParameterization = MODELS.build(
            parameterization,
            role=AbstractParameterization,
            default_args=dict(layout=layout, channels=channels),
        )
        self.sampler: AbstractSampler = MODELS.build(sampler, role=AbstractSampler)
        self.loss_weight: AbstractLossWeight | None = None
        if loss_weight is not None:
            self.loss_weight = MODELS.build(loss_weight, role=AbstractLossWeight)
        if self.schedule.has_zero_terminal_snr and self.parameterization.needs_signal:
            raise ValueError(
                f'the schedule {type(self.schedule).__name__} ends in pure noise, where the noise '
                f'that {type(self.parameterization).__name__} predicts says nothing of the data; '
                f"use dict(type='V') or another parameterization, or zero_terminal_snr=False"
            )

    def denoise(self, net: nn.Module, z_t: Tensor, t: Tensor, cond: Cond = None) -> Tensor:
        """Denoised latent ``x0_hat`` of noisy latents at times ``(B,)``.

        Args:
            net: Denoiser ``(z_t, c_noise, cond) -> output``.
            z_t: Noisy latents ``(B, C, N)``.
            t: Times of the schedule, ``(B,)``.
            cond: Condition, handed to the network.
        """
        alpha, sigma = self.schedule(t, z_t.ndim)
        z_in = self.parameterization.scale_input(z_t, alpha, sigma)
        out = net(z_in, self.schedule.c_noise(t), cond)
        return self.parameterization.to_x0(out, z_t, alpha, sigma)

    def loss(
        self, net: nn.Module, z0: Tensor, cond: Cond = None, seeds: Seeds | None = None
    ) -> Tensor:
        """Mean squared error per sample ``(B,)``, in the space of the parameterization.

        With a loss weight, it is that of the denoised latent, times the weight.

        Args:
            net: Denoiser ``(z_t, c_noise, cond) -> output``.
            z0: Clean latents ``(B, C, N)``.
            cond: Condition, handed to the network.
            seeds: ``(B,)`` integers; time and noise of sample ``i`` depend on ``seeds[i]`` alone.
                None draws from torch's global state.
        """
        t = self.schedule.sample_t(len(z0), seeds)
        if seeds is None:
            eps = torch.randn_like(z0)
        else:
            eps = seeded_normal(seeds, z0.shape[1:], 'noise', z0.device, z0.dtype)
        alpha, sigma = self.schedule(t, z0.ndim)
        z_t = alpha * z0 + sigma * eps
        x0 = self.denoise(net, z_t, t, cond)
        pred = self.parameterization.from_x0(x0, z_t, alpha, sigma)
        target = self.parameterization.target(z0, eps, alpha, sigma)
        error = (pred - target).square().flatten(1).mean(1)
        if self.loss_weight is None:
            return error
        weight = self.loss_weight(alpha, sigma) / self.parameterization.x0_weight(alpha, sigma)
        return error * weight.flatten()

    @torch.no_grad()
    def sample(
        self,
        denoise: Denoise,
        noise: Tensor,
        seeds: Seeds,
        callback: Callback | None = None,
        sampler: AbstractSampler | None = None,
    ) -> Tensor:
        """Generated latents ``(B, C, N)``, sample ``i`` a function of its noise and seed.

        Args:
            denoise: ``(z_t, t (B,)) -> x0_hat``, e.g. :meth:`denoise` of a network and a
                condition, guided or corrected by observations.
            noise: Where to start, see :meth:`initial_noise`; its device is that of the sample.
            seeds: ``(B,)`` integers, for the noise that a sampler adds on the way.
            callback: Called with the step and the latents ``z_t`` and ``x0_hat`` of every step.
            sampler: In place of the diffuser's own.
        """
        sampler = self.sampler if sampler is None else sampler
        return sampler(denoise, self.schedule, noise, generators(seeds, 'sampler'), callback)

    @staticmethod
    def initial_noise(
        shape: Sequence[int], seeds: Seeds, device: torch.device | str = 'cpu'
    ) -> Tensor:
        """What sampling starts from: standard normal ``(B, *shape)``, row ``i`` of ``seeds[i]``."""
        return seeded_normal(seeds, shape, 'prior', device)
