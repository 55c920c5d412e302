"""Stage 2: diffusion over the latents of a frozen first stage."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from mmengine.model import BaseModel
from torch import Tensor

from ..registry import MODELS
from ..structures import DiagonalGaussian, seeded_normal
from ..utils import load_checkpoint, load_state_strict
from .weak_model import Denoise, WeakModel, embedded

Cond = dict[str, Tensor | None]


@MODELS.register_module()
class LatentDiffusion(BaseModel):
    """Latent diffusion model over the latents of a D2C-VAE (DDMI section 3.2, Eq. 10).

    Args:
        first_stage: Config of the whole first stage; it is frozen and kept in evaluation mode.
        denoiser: Config of the network ``(z_t, t, cond) -> output``, both ``(B, C, N)``.
        diffuser: Config of the :class:`Diffuser` (schedule, parameterization, sampler).
        conditioner: Config of what turns a batch's ``cond`` into a vector and a context. None
            hands ``cond`` to the denoiser as it is.
        first_stage_checkpoint: File that the first stage is loaded from, strictly, when training
            starts. None leaves it as it is (a stage-2 checkpoint holds it).
        guidance: Config of the :class:`Guidance` of generation; None generates what the condition
            says, as it is.
        weak: ``dict(checkpoint[, denoiser])`` of a weaker model that guidance moves away from in
            place of the unconditional one (autoguidance): a checkpoint of this model, of an
            earlier iteration or trained with another denoiser, whose config is given then. It
            keeps its own conditioner's weights.
        normalize_latents: Whether latents are standardized per channel and plane by
            ``latent_mean`` and ``latent_std``, which ``LatentStatsHook`` measures. The published
            model does not.
        data_preprocessor: Config of mmengine's data preprocessor.

    Raises:
        ValueError: Guidance has nothing to move away from.
    """

    def __init__(
        self,
        first_stage: dict[str, Any],
        denoiser: dict[str, Any],
        diffuser: dict[str, Any],
        conditioner: dict[str, Any] | None = None,
        guidance: dict[str, Any] | None = None,
        weak: dict[str, Any] | None = None,
        first_stage_checkpoint: str | None = None,
        normalize_latents: bool = False,
        data_preprocessor: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(data_preprocessor)
        self.first_stage = MODELS.build(first_stage, role='D2CVAE')
        self.first_stage.requires_grad_(False).eval()
        self.first_stage_checkpoint = first_stage_checkpoint
        layout, (channels, _) = self.first_stage.layout, self.first_stage.latent_shape
        offers = dict(layout=layout, channels=channels)
        self.conditioner = None
        if conditioner is not None:
            self.conditioner = MODELS.build(conditioner, role='AbstractConditioner')
            offers['cond_channels'] = self.conditioner.vector_channels
            offers['context_channels'] = self.conditioner.context_channels
        self.denoiser = MODELS.build(denoiser, role='AbstractDenoiser', default_args=offers)
        self.diffuser = MODELS.build(diffuser, role='Diffuser', default_args=offers)
        self.guidance = MODELS.build(guidance or dict(type='Guidance'), role='Guidance')
        self._weak = None if weak is None else WeakModel({'denoiser': denoiser, **weak}, offers)
        if self.guidance.scale != 1 and not self.has_guide:
            raise ValueError(
                f'guidance of scale {self.guidance.scale:g} moves away from the unconditional or '
                f'a weaker model; set model.conditioner or model.weak=dict(checkpoint=...)'
            )
        self.normalize_latents = normalize_latents
        stats = (1, channels, len(layout.planes))
        self.register_buffer('latent_mean', torch.zeros(stats))
        self.register_buffer('latent_std', torch.ones(stats))

    @property
    def has_guide(self) -> bool:
        """Whether guidance has anything to move away from."""
        return self.conditioner is not None or self._weak is not None

    def init_weights(self) -> None:
        """Load the first stage; mmengine calls this once before training."""
        super().init_weights()
        if self.first_stage_checkpoint is not None:
            path = self.first_stage_checkpoint
            state = load_checkpoint(path)['state_dict']
            load_state_strict(self.first_stage, state, what=f'first stage from {path}')

    def train(self, mode: bool = True) -> 'LatentDiffusion':
        """Set the training mode of all but the first stage, which stays in evaluation mode."""
        super().train(mode)
        self.first_stage.eval()
        return self

    def normalize(self, z: Tensor) -> Tensor:
        """Latents ``(B, C, N)`` of the first stage to those that are diffused."""
        if not self.normalize_latents:
            return z
        layout = self.first_stage.layout
        return (z - layout.per_token(self.latent_mean)) / layout.per_token(self.latent_std)

    def denormalize(self, z: Tensor) -> Tensor:
        """Inverse of :meth:`normalize`."""
        if not self.normalize_latents:
            return z
        layout = self.first_stage.layout
        return z * layout.per_token(self.latent_std) + layout.per_token(self.latent_mean)

    @torch.no_grad()
    def encode(
        self, inputs: Any = None, moments: Tensor | None = None, seed: Tensor | None = None
    ) -> Tensor:
        """A posterior sample ``(B, C, N)``, normalized, from observations or cached moments."""
        if moments is None:
            posterior = self.first_stage.encode(inputs)
        else:
            posterior = DiagonalGaussian(moments.to(self.latent_mean.dtype))
        mean, noise = posterior.mean, None
        if seed is not None:
            noise = seeded_normal(seed, mean.shape[1:], 'posterior', mean.device, mean.dtype)
        return self.normalize(posterior.sample(noise=noise))

    @torch.no_grad()
    def sample(
        self,
        seed: Tensor,
        cond: Any = None,
        noise: Tensor | None = None,
        *,
        negative: Any = None,
        wrap: Callable[[Denoise], Denoise] | None = None,
        sampler: Callable[..., Tensor] | None = None,
    ) -> Tensor:
        """Generated latents of the first stage ``(B, C, N)``, one per seed.

        Args:
            seed: ``(B,)`` integers.
            cond: ``B`` raw conditions. With a conditioner and None, generation is unconditional
                and guided by a weaker model only.
            noise: ``(B, C, N)`` in place of the initial noise of the seeds.
            negative: ``B`` raw conditions that guidance moves away from, in place of none.
            wrap: Changes the denoiser of normalized latents, e.g. to agree with observations.
            sampler: In place of the diffuser's own.
        """
        device = self.latent_mean.device
        if noise is None:
            noise = self.diffuser.initial_noise(self.first_stage.latent_shape, seed, device)
        denoise = self.denoise(len(seed), cond, negative)
        denoise = denoise if wrap is None else wrap(denoise)
        z = self.diffuser.sample(denoise, noise.to(device), seed, sampler=sampler)
        return self.denormalize(z)

    def denoise(self, batch_size: int, cond: Any = None, negative: Any = None) -> Denoise:
        """The guided denoiser ``(z_t (B, C, N), t (B,)) -> x0_hat`` of normalized latents.

        Args:
            batch_size: ``B``.
            cond: ``B`` raw conditions, or None.
            negative: ``B`` raw conditions that guidance moves away from, in place of none.

        Raises:
            ValueError: A negative condition that guidance cannot move away from.
        """
        if negative is not None:
            self._check_negative(cond)
        denoise = partial(self.diffuser.denoise, self.denoiser)
        wanted = embedded(self.conditioner, cond, batch_size)
        if self._weak is not None:
            return self._guided(
                partial(denoise, cond=wanted), self._weak.denoise(self, cond, batch_size)
            )
        if self.conditioner is None or cond is None:
            return partial(denoise, cond=wanted)
        other = self._other(wanted, negative, batch_size)
        return self._guided(
            partial(denoise, cond=wanted),
            partial(denoise, cond=other),
            _in_one_pass(denoise, wanted, other),
        )

    def _check_negative(self, cond: Any) -> None:
        if self.conditioner is None or cond is None:
            raise ValueError('a negative condition needs a conditioner and a positive condition')
        if self._weak is not None:
            raise ValueError(
                'guidance moves away from model.weak, so a negative condition would say nothing; '
                'leave out one of them'
            )
        if self.guidance.scale == 1:
            raise ValueError(
                'guidance of scale 1 follows the condition alone and leaves out a negative '
                'condition; raise the scale (--guidance of the command line, guidance_scale, '
                'model.guidance), such as 3'
            )

    def _other(self, wanted: Cond, negative: Any, batch_size: int) -> Cond:
        """The condition that guidance moves away from."""
        if negative is not None:
            return self.conditioner.embed(negative)
        context = wanted['context']
        return self.conditioner.null(batch_size, 1 if context is None else context.shape[1])

    def _guided(self, wanted: Denoise, other: Denoise, both: Any = None) -> Denoise:
        both = both or (lambda z, t: (wanted(z, t), other(z, t)))
        return self.guidance(self.diffuser.schedule, wanted, other, both)

    def forward(
        self,
        inputs: Any = None,
        query: dict[str, Tensor] | None = None,
        target: Tensor | None = None,
        cond: Any = None,
        seed: Tensor | None = None,
        moments: Tensor | None = None,
        meta: dict[str, Any] | None = None,
        mode: str = 'loss',
    ) -> dict[str, Tensor] | list[dict[str, Any]]:
        """The diffusion loss of a batch, or fields generated from seeds.

        Args:
            inputs: Observations, as the first stage's encoder takes them.
            query: Where generated fields are rendered; None renders nothing.
            target: Unused; a batch of the first stage may be given as it is.
            cond: Raw condition, as the conditioner takes it; without a conditioner, what the
                denoiser takes.
            seed: ``(B,)`` int64; all noise of sample ``i`` depends on ``seed[i]`` alone.
            moments: Cached posterior moments ``(B, 2C, N)`` in place of ``inputs``.
            meta: Read by metrics and hooks only.
            mode: ``'loss'`` or ``'predict'``.

        Returns:
            ``dict(loss_diffusion)``, or one ``dict(seed, field, pred)`` per seed.
        """
        if mode == 'loss':
            z = self.encode(inputs, moments, seed)
            cond = cond if self.conditioner is None else self.conditioner(cond, seed)
            loss = self.diffuser.loss(self.denoiser, z, cond, seed)
            return dict(loss_diffusion=loss.mean())
        field = self.first_stage.decode(self.sample(seed, cond))
        pred = None if query is None else self.first_stage.render(field, query)
        return [
            dict(seed=int(s), field=field[i], pred=None if pred is None else pred[i])
            for i, s in enumerate(seed)
        ]


def _in_one_pass(denoise: Callable[..., Tensor], wanted: Cond, other: Cond) -> Any:
    """``(z_t, t) -> (x0_hat under wanted, x0_hat under other)``, from one batch of twice the size.

    Contexts of different lengths take two passes.
    """
    pairs = {name: (wanted[name], other[name]) for name in wanted}
    if any(a is not None and a.shape != b.shape for a, b in pairs.values()):
        return None
    cond = {name: None if a is None else torch.cat([a, b]) for name, (a, b) in pairs.items()}

    def both(z_t: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        x0 = denoise(torch.cat([z_t, z_t]), torch.cat([t, t]), cond=cond)
        return x0[: len(z_t)], x0[len(z_t) :]

    return both
