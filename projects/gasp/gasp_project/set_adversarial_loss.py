"""The game of GASP: is a set of coordinates and values real?"""

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ddmi_toolkit.models.losses import AbstractAdversarialLoss
from ddmi_toolkit.registry import MODELS
from ddmi_toolkit.structures import PlaneLayout, as_coords

from .set_discriminator import SetDiscriminator


@MODELS.register_module()
class SetAdversarialLoss(AbstractAdversarialLoss):
    """Non-saturating losses and R1 on sets (GASP, Dupont et al. 2022).

    With ``D`` the probability of being real, the generator lowers ``-log D(fake)`` (Goodfellow et
    al. 2014), the discriminator ``-log D(real) - log(1 - D(fake))`` plus ``r1_weight / 2`` times
    the squared gradient of ``D(real)`` (Mescheder et al. 2018). The gradient is that of the
    probability with respect to the values of the set, as in the published code.

    Args:
        layout: Axes of the coordinates.
        channels: Channels ``C`` of a value.
        layers: See :class:`SetDiscriminator`, as are ``weight_channels`` and ``norm``.
        weight_channels: Of the networks that make weights of convolutions.
        norm: Of the features.
        r1_weight: Factor of the penalty.
        is_binary: Whether targets are occupancies in {0, 1} and predictions their logits. Both
            are then shown as ``2 p - 1``, where GASP has the tanh of its network.
        weight: Factor of the generator's loss; at 0 the game rests.
    """

    def __init__(
        self,
        layout: PlaneLayout,
        channels: int,
        layers: Sequence[Mapping[str, int]],
        weight_channels: Sequence[int] = (16, 16, 16, 16),
        norm: str = 'batch',
        r1_weight: float = 10.0,
        is_binary: bool = False,
        weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.layout = layout
        self.r1_weight, self.is_binary, self.weight = r1_weight, is_binary, weight
        self.discriminator = SetDiscriminator(layout.dim, channels, layers, weight_channels, norm)

    def generator_loss(self, pred: Tensor, target: Tensor, query: Mapping[str, Tensor]) -> Tensor:
        """What the generator minimizes; ``target`` is not looked at.

        Raises:
            ValueError: The query holds no coordinates.
        """
        fake = self.discriminator(self._coords(query), self._fake(pred))
        return self.weight * F.softplus(-fake).mean()

    def discriminator_loss(
        self, pred: Tensor, target: Tensor, query: Mapping[str, Tensor]
    ) -> Tensor:
        """What the discriminator minimizes."""
        coords, values = self._coords(query), self._real(target).detach().requires_grad_()
        real = self.discriminator(coords, values)
        fake = self.discriminator(coords, self._fake(pred.detach()))
        loss = F.softplus(-real).mean() + F.softplus(fake).mean()
        if not self.r1_weight:
            return loss
        (grad,) = torch.autograd.grad(real.sigmoid().sum(), values, create_graph=True)
        return loss + self.r1_weight / 2 * grad.square().sum((1, 2)).mean()

    def _coords(self, query: Mapping[str, Tensor]) -> Tensor:
        """Coordinates in [-1, 1], ``(B, P, D)``."""
        dense = as_coords(query, self.layout).dense()
        axes = enumerate(self.layout.axes)
        x = torch.stack([self.layout.normalize(a, dense[..., i]) for i, a in axes], dim=-1)
        return x.flatten(1, -2)

    def _fake(self, pred: Tensor) -> Tensor:
        """Predictions ``(B, *S, C)`` as they are shown, ``(B, P, C)``."""
        values = pred.flatten(1, -2)
        return (values / 2).tanh() if self.is_binary else values

    def _real(self, target: Tensor) -> Tensor:
        values = target.flatten(1, -2)
        return 2 * values - 1 if self.is_binary else values
