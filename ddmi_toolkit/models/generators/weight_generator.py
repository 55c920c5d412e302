"""Generation of network weights: the baselines that DDMI is compared with."""

import math
from itertools import pairwise
from typing import Any

from torch import Tensor, nn

from ...registry import MODELS
from ...structures import Field, PlaneLayout
from .base import AbstractGenerator
from .coordinate_mlp import AbstractCoordinateMLP
from .hypernetwork import AbstractHypernetwork
from .plain import plain
from .weight_modulation import AbstractWeightModulation


@MODELS.register_module()
class WeightGenerator(AbstractGenerator):
    """Latent to the weights of a small network over fixed coordinates or features of them.

    A hypernetwork generates numbers from the latent, and a modulation says how they change shared
    weights. The published code has no weight generation; these baselines are ours.

    Like HyperNetworks (Ha et al. 2017): the defaults. Like INR-GAN: ``FactorizedWeights``. Like
    Functa, but with an encoder in place of meta-learning: ``ShiftedBiases`` of a ``Siren``. Like
    LDMI: ``GroupedWeights`` of a ``Siren`` by a ``TransformerHypernetwork``.

    Args:
        layout: Planes of the latent and axes of the signal.
        in_channels: Latent channels ``C``.
        out_channels: Channels of a value.
        width: Width of the generated network.
        num_layers: Linear layers of the generated network, at least 2.
        network: Config of the generated network (default: ``dict(type='FourierMLP')``).
        modulation: Config of how generated numbers change the shared weights (default:
            ``dict(type='FullWeights')``).
        hypernetwork: Config of what generates them (default: ``dict(type='MLPHypernetwork')``).

    Raises:
        ValueError: Fewer than two layers.
    """

    def __init__(
        self,
        layout: PlaneLayout,
        in_channels: int,
        out_channels: int,
        width: int = 64,
        num_layers: int = 4,
        network: dict[str, Any] | None = None,
        modulation: dict[str, Any] | None = None,
        hypernetwork: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        if num_layers < 2:
            raise ValueError(f'num_layers must be at least 2, got {num_layers}')
        self.layout, self.out_channels = layout, out_channels
        network = plain(network or dict(type='FourierMLP'))
        self.spec = dict(network, layout=layout.config, num_layers=num_layers)
        self.evaluator = MODELS.build(self.spec, role=AbstractCoordinateMLP)
        sizes = [self.evaluator.in_channels, *[width] * (num_layers - 1), out_channels]
        self.base = nn.ModuleList(nn.Linear(i, o) for i, o in pairwise(sizes))
        self.modulation = MODELS.build(
            modulation or dict(type='FullWeights'), role=AbstractWeightModulation
        )
        self.num_changed = num_layers if self.modulation.changes_last else num_layers - 1
        self.hypernetwork = MODELS.build(
            hypernetwork or dict(type='MLPHypernetwork'),
            role=AbstractHypernetwork,
            default_args=dict(
                layout=layout,
                in_channels=in_channels,
                sizes=[
                    self.modulation.tokens(layer.out_features, layer.in_features)
                    for layer in self.base[: self.num_changed]
                ],
            ),
        )
        self.units = []
        for i, layer in enumerate(self.base):
            bound = self.evaluator.weight_bound(i, layer.in_features)
            nn.init.uniform_(layer.weight, -bound, bound)
            self.units.append(bound / math.sqrt(3))

    def forward(self, z: Tensor) -> Field:
        """Latents ``(B, C, N)`` to a batch of fields."""
        state = {}
        numbers = self.hypernetwork(z)
        for i, layer in enumerate(self.base):
            weight = layer.weight.expand(len(z), -1, -1)
            bias = layer.bias.expand(len(z), -1)
            if i < self.num_changed:
                weight, bias = self.modulation(layer, numbers[i], self.units[i])
            state |= {f'layer{i}.weight': weight, f'layer{i}.bias': bias}
        return Field(self.evaluator, state, self.layout, self.out_channels, self.spec)
