"""Latents that agree with observations: the best one, or draws from all that do."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import default_collate

from ...models.diffusion import DDIM, AbstractSampler, Correction
from ...structures import Field, Observations, seeded_normal
from .likelihoods import likelihood_of


@dataclass(frozen=True)
class Inversion:
    """What :func:`invert` found.

    Args:
        field: The field, a batch of one.
        latent: Its latent, that of the first stage, ``(1, C, N)``.
        losses: Negative log-likelihood plus prior term in nats, before each step and at the end.
    """

    field: Field
    latent: Tensor
    losses: list[float]


class _Latents:
    """The latents of a model of either stage, as the prior is about them."""

    def __init__(self, model: nn.Module) -> None:
        self.first_stage = getattr(model, 'first_stage', model)
        self.to_first_stage = getattr(model, 'denormalize', lambda z: z)
        self.from_first_stage = getattr(model, 'normalize', lambda z: z)
        self.device = next(model.parameters()).device

    def decode(self, z: Tensor) -> Field:
        """Fields of latents of the prior."""
        return self.first_stage.decode(self.to_first_stage(z))

    def prepared(self, observations: Observations) -> Observations:
        """Observations on the model's device, once they fit its fields."""
        with torch.no_grad():
            field = self.decode(torch.zeros(1, *self.first_stage.latent_shape, device=self.device))
        observations.check(field.layout, field.out_channels)
        return observations.to(self.device)


def invert(
    model: nn.Module,
    observations: Observations,
    *,
    num_steps: int = 200,
    lr: float = 0.05,
    prior_weight: float = 1.0,
    noise: float | None = None,
    start: Tensor | int | None = None,
) -> Inversion:
    """The latent whose field explains observations best, by Adam; the model stays as it is.

    Minimizes ``nll(observations | field of z) + prior_weight * |z| ** 2 / 2``, where ``z`` is the
    latent that stage 2 diffuses, or the first stage's. With weight 1 and a latent that is
    standard normal this is the most probable one. The learning rate falls to 0 as a cosine.

    Args:
        model: Stage 1 alone, or both stages.
        observations: What is known of the field.
        num_steps: Steps of Adam.
        lr: First learning rate, in units of the latent.
        prior_weight: Of the prior term; 0 leaves the observations alone.
        noise: Standard deviation of the values, see :func:`likelihood_of`.
        start: Where to begin: None is the prior's mean, a number the seed of a draw from the
            prior, a tensor ``(1, C, N)`` a latent of the first stage, such as an encoder's.

    Raises:
        ValueError: An option out of range, or observations that do not fit the model's fields.
    """
    if num_steps < 1 or not lr > 0 or prior_weight < 0:
        raise ValueError(
            f'num_steps={num_steps} must be at least 1, lr={lr} positive and '
            f'prior_weight={prior_weight} not negative'
        )
    latents = _Latents(model)
    observations = latents.prepared(observations)
    likelihood = likelihood_of(latents.first_stage, observations, noise)
    z = _start(latents, start).requires_grad_()
    optimizer = torch.optim.Adam([z], lr=lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, num_steps)

    def loss() -> Tensor:
        return likelihood.nll(observations.read(latents.decode(z))).sum() + (
            prior_weight * z.square().sum() / 2
        )

    losses = []
    for _ in range(num_steps):
        with torch.enable_grad():
            value = loss()
        (z.grad,) = torch.autograd.grad(value, z)
        losses.append(float(value.detach()))
        optimizer.step()
        schedule.step()
    z.requires_grad_(False)
    with torch.no_grad():
        losses.append(float(loss()))
        found = latents.to_first_stage(z)
        return Inversion(latents.first_stage.decode(found), found, losses)


def posterior_latents(
    model: nn.Module,
    observations: Observations,
    seeds: Sequence[int],
    *,
    num_steps: int = 50,
    num_corrections: int = 6,
    noise: float | None = None,
    sampler: AbstractSampler | None = None,
    cond: Sequence[Any] | Tensor | None = None,
    batch_size: int = 8,
) -> Iterator[Tensor]:
    """Latents of the first stage drawn from ``p(z | observations)``, one ``(C, N)`` per seed.

    The prior is the diffusion model; its denoiser is corrected in every step, see
    :class:`Correction`, which says what is exact and what is not. A seed's latent does not
    depend on the other seeds.

    Args:
        model: Both stages.
        observations: What is known of the field.
        seeds: At least one.
        num_steps: Steps of the sampler.
        num_corrections: Conjugate gradient steps per step of the sampler.
        noise: Standard deviation of the values, see :func:`likelihood_of`: small values follow
            observations closer, also where the first stage cannot.
        sampler: In place of DDIM with ``eta=1``, which renews as much noise as DDPM, so that
            what early corrections got wrong is forgotten.
        cond: One raw condition per seed, as the model's conditioner takes them.
        batch_size: How many are sampled together.

    Raises:
        ValueError: No seeds, a model without stage 2, or observations that do not fit its fields.
    """
    if not hasattr(model, 'diffuser'):
        raise ValueError(
            f'{type(model).__name__} has no prior to sample from; use a stage-2 config, or invert '
            f'for the one most probable field'
        )
    if not len(seeds) or batch_size < 1:
        raise ValueError(f'{len(seeds)} seeds and batch_size={batch_size}; each at least 1')
    latents = _Latents(model)
    observations = latents.prepared(observations)
    correction = Correction(
        model.diffuser.schedule,
        lambda z: observations.read(latents.decode(z)),
        likelihood_of(latents.first_stage, observations, noise),
        num_corrections,
    )
    sampler = DDIM(num_steps, eta=1.0) if sampler is None else sampler
    return _sampled(
        model, torch.as_tensor(seeds), cond, batch_size, dict(wrap=correction, sampler=sampler)
    )


def _sampled(
    model: nn.Module,
    seeds: Tensor,
    cond: Sequence[Any] | Tensor | None,
    batch_size: int,
    options: dict[str, Any],
) -> Iterator[Tensor]:
    for begin in range(0, len(seeds), batch_size):
        part = slice(begin, begin + batch_size)
        some = None if cond is None else default_collate(list(cond[part]))
        yield from model.sample(seeds[part], some, **options)


def _start(latents: _Latents, start: Tensor | int | None) -> Tensor:
    """Where :func:`invert` begins, ``(1, C, N)``."""
    shape = latents.first_stage.latent_shape
    if start is None:
        return torch.zeros(1, *shape, device=latents.device)
    if isinstance(start, int):
        return seeded_normal([start], shape, 'prior', latents.device)
    if start.shape != (1, *shape):
        raise ValueError(
            f'start of shape {tuple(start.shape)} is no latent of this model: expected '
            f'{(1, *shape)}, a seed, or None'
        )
    return latents.from_first_stage(start.detach().to(latents.device)).clone()
