"""Losses of a game against a discriminator."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from ...layers.patch_discriminator import PatchDiscriminator
from ...registry import MODELS
from .base import AbstractAdversarialLoss
from .reconstruction import check_shapes


@MODELS.register_module()
class PatchAdversarialLoss(AbstractAdversarialLoss):
    """Hinge loss on patches with feature matching, as published for images and clips.

    The autoencoder raises the scores of its predictions and matches the discriminator's features
    of the targets: ``-mean(D(pred)) + feature_weight * sum_l mean|f_l(pred) - f_l(target)|``. The
    discriminator lowers ``(mean relu(1 - D(target)) + mean relu(1 + D(pred))) / 2`` (Lim and Ye
    2017). Unlike the published code, each is updated in every step.

    Args:
        dim: Axes of the predictions: 2 for images, 3 for clips.
        channels: Channels of a value.
        weight: Factor of the autoencoder's terms, a plain number that ``LossWeightHook`` may move.
            At 0 the game rests: neither side computes anything.
        feature_weight: Factor of feature matching beside the hinge term.
        is_scale_aware: Whether the discriminator is shown ``query['scale']`` as one more channel
            (published for images).
        base_channels: See :class:`~ddmi_toolkit.layers.patch_discriminator.PatchDiscriminator`,
            as are ``num_layers`` and ``norm``.
        num_layers: Convolutions of stride 2.
        norm: ``'group'``, ``'batch'`` (published) or ``'none'``.
    """

    def __init__(
        self,
        dim: int = 2,
        channels: int = 3,
        weight: float = 1.0,
        feature_weight: float = 1.0,
        is_scale_aware: bool = False,
        base_channels: int = 64,
        num_layers: int = 3,
        norm: str = 'group',
    ) -> None:
        super().__init__()
        self.dim, self.weight, self.feature_weight = dim, weight, feature_weight
        self.is_scale_aware = is_scale_aware
        self.discriminator = PatchDiscriminator(
            dim, channels + int(is_scale_aware), base_channels, num_layers, norm
        )

    def generator_loss(self, pred: Tensor, target: Tensor, query: Mapping[str, Tensor]) -> Tensor:
        """What the autoencoder minimizes; the targets' features are constants.

        Raises:
            ValueError: Shapes differ, are not of ``dim`` axes, or a scale is missing.
        """
        fake, fake_features = self.discriminator(self._seen(pred, target, query))
        with torch.no_grad():
            _, features = self.discriminator(self._seen(target, target, query))
        pairs = zip(fake_features, features, strict=True)
        matching = sum(F.l1_loss(f, r.detach()) for f, r in pairs)
        return self.weight * (self.feature_weight * matching - fake.mean())

    def discriminator_loss(
        self, pred: Tensor, target: Tensor, query: Mapping[str, Tensor]
    ) -> Tensor:
        """What the discriminator minimizes, whatever the weight is."""
        fake, _ = self.discriminator(self._seen(pred.detach(), target, query))
        real, _ = self.discriminator(self._seen(target, target, query))
        return (F.relu(1 - real).mean() + F.relu(1 + fake).mean()) / 2

    def _seen(self, values: Tensor, target: Tensor, query: Mapping[str, Tensor]) -> Tensor:
        """Values ``(B, *S, C)`` as the discriminator sees them, ``(B, C[+ 1], *S)``."""
        check_shapes(values, target)
        if values.ndim != self.dim + 2:
            raise ValueError(
                f'PatchAdversarialLoss of dim={self.dim} got values of shape '
                f'{tuple(values.shape)}; it judges patches of a grid of {self.dim} axes: let the '
                f'data set query one, or set dim'
            )
        x = values.movedim(-1, 1)
        if not self.is_scale_aware:
            return x
        if 'scale' not in query:
            raise ValueError(
                f"is_scale_aware needs query['scale'], the query has {list(query)}; let the data "
                f'set give it (MultiScaleCrop does), or set is_scale_aware=False'
            )
        scale = query['scale'].to(x).view(-1, *[1] * (x.ndim - 1))
        return torch.cat([x, scale.expand(-1, 1, *x.shape[2:])], dim=1)
