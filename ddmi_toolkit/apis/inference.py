"""From a config and a checkpoint to fields in your hands."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from torch import Tensor, nn
from torch.utils.data import default_collate

from ..structures import Field, Observations, PlaneLayout, seeded_normal, spherical_path
from .config import load_config
from .loading import default_device, load_model
from .observing import Inversion, invert, posterior_latents, variation_latents


class FieldInferencer:
    """Fields from a trained model: generated from seeds or reconstructed from observations.

    Args:
        config: Config name, see :func:`find_config`, or a complete config.
        checkpoint: File; by default the newest of the config's ``work_dir``.
        device: Where to compute (default: the CUDA device if there is one).
        options: Config overrides by dotted key.
    """

    def __init__(
        self,
        config: str | Path | Config,
        checkpoint: str | Path | None = None,
        device: torch.device | str | None = None,
        options: dict[str, Any] | None = None,
    ) -> None:
        self.cfg = config if isinstance(config, Config) else load_config(config, options)
        self.device = torch.device(device or default_device())
        self.model = load_model(self.cfg, checkpoint, self.device)

    @property
    def autoencoder(self) -> nn.Module:
        """The first stage: the model itself, or the one inside a latent diffusion."""
        return getattr(self.model, 'first_stage', self.model)

    @property
    def layout(self) -> PlaneLayout:
        """Coordinate axes and planes of the fields."""
        return self.autoencoder.layout

    def sample(
        self,
        seeds: Sequence[int],
        cond: Sequence[Any] | Tensor | None = None,
        batch_size: int = 16,
        *,
        negative: Any = None,
        guidance_scale: float | None = None,
    ) -> Iterator[Field]:
        """One field per seed; a seed's field does not depend on the other seeds.

        A stage-1 config decodes N(0, I) in place of diffused latents: the baseline that a latent
        diffusion must beat.

        Args:
            seeds: At least one.
            cond: One raw condition per seed, as the model's conditioner takes them; see
                :meth:`condition`.
            batch_size: How many are sampled together.
            negative: A raw condition that guidance moves away from, the same for all.
            guidance_scale: ``w`` of :class:`Guidance`, in place of the config's.

        Raises:
            ValueError: Not one condition per seed, or conditions that the model does not take.
        """
        seeds = torch.as_tensor(seeds, dtype=torch.int64)
        if not len(seeds):
            raise ValueError('sample takes at least one seed, got none')
        if cond is not None:
            self._conditioner()
            if len(cond) != len(seeds):
                raise ValueError(f'{len(cond)} conditions for {len(seeds)} seeds; give one each')
        noise = self._initial_noise(seeds)
        options = dict(negative=negative, guidance_scale=guidance_scale)
        yield from self._generate(noise, seeds, cond, batch_size, **options)

    def condition(self, value: Any, kind: str | None = None) -> Any:
        """The raw condition of one sample that a prompt, a class or a file stands for.

        Args:
            value: A prompt, the name or number of a class, or the path of a file.
            kind: ``'prompt'``, ``'class'`` or ``'condition'`` (a file), to be told when the model
                takes another kind.

        Raises:
            ValueError: The model is unconditional, or takes no such condition.
        """
        conditioner = self._conditioner()
        if kind not in (None, conditioner.takes):
            raise ValueError(
                f'{type(conditioner).__name__} takes a {conditioner.takes}, got a {kind}: '
                f'{str(value)!r:.80}; give it by --{conditioner.takes}'
            )
        return conditioner.parse(value)

    def interpolate(
        self,
        seed_a: int,
        seed_b: int,
        num_steps: int,
        cond: Any = None,
        batch_size: int = 16,
        *,
        negative: Any = None,
        guidance_scale: float | None = None,
    ) -> Iterator[Field]:
        """Fields from the sample of one seed to that of another, both included.

        Initial noises between the two lie on a :func:`spherical_path`.

        Args:
            seed_a: Seed of the first field.
            seed_b: Seed of the last field.
            num_steps: Number of fields, at least 2.
            cond: One raw condition, the same for all.
            batch_size: How many are sampled together.
            negative: See :meth:`sample`.
            guidance_scale: See :meth:`sample`.

        Raises:
            ValueError: The sampler renews noise on the way, so that fields would not change
                gradually; or fewer than 2 steps.
        """
        if self._diffuser is not None and not self._diffuser.sampler.is_deterministic:
            raise ValueError(
                f'interpolation needs a deterministic sampler, '
                f'{type(self._diffuser.sampler).__name__} renews noise in every step; use '
                f"model.diffuser.sampler=dict(type='DDIM', eta=0.0)"
            )
        ends = self._initial_noise(torch.tensor([seed_a, seed_b]))
        noise = spherical_path(ends[0], ends[1], num_steps)
        seeds = torch.full((num_steps,), seed_a)
        conds = None if cond is None else [cond] * num_steps
        options = dict(negative=negative, guidance_scale=guidance_scale)
        yield from self._generate(noise, seeds, conds, batch_size, **options)

    def interpolate_latents(self, z_a: Tensor, z_b: Tensor, num_steps: int) -> Iterator[Field]:
        """Fields on the :func:`spherical_path` between two latents ``(C, N)``, both included.

        ``interpolate_latents(*inferencer.encode([a, b]), num_steps)`` goes from the reconstruction
        of one observation to that of another.
        """
        for z in spherical_path(z_a, z_b, num_steps):
            yield from self.decode(z[None])

    @torch.no_grad()
    def decode(self, z: Tensor) -> Iterator[Field]:
        """Fields of latents ``(B, C, N)``, one by one."""
        field = self.autoencoder.decode(z.to(self.device))
        yield from (field[i] for i in range(len(field)))

    @torch.no_grad()
    def encode(self, inputs: Iterable[Any]) -> Tensor:
        """Posterior means ``(B, C, N)`` of observations, each without a batch dimension."""
        batches = (torch.as_tensor(one)[None].to(self.device) for one in inputs)
        return torch.cat([self.autoencoder.encode(batch).mean for batch in batches])

    def reconstruct(self, inputs: Iterable[Any]) -> Iterator[Field]:
        """Fields of the posterior means of observations (each without a batch dimension)."""
        for one in inputs:
            yield from self.decode(self.encode([one]))

    def invert(self, observations: Observations, **options: Any) -> Inversion:
        """The field that explains observations best; ``options`` as :func:`invert` takes them."""
        return invert(self.model, observations, **options)

    def posterior(
        self, observations: Observations, seeds: Sequence[int], **options: Any
    ) -> Iterator[Field]:
        """Fields drawn from all that agree with observations, one per seed.

        ``options`` as :func:`posterior_latents` takes them, which says more. A seed's field does
        not depend on the other seeds.
        """
        for z in posterior_latents(self.model, observations, seeds, **options):
            yield from self.decode(z[None])

    def variation(
        self, latent: Tensor, strength: float, seeds: Sequence[int], **options: Any
    ) -> Iterator[Field]:
        """Fields near that of a latent, such as :meth:`encode`'s, one per seed.

        Args:
            latent: ``(C, N)`` or ``(1, C, N)``.
            strength: 0 is the latent's field, 1 the sample of the seed.
            seeds: At least one.
            **options: As :func:`variation_latents` takes them.
        """
        for z in variation_latents(self.model, latent, strength, seeds, **options):
            yield from self.decode(z[None])

    @property
    def _diffuser(self) -> Any:
        return getattr(self.model, 'diffuser', None)

    def _initial_noise(self, seeds: Tensor) -> Tensor:
        """What is diffused, or decoded where there is no diffusion, ``(B, C, N)``."""
        shape = self.autoencoder.latent_shape
        if self._diffuser is None:
            return seeded_normal(seeds, shape, 'sample')
        return self._diffuser.initial_noise(shape, seeds)

    def _conditioner(self) -> Any:
        """What takes conditions."""
        conditioner = getattr(self.model, 'conditioner', None)
        if conditioner is None:
            raise ValueError(
                f'{self.cfg.get("experiment_name", "the model")} has no conditioner: it generates '
                f'unconditionally; train a config with model.conditioner'
            )
        return conditioner

    @contextmanager
    def _guidance(self, scale: float | None) -> Iterator[None]:
        """The model guides with this scale inside."""
        if scale is None:
            yield
            return
        before = self.model.guidance.scale
        self.model.guidance.scale = float(scale)
        try:
            yield
        finally:
            self.model.guidance.scale = before

    def _generate(
        self,
        noise: Tensor,
        seeds: Tensor,
        cond: Sequence[Any] | Tensor | None,
        batch_size: int,
        *,
        negative: Any,
        guidance_scale: float | None,
    ) -> Iterator[Field]:
        if batch_size < 1:
            raise ValueError(f'batch_size={batch_size} must be at least 1')
        if guidance_scale is not None and not getattr(self.model, 'has_guide', False):
            self._conditioner()
        for start in range(0, len(seeds), batch_size):
            part = slice(start, start + batch_size)
            z = noise[part]
            if self._diffuser is not None:
                conds = None if cond is None else default_collate(list(cond[part]))
                others = None if negative is None else default_collate([negative] * len(z))
                # per batch: between two of them, the caller may draw from another generator
                with self._guidance(guidance_scale):
                    z = self.model.sample(seeds[part], conds, z, negative=others)
            yield from self.decode(z)
