"""Variations of a given latent: noise up to a strength, and back (SDEdit, Meng et al. 2022)."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import default_collate

from ...models.diffusion.sampler import Run
from ...structures import generators, seeded_normal


def variation_latents(
    model: nn.Module,
    latent: Tensor,
    strength: float,
    seeds: Sequence[int],
    *,
    cond: Sequence[Any] | Tensor | None = None,
    batch_size: int = 16,
) -> Iterator[Tensor]:
    """Latents of the first stage near a given one, one ``(C, N)`` per seed.

    The last ``strength`` of the sampler's steps are taken, from the given latent under the noise
    of the first of them. A seed's latent does not depend on the other seeds.

    Args:
        model: Both stages.
        latent: Latent of the first stage, ``(1, C, N)`` or ``(C, N)``.
        strength: 0 returns the given latent, 1 ignores it: the sample of the seed.
        seeds: At least one.
        cond: One raw condition per seed, as the model's conditioner takes them.
        batch_size: How many are sampled together.

    Raises:
        ValueError: No seeds, a strength outside of [0, 1], another shape, or a model without
            stage 2.
    """
    if not hasattr(model, 'diffuser'):
        raise ValueError(
            f'{type(model).__name__} has no stage 2 to denoise with; use a stage-2 config'
        )
    if not 0 <= strength <= 1:
        raise ValueError(f'strength={strength} must be between 0 (as given) and 1 (ignored)')
    shape = model.first_stage.latent_shape
    if tuple(latent.shape[-2:]) != shape or latent.numel() != shape[0] * shape[1]:
        raise ValueError(
            f'a latent of shape {tuple(latent.shape)} is none of this model: expected {shape}'
        )
    if not len(seeds) or batch_size < 1:
        raise ValueError(f'{len(seeds)} seeds and batch_size={batch_size}; each at least 1')
    return _varied(model, latent.reshape(1, *shape), strength, (seeds, cond, batch_size))


@torch.no_grad()
def _varied(
    model: nn.Module, latent: Tensor, strength: float, jobs: tuple[Sequence[int], Any, int]
) -> Iterator[Tensor]:
    seeds, cond, batch_size = jobs
    device, sampler = model.latent_mean.device, model.diffuser.sampler
    levels = sampler.levels(model.diffuser.schedule, latent.ndim)
    num_steps = round(strength * len(levels))
    z0 = model.normalize(latent.to(device))
    for begin in range(0, len(seeds), batch_size):
        part = seeds[begin : begin + batch_size]
        some = None if cond is None else default_collate(list(cond[begin : begin + batch_size]))
        if num_steps == 0:
            yield from model.denormalize(z0).expand(len(part), -1, -1)
        elif num_steps == len(levels):
            yield from model.sample(torch.as_tensor(part), some)
        else:
            kept = levels[-num_steps:]
            noise = seeded_normal(part, latent.shape[1:], 'prior', device, z0.dtype)
            run = Run(
                model.denoise(len(part), some), model.diffuser.schedule, generators(part, 'sampler')
            )
            z = kept[0].alpha * z0 + kept[0].sigma * noise
            yield from model.denormalize(sampler.descend(z, kept, run))
