"""What a first stage is: the part that stage 2, the cache, metrics and tools work with."""

from abc import ABC, abstractmethod
from typing import Any

from mmengine.model import BaseModel
from torch import Tensor, nn

from ..registry import MODELS
from ..structures import DiagonalGaussian, Field, PlaneLayout, seeded_normal


class AbstractFirstStage(BaseModel, ABC):
    """Observations to a latent ``(C, N)``, and latents to continuous fields.

    How observations become latents is up to the class: an encoder (:class:`D2CVAE`), gradient
    steps, a search. Stage 2 diffuses whatever latents there are.

    Args:
        layout: Arguments of :class:`PlaneLayout`: axes of the fields, planes of the latent. A
            latent that is one vector has one plane and ``latent_stride`` equal to its size.
        latent_channels: Channels ``C`` of the latent.
        data_preprocessor: Config of mmengine's data preprocessor.
    """

    generator: nn.Module
    renderer: nn.Module
    losses: nn.ModuleDict

    def __init__(
        self,
        layout: dict[str, Any],
        latent_channels: int,
        data_preprocessor: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(data_preprocessor)
        self.layout = PlaneLayout.from_config(layout)
        self.latent_channels = latent_channels

    def build_decoder(
        self,
        generator: dict[str, Any],
        renderer: dict[str, Any],
        losses: dict[str, dict[str, Any]],
    ) -> None:
        """Build what every first stage has, after what a class has before it.

        Args:
            generator: Config of a generator, ``z (B, C, N) -> Field``.
            renderer: Config of a renderer, ``(field, query, layout) -> prediction``.
            losses: Name and config of each loss ``(pred, target, query) -> scalar``.
        """
        offers = dict(layout=self.layout, in_channels=self.latent_channels)
        self.generator = MODELS.build(generator, role='AbstractGenerator', default_args=offers)
        self.renderer = MODELS.build(renderer, role='AbstractRenderer')
        self.losses = nn.ModuleDict(
            {name: MODELS.build(cfg, role='AbstractLoss') for name, cfg in losses.items()}
        )

    @property
    def latent_shape(self) -> tuple[int, int]:
        """Shape ``(C, N)`` of one latent."""
        return self.latent_channels, self.layout.num_tokens()

    @abstractmethod
    def encode(self, inputs: Any) -> DiagonalGaussian:
        """Distribution over the latents of observations, ``moments (B, 2C, N)``."""

    def decode(self, z: Tensor) -> Field:
        """Continuous fields of a batch of latents ``(B, C, N)``."""
        return self.generator(z)

    def render(self, field: Field, query: dict[str, Tensor]) -> Tensor:
        """Prediction ``(B, *S, C)`` of what the query observes of a field."""
        return self.renderer(field, query, self.layout)

    def prior(self, seeds: Tensor) -> Tensor:
        """Latents ``(B, C, N)`` without stage 2, row ``i`` a function of ``seeds[i]``: N(0, I)."""
        return seeded_normal(seeds, self.latent_shape, 'sample')

    def compare(
        self, pred: Tensor, target: Tensor | None, query: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """The losses of a prediction ``(B, *S, C)`` by name, ``loss_<name>``."""
        return {f'loss_{name}': loss(pred, target, query) for name, loss in self.losses.items()}

    def predictions(
        self, field: Field, query: dict[str, Tensor], target: Tensor | None = None
    ) -> list[dict[str, Any]]:
        """One ``dict(pred, target, field)`` per sample, as metrics of stage 1 read them."""
        pred = self.render(field, query)
        targets = [None] * len(pred) if target is None else target
        return [
            dict(pred=p, target=t, field=field[i])
            for i, (p, t) in enumerate(zip(pred, targets, strict=True))
        ]
