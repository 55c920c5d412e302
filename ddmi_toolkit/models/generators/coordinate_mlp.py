"""The small networks whose weights are generated: one per sample, over coordinates."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ...layers.embedding import FourierFeatures
from ...registry import MODELS
from ...structures import Coords, PlaneLayout


class AbstractCoordinateMLP(nn.Module, ABC):
    """Evaluates one multilayer perceptron per sample; it has no weights of its own.

    Args:
        layout: Arguments of :class:`PlaneLayout`; only its axes are read.
        num_layers: Linear layers of the perceptron.

    Attributes:
        in_channels: Input channels of the first layer.
    """

    in_channels: int

    def __init__(self, layout: dict[str, Any], num_layers: int) -> None:
        super().__init__()
        self.layout, self.num_layers = PlaneLayout(**layout), num_layers

    @abstractmethod
    def features(self, x: Tensor) -> Tensor:
        """Coordinates ``(B, Q, D)`` in [-1, 1] to the first layer's input, ``in_channels`` wide."""

    @abstractmethod
    def activate(self, h: Tensor) -> Tensor:
        """The nonlinearity after every layer but the last."""

    @abstractmethod
    def weight_bound(self, index: int, fan_in: int) -> float:
        """Weights of layer ``index`` start uniform in plus or minus this."""

    def forward(
        self,
        state: Mapping[str, Tensor],
        coords: Coords,
        scale: Tensor | None = None,
        dirs: Tensor | None = None,
    ) -> Tensor:
        """Values ``(B, *S, C)``; ``state`` has ``layer<i>.weight (B, out, in)`` and ``.bias``."""
        dense = coords.dense()
        axes = enumerate(self.layout.axes)
        x = torch.stack([self.layout.normalize(a, dense[..., i]) for i, a in axes], dim=-1)
        h = self.features(x.flatten(1, -2))  # (B, Q, in_channels)
        for i in range(self.num_layers):
            weight, bias = state[f'layer{i}.weight'], state[f'layer{i}.bias']
            h = torch.baddbmm(bias[:, None], h if i == 0 else self.activate(h), weight.mT)
        return h.unflatten(1, coords.shape)


@MODELS.register_module()
class FourierMLP(AbstractCoordinateMLP):
    """ReLU layers over fixed Fourier features of the coordinates.

    Args:
        layout: See :class:`AbstractCoordinateMLP`.
        num_layers: See :class:`AbstractCoordinateMLP`.
        num_frequencies: Octaves of the Fourier features; the lowest has period 2, the width of the
            box.
    """

    def __init__(self, layout: dict[str, Any], num_layers: int, num_frequencies: int = 6) -> None:
        super().__init__(layout, num_layers)
        self.encoding = FourierFeatures(self.layout.dim, num_frequencies, scale=math.pi)
        self.in_channels = self.encoding.out_channels

    def features(self, x: Tensor) -> Tensor:
        """Sinusoids of ``(B, Q, D)``, ``(B, Q, in_channels)``."""
        return self.encoding(x)

    def activate(self, h: Tensor) -> Tensor:
        """Rectify."""
        return h.relu()

    def weight_bound(self, index: int, fan_in: int) -> float:
        """``sqrt(6 / fan_in)``, of the last layer ``sqrt(3 / fan_in)`` (He et al. 2015)."""
        return math.sqrt((3 if index == self.num_layers - 1 else 6) / fan_in)


@MODELS.register_module()
class Siren(AbstractCoordinateMLP):
    """Sine layers over the coordinates themselves (Sitzmann et al. 2020, SIREN).

    Args:
        layout: See :class:`AbstractCoordinateMLP`.
        num_layers: See :class:`AbstractCoordinateMLP`.
        frequency: Factor ``w_0`` of every sine's argument.
    """

    def __init__(self, layout: dict[str, Any], num_layers: int, frequency: float = 30.0) -> None:
        super().__init__(layout, num_layers)
        self.in_channels, self.frequency = self.layout.dim, frequency

    def features(self, x: Tensor) -> Tensor:
        """The coordinates as they are."""
        return x

    def activate(self, h: Tensor) -> Tensor:
        """``sin(w_0 h)``."""
        return torch.sin(self.frequency * h)

    def weight_bound(self, index: int, fan_in: int) -> float:
        """``1 / fan_in`` of the first layer, ``sqrt(6 / fan_in) / w_0`` of others."""
        return 1 / fan_in if index == 0 else math.sqrt(6 / fan_in) / self.frequency


@MODELS.register_module()
class RandomFourierMLP(AbstractCoordinateMLP):
    """Leaky ReLU layers over random Fourier features of the coordinates (Tancik et al. 2020).

    The features ``[cos(2 pi B x) | sin(2 pi B x)]`` have frequencies ``B`` drawn from a normal
    distribution when the network is built; they are never trained and are saved with it. The
    defaults are those of GASP's images (Dupont et al. 2022).

    Args:
        layout: See :class:`AbstractCoordinateMLP`.
        num_layers: See :class:`AbstractCoordinateMLP`.
        num_frequencies: Rows of ``B``; 0 takes the coordinates as they are.
        frequency_std: Standard deviation of frequencies, in periods per half the box.
        slope: Of the leaky ReLU.
        is_bounded: Whether values pass a tanh, as pictures do; logits must not.

    Raises:
        ValueError: A negative number of frequencies, or a deviation that is not positive.
    """

    def __init__(
        self,
        layout: dict[str, Any],
        num_layers: int,
        num_frequencies: int = 128,
        frequency_std: float = 2.0,
        slope: float = 0.1,
        is_bounded: bool = False,
    ) -> None:
        super().__init__(layout, num_layers)
        if num_frequencies < 0 or not frequency_std > 0:
            raise ValueError(
                f'num_frequencies={num_frequencies} must not be negative, '
                f'frequency_std={frequency_std} must be positive'
            )
        self.slope, self.is_bounded = slope, is_bounded
        self.in_channels = 2 * num_frequencies or self.layout.dim
        frequencies = frequency_std * torch.randn(num_frequencies, self.layout.dim)
        self.register_buffer('frequencies', frequencies)

    def features(self, x: Tensor) -> Tensor:
        """Sinusoids of ``(B, Q, D)``, ``(B, Q, in_channels)``, or the coordinates themselves."""
        if not len(self.frequencies):
            return x
        angles = 2 * math.pi * x @ self.frequencies.T
        return torch.cat([angles.cos(), angles.sin()], dim=-1)

    def activate(self, h: Tensor) -> Tensor:
        """Rectify, but for a slope."""
        return nn.functional.leaky_relu(h, self.slope)

    def weight_bound(self, index: int, fan_in: int) -> float:
        """``sqrt(6 / (1 + slope^2) / fan_in)``, of the last layer ``sqrt(3 / fan_in)``."""
        if index == self.num_layers - 1:
            return math.sqrt(3 / fan_in)
        return math.sqrt(6 / (1 + self.slope**2) / fan_in)

    def forward(
        self,
        state: Mapping[str, Tensor],
        coords: Coords,
        scale: Tensor | None = None,
        dirs: Tensor | None = None,
    ) -> Tensor:
        """Values ``(B, *S, C)``; see :class:`AbstractCoordinateMLP`."""
        values = super().forward(state, coords, scale, dirs)
        return values.tanh() if self.is_bounded else values
