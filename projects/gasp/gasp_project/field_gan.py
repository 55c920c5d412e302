"""A generative adversarial network of fields."""

from collections.abc import Callable
from typing import Any

from mmengine.model import BaseModel
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import Tensor, nn

from ddmi_toolkit.registry import MODELS
from ddmi_toolkit.structures import Field, PlaneLayout, seeded_normal
from ddmi_toolkit.utils import adversarial_step, keep_games_apart, plays


@MODELS.register_module()
class FieldGAN(BaseModel):
    """Fields of normal latents, learned against a discriminator (GASP, Dupont et al. 2022).

    One stage: it generates, and encodes nothing.

    Args:
        layout: Arguments of :class:`PlaneLayout`. Where the latent is one vector, ``latent_stride``
            equals the size of the only plane, so that ``N`` is 1.
        latent_channels: Channels ``C`` of the latent ``(C, N)``, which is standard normal.
        generator: Config of a generator, ``z (B, C, N) -> Field``.
        renderer: Config of a renderer, ``(field, query, layout) -> prediction``.
        adversarial: Name and config of each game; it is given ``layout`` and ``channels``, those of
            a value. The optimizer wrapper is an ``OptimWrapperDict`` of ``autoencoder``, the
            generator here, and ``discriminator``, see ``AdversarialOptimWrapperConstructor``.
        data_preprocessor: Config of mmengine's data preprocessor.

    Raises:
        ValueError: There is no game.
    """

    def __init__(
        self,
        layout: dict[str, Any],
        latent_channels: int,
        generator: dict[str, Any],
        renderer: dict[str, Any],
        adversarial: dict[str, dict[str, Any]],
        data_preprocessor: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(data_preprocessor)
        if not adversarial:
            raise ValueError(
                'FieldGAN learns from its games alone, adversarial names none; give it one, e.g. '
                "adversarial=dict(set=dict(type='SetAdversarialLoss', layers=...))"
            )
        self.layout = PlaneLayout.from_config(layout)
        self.latent_channels = latent_channels
        self.generator = MODELS.build(
            generator,
            role='AbstractGenerator',
            default_args=dict(layout=self.layout, in_channels=latent_channels),
        )
        self.renderer = MODELS.build(renderer, role='AbstractRenderer')
        offers = dict(layout=self.layout, channels=self.generator.out_channels)
        self.adversarial = nn.ModuleDict(
            {
                name: MODELS.build(cfg, role='AbstractAdversarialLoss', default_args=offers)
                for name, cfg in adversarial.items()
            }
        )
        keep_games_apart(self)

    @property
    def latent_shape(self) -> tuple[int, int]:
        """Shape ``(C, N)`` of one latent."""
        return self.latent_channels, self.layout.num_tokens()

    def prior(self, seeds: Tensor, stream: str = 'sample') -> Tensor:
        """Standard normal latents ``(B, C, N)``, row ``i`` a function of ``seeds[i]``."""
        like = next(self.generator.parameters())
        return seeded_normal(seeds, self.latent_shape, stream, like.device, like.dtype)

    def decode(self, z: Tensor) -> Field:
        """Fields of a batch of latents ``(B, C, N)``."""
        return self.generator(z)

    def encode(self, inputs: Any) -> Tensor:
        """There is no encoder.

        Raises:
            TypeError: Always.
        """
        raise TypeError(
            'FieldGAN generates and has no encoder, so that nothing can be reconstructed; use a '
            'config of an autoencoder (configs/d2c_vae)'
        )

    def render(self, field: Field, query: dict[str, Tensor]) -> Tensor:
        """Prediction ``(B, *S, C)`` of what the query observes of a field."""
        return self.renderer(field, query, self.layout)

    def forward(
        self,
        inputs: Any = None,
        query: dict[str, Tensor] | None = None,
        target: Tensor | None = None,
        cond: Any = None,
        seed: Tensor | None = None,
        meta: dict[str, Any] | None = None,
        mode: str = 'loss',
    ) -> Any:
        """Losses of the generator, or fields of seeds.

        Args:
            inputs: Unused; nothing is encoded.
            query: Where fields are observed: in training, in the places of the data.
            target: Observed values ``(B, *S, C)``.
            cond: Unused; generation is unconditional.
            seed: ``(B,)`` int64; the latent of sample ``i`` depends on ``seed[i]`` alone.
            meta: Read by metrics and hooks only.
            mode: ``'loss'``, ``'loss_and_pred'`` or ``'predict'``.

        Returns:
            Loss terms by name, with the prediction ``(B, *S, C)`` behind them if asked for, or one
            ``dict(seed, field, pred)`` per seed.
        """
        field = self.decode(self.prior(seed, 'sample' if mode == 'predict' else 'latent'))
        pred = None if query is None else self.render(field, query)
        if mode == 'predict':
            return [
                dict(seed=int(s), field=field[i], pred=None if pred is None else pred[i])
                for i, s in enumerate(seed)
            ]
        losses = {
            f'loss_{name}': game.generator_loss(pred, target, query)
            for name, game in self.adversarial.items()
            if game.weight
        }
        return losses if mode == 'loss' else (losses, pred)

    def train_step(
        self,
        data: dict[str, Any],
        optim_wrapper: OptimWrapper | OptimWrapperDict,
        forward: Callable[..., Any] | None = None,
    ) -> dict[str, Tensor]:
        """One update of the generator, then one of the discriminators; values to log.

        Args:
            data: A batch.
            optim_wrapper: Those of ``autoencoder`` (the generator) and ``discriminator``.
            forward: This model inside its distributed wrapper.

        Raises:
            TypeError: There is one optimizer only.
        """
        plays(self, optim_wrapper)
        return adversarial_step(self, data, optim_wrapper, forward)
