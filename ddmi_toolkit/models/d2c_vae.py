"""Stage 1: discrete observations, a latent, a continuous field."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.dist import all_reduce, get_world_size
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from ..registry import MODELS
from ..structures import DiagonalGaussian, seeded_normal
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
        # Updated apart from the rest, so its gradients are averaged apart, see `train_step`.
        DistributedDataParallel._set_params_and_buffers_to_ignore_for_model(
            self, [k for k in self.state_dict() if k.startswith('adversarial.')]
        )

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
        has_two = isinstance(optim_wrapper, OptimWrapperDict)
        if has_two != bool(len(self.adversarial)):
            raise TypeError(
                f'model.adversarial has {list(self.adversarial)}, but optim_wrapper is '
                f'{"two optimizers" if has_two else "one optimizer"}; with adversarial losses set '
                f"optim_wrapper.constructor='AdversarialOptimWrapperConstructor', without them "
                f'do not'
            )
        if not has_two:
            return super().train_step(data, optim_wrapper)
        call, autoencoder = forward or self, optim_wrapper['autoencoder']
        with _fixed(self.adversarial), autoencoder.optim_context(call):
            data = self.data_preprocessor(data, True)
            losses, pred = call(**data, mode='loss_and_pred')
        loss, log = self.parse_losses(losses)
        autoencoder.update_params(loss)
        return {**log, **self._play(pred, data, optim_wrapper['discriminator'])}

    def _play(
        self, pred: Tensor, data: dict[str, Any], optim_wrapper: OptimWrapper
    ) -> dict[str, Tensor]:
        """Update the discriminators of the games that do not rest; values to log."""
        played = {name: game for name, game in self.adversarial.items() if game.weight}
        if not played:
            return {}
        with optim_wrapper.optim_context(self.adversarial):
            losses = {
                f'loss_{name}_discriminator': game.discriminator_loss(
                    pred, data['target'], data['query']
                )
                for name, game in played.items()
            }
        loss, log = self.parse_losses(losses)
        optim_wrapper.backward(optim_wrapper.scale_loss(loss))
        if optim_wrapper.should_update():
            _average_gradients(self.adversarial)
            optim_wrapper.step()
            optim_wrapper.zero_grad()
        log.pop('loss')  # the sum of both sides means nothing
        return log

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


@contextmanager
def _fixed(module: nn.Module) -> Iterator[None]:
    """Keep gradients away from a module's parameters, while they still pass through it."""
    module.requires_grad_(False)
    try:
        yield
    finally:
        module.requires_grad_(True)


@torch.no_grad()
def _average_gradients(module: nn.Module) -> None:
    """Over all processes."""
    if get_world_size() > 1:
        for parameter in module.parameters():
            if parameter.grad is not None:
                all_reduce(parameter.grad, op='mean')
