"""Denoisers corrected by observations: what lets a prior answer questions it was not trained for.

The denoised latent of all that is known is ``E[x0 | z_t, y]``. A sampler that is given it draws
from the posterior ``p(x0 | y)``, whichever sampler it is, for it is the denoiser of that
distribution. Here it is approximated from ``E[x0 | z_t]`` alone, so that no gradient passes
through the network.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor

from .base import AbstractSchedule, Denoise

Predict = Callable[[Tensor], Tensor]
"""What is observed of latents, differentiable: ``x0 (B, C, N) -> (B, *M)``."""


class AbstractLikelihood(ABC):
    """How probable observations are, given predictions ``(B, *M)`` of them."""

    @abstractmethod
    def nll(self, pred: Tensor) -> Tensor:
        """Negative log-likelihood ``(B,)`` in nats, up to a constant."""

    @abstractmethod
    def gradient(self, pred: Tensor) -> Tensor:
        """Its derivative with respect to the predictions, ``(B, *M)``."""

    @abstractmethod
    def curvature(self, pred: Tensor) -> Tensor:
        """Its second derivative with respect to each prediction, ``(B, *M)``, not negative."""


class Correction:
    """Moves denoised latents to where they agree with observations, and no further.

    Where ``p(x0 | z_t)`` is normal with mean ``x0_hat`` and variance ``r ** 2``, the corrected
    latent minimizes ``|x0 - x0_hat| ** 2 / (2 r ** 2) + nll(predict(x0))``: the proximal step of
    the observations. It is found by ``num_steps`` steps of conjugate gradients on the Gauss-Newton
    approximation around ``x0_hat``, with no rate to tune; a step that makes the sum worse is
    halved, and finally left out.

    What is exact and what is not. If latents are normal with variance ``latent_std ** 2``, the
    denoiser is exact, predictions are linear, the likelihood is normal and ``num_steps`` is at
    least the rank of the observations, then this *is* the denoiser of the posterior: samples of
    any sampler have its mean and its variance, up to the sampler's own error (tested against the
    closed form). Otherwise three things are approximate: ``p(x0 | z_t)`` as a normal distribution
    of one variance for all directions (``r`` is that of normal latents, which is too wide for
    latents that obey more structure, so that observations weigh more than they should), its mode
    in place of its mean under the likelihood, and predictions as linear over the distance moved.

    Row ``i`` of the result depends on row ``i`` of the latents alone.

    Args:
        schedule: The noise schedule of the denoiser.
        predict: What is observed of denoised latents.
        likelihood: Of the observations, given predictions.
        num_steps: Conjugate gradient steps, each one evaluation of ``predict`` and one gradient.
        latent_std: Spread of the latents that are diffused.
    """

    def __init__(
        self,
        schedule: AbstractSchedule,
        predict: Predict,
        likelihood: AbstractLikelihood,
        num_steps: int = 6,
        latent_std: float = 1.0,
    ) -> None:
        if num_steps < 1 or not latent_std > 0:
            raise ValueError(
                f'a correction needs num_steps of at least 1 and a positive latent_std, got '
                f'num_steps={num_steps}, latent_std={latent_std}'
            )
        self.schedule, self.predict, self.likelihood = schedule, predict, likelihood
        self.num_steps, self.latent_std = num_steps, latent_std

    def __call__(self, denoise: Denoise) -> Denoise:
        """The denoiser, corrected: what ``LatentDiffusion.sample(wrap=...)`` takes."""

        def corrected(z_t: Tensor, t: Tensor) -> Tensor:
            return self.correct(denoise(z_t, t), self.variance(t, z_t.ndim))

        return corrected

    def variance(self, t: Tensor, ndim: int) -> Tensor:
        """Variance ``r ** 2`` of normal latents given noisy ones, ``(B, 1, ...)``."""
        alpha, sigma = self.schedule(t, ndim)
        prior = self.latent_std**2
        return prior * sigma.square() / (alpha.square() * prior + sigma.square())

    def correct(self, x0: Tensor, variance: Tensor) -> Tensor:
        """The proximal step of the observations.

        Args:
            x0: Denoised latents ``(B, C, N)``.
            variance: How far they may be off, ``(B, 1, 1)``.

        Returns:
            ``(B, C, N)``.
        """
        with torch.enable_grad():
            start = x0.detach().requires_grad_()
            pred = self.predict(start)

        def pull(values: Tensor) -> Tensor:
            """Derivative of ``(pred * values).sum()``."""
            (grad,) = torch.autograd.grad(pred, start, values.to(pred), retain_graph=True)
            return grad.to(x0)

        with torch.no_grad():
            fixed = pred.detach()
            weight = self.likelihood.curvature(fixed)

            def curved(v: Tensor) -> Tensor:
                """``(1 + r^2 J^T W J) v``."""
                return v + variance * pull(weight * self._push(x0, fixed, v))

            downhill = -variance * pull(self.likelihood.gradient(fixed))
            move = _conjugate_gradients(curved, downhill, self.num_steps)
            return self._accepted(x0, fixed, move, variance)

    def _push(self, x0: Tensor, pred: Tensor, v: Tensor) -> Tensor:
        """Change of the predictions per move along ``v``, ``J v``, by a finite difference.

        Bilinear lookups have a derivative of a derivative in no framework, so that ``J v`` cannot
        be had from two gradients.
        """
        rms = _norm(v) / v[0].numel() ** 0.5
        length = 1e-2 * self.latent_std / rms.clamp(min=1e-12)  # of the values of one number
        moved = self.predict(x0 + length * v)
        return (moved - pred) / length.view(-1, *[1] * (pred.ndim - 1))

    def _accepted(self, x0: Tensor, pred: Tensor, move: Tensor, variance: Tensor) -> Tensor:
        """The largest of the whole move, its half, ... that lowers the sum; else none."""
        best = x0
        done = torch.zeros(len(x0), dtype=torch.bool, device=x0.device)
        limit = self.likelihood.nll(pred)
        for share in (1.0, 0.5, 0.25, 0.125):
            moved = x0 + share * move
            distance = ((share * move).square() / variance).flatten(1).sum(1) / 2
            good = ~done & (self.likelihood.nll(self.predict(moved)) + distance <= limit)
            best = torch.where(good.view(-1, *[1] * (x0.ndim - 1)), moved, best)
            done = done | good
            if bool(done.all()):
                break
        return best


def _norm(v: Tensor) -> Tensor:
    """Norm of each row, ``(B, 1, ...)``."""
    return v.flatten(1).norm(dim=1).view(-1, *[1] * (v.ndim - 1))


def _conjugate_gradients(
    matrix: Callable[[Tensor], Tensor], b: Tensor, num_steps: int, tolerance: float = 1e-5
) -> Tensor:
    """Solutions of ``matrix(x) = b``, one per row, rows independent of each other."""
    x, residual = torch.zeros_like(b), b
    direction, energy = residual, _norm(residual).square()
    enough = tolerance**2 * energy
    for _ in range(num_steps):
        active = energy > enough
        if not bool(active.any()):
            break
        image = matrix(direction)
        curve = (direction * image).flatten(1).sum(1).view_as(energy)
        step = torch.where(active & (curve > 0), energy / curve.clamp(min=1e-30), 0.0)
        x = x + step * direction
        residual = residual - step * image
        after = _norm(residual).square()
        direction = residual + torch.where(active, after / energy.clamp(min=1e-30), 0.0) * direction
        energy = torch.where(active, after, energy)
    return x
