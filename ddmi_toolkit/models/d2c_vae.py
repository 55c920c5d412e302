"""Stage 1: discrete observations, a latent, a continuous field."""

from collections.abc import Callable
from typing import Any

from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import Tensor, nn

from ..registry import MODELS
from ..structures import DiagonalGaussian, seeded_normal
from ..utils import adversarial_step, keep_games_apart, plays
from .first_stage import AbstractFirstStage


@MODELS.register_module()
class D2CVAE(AbstractFirstStage):
    """Discrete-to-continuous space variational autoencoder (DDMI section 3.1).

    One path for every domain: inputs, posterior, z, field, rendered prediction.

    Args:
        layout: Arguments of :class:`PlaneLayout`.
        latent_channels: Channels ``C`` of the latent.
        encoder: Config of an encoder, ``inputs -> moments (B, 2C, N)``.
        generator: Config of a generator, ``z (B, C, N) -> Field``.
        renderer: Config of a renderer, ``(field, query, layout) -> prediction``.
        losses: Name and config of each loss ``(pred, target, query) -> scalar``.
        kl_weight: Weight of the KL divergence (lambda_z in DDMI Eq. 9); ``LossWeightHook`` moves
            it. The divergence is summed over the latent and averaged over the batch, in nats. None
            makes it an autoencoder without a prior, which decodes posterior means: to fit data,
            not to generate.
        regularizer: Config of a regularizer of the encoder's and decoder's weights.
        adversarial: Name and config of each game against a discriminator. The optimizer wrapper
            is then an ``OptimWrapperDict`` of ``autoencoder`` and ``discriminator``, see
            ``AdversarialOptimWrapperConstructor``.
        data_preprocessor: Config of mmengine's data preprocessor.
    """

    def __init__(
        self,
        layout: dict[str, Any],
        latent_channels: int,
        encoder: dict[str, Any],
        generator: dict[str, Any],
        renderer: dict[str, Any],
        losses: dict[str, dict[str, Any]],
        kl_weight: float | None = 1e-4,
        regularizer: dict[str, Any] | None = None,
        adversarial: dict[str, dict[str, Any]] | None = None,
        data_preprocessor: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(layout, latent_channels, data_preprocessor)
        self.kl_weight = kl_weight
        self.encoder = MODELS.build(
            encoder,
            role='AbstractEncoder',
            default_args=dict(layout=self.layout, out_channels=latent_channels),
        )
        self.build_decoder(generator, renderer, losses)
        self.regularizer = None
        if regularizer is not None:
            self.regularizer = MODELS.build(regularizer, role='AbstractRegularizer')
            self.regularizer.attach([self.encoder, self.generator])
        self.adversarial = nn.ModuleDict(
            {
                name: MODELS.build(cfg, role='AbstractAdversarialLoss')
                for name, cfg in (adversarial or {}).items()
            }
        )
        keep_games_apart(self)

    def encode(self, inputs: Any) -> DiagonalGaussian:
        """Posterior over the latent given discrete observations."""
        return DiagonalGaussian(self.encoder(inputs))

    def forward(
        self,
        inputs: Any,
        query: dict[str, Tensor],
        target: Tensor | None = None,
        cond: Any = None,
        seed: Tensor | None = None,
        meta: dict[str, Any] | None = None,
        mode: str = 'loss',
    ) -> dict[str, Tensor] | list[dict[str, Any]]:
        """Losses of a batch, or what the field of the posterior mean predicts.

        Args:
            inputs: Observations, as the encoder takes them.
            query: Where to evaluate, as the renderer takes it.
            target: Observed values ``(B, *S, C)``.
            cond: Unused here; conditions belong to the latent diffusion.
            seed: ``(B,)`` int64; the posterior noise of sample ``i`` depends on ``seed[i]`` alone.
            meta: Read by metrics and hooks only.
            mode: ``'loss'``, ``'loss_and_pred'`` or ``'predict'``.

        Returns:
            Loss terms by name, with the prediction ``(B, *S, C)`` behind them if asked for, or one
            ``dict(pred, target, field)`` per sample.
        """
        posterior = self.encode(inputs)
        if mode in ('loss', 'loss_and_pred'):
            pred = self.render(self.decode(self._sample(posterior, seed)), query)
            losses = self._losses(pred, target, query, posterior)
            return losses if mode == 'loss' else (losses, pred)
        return self.predictions(self.decode(posterior.mean), query, target)

    def _sample(self, posterior: DiagonalGaussian, seed: Tensor | None) -> Tensor:
        """What is decoded in training, ``(B, C, N)``."""
        mean, noise = posterior.mean, None
        if self.kl_weight is None:
            return mean
        if seed is not None:
            noise = seeded_normal(seed, mean.shape[1:], 'posterior', mean.device, mean.dtype)
        return posterior.sample(noise=noise)

    def train_step(
        self,
        data: dict[str, Any],
        optim_wrapper: OptimWrapper | OptimWrapperDict,
        forward: Callable[..., Any] | None = None,
    ) -> dict[str, Tensor]:
        """One update of the autoencoder, then one of the discriminators where games are played.

        Args:
            data: A batch.
            optim_wrapper: One optimizer, or those of ``autoencoder`` and ``discriminator``.
            forward: This model inside its distributed wrapper.

        Returns:
            Values to log.

        Raises:
            TypeError: The optimizers do not fit the model.
        """
        if plays(self, optim_wrapper):
            return adversarial_step(self, data, optim_wrapper, forward)
        return super().train_step(data, optim_wrapper)

    def _losses(
        self,
        pred: Tensor,
        target: Tensor | None,
        query: dict[str, Tensor],
        posterior: DiagonalGaussian,
    ) -> dict[str, Tensor]:
        losses = self.compare(pred, target, query)
        kl = posterior.kl().mean()
        if self.kl_weight is not None:
            losses['loss_kl'] = self.kl_weight * kl
        losses['kl_nats'] = kl.detach()
        if self.regularizer is not None:
            losses['loss_regularizer'] = self.regularizer([self.encoder, self.generator])
        for name, game in self.adversarial.items():
            if game.weight:
                losses[f'loss_{name}'] = game.generator_loss(pred, target, query)
        return losses
