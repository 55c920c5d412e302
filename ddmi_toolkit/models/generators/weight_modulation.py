"""How generated numbers change the shared weights of a network's layer."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from ...registry import MODELS


class AbstractWeightModulation(ABC):
    """Numbers that a hypernetwork generates, and shared weights, to one sample's weights.

    Numbers come in tokens, since some hypernetworks make them so: ``count`` tokens of ``size``
    numbers for each layer. They are of order one; what is added to weights or biases is brought to
    the scale at which those start.

    Attributes:
        changes_last: Whether the last layer is changed, too.
    """

    changes_last = True

    @abstractmethod
    def tokens(self, out_channels: int, in_channels: int) -> tuple[int, int]:
        """``(count, size)`` of the numbers that change a layer."""

    @abstractmethod
    def __call__(self, base: nn.Linear, numbers: Tensor, unit: float) -> tuple[Tensor, Tensor]:
        """Weights ``(B, out, in)`` and biases ``(B, out)``.

        Args:
            base: Shared weights of the layer.
            numbers: ``(B, count, size)``.
            unit: Standard deviation of the shared weights when training starts.
        """


@MODELS.register_module()
class FullWeights(AbstractWeightModulation):
    """Every weight and bias is generated, as a deviation from the shared one (Ha et al. 2017).

    One token for each output channel.
    """

    def tokens(self, out_channels: int, in_channels: int) -> tuple[int, int]:
        """One row of the weights and its bias per token."""
        return out_channels, in_channels + 1

    def __call__(self, base: nn.Linear, numbers: Tensor, unit: float) -> tuple[Tensor, Tensor]:
        """``base`` plus numbers; see :class:`AbstractWeightModulation`."""
        weight, bias = numbers.split([base.in_features, 1], dim=-1)
        return base.weight + unit * weight, _shifted(base, bias[..., 0])


@MODELS.register_module()
class FactorizedWeights(AbstractWeightModulation):
    """Shared weights times the sigmoid of a generated matrix of low rank.

    Factorized multiplicative modulation (INR-GAN, Skorokhodov et al. 2021):
    ``2 * W * sigmoid(A B)`` element by element, doubled since the sigmoid starts at one half. There
    biases are generated alone; here they are added to shared ones.

    Args:
        rank: Columns of ``A``, rows of ``B``.

    Raises:
        ValueError: ``rank`` is not positive.
    """

    def __init__(self, rank: int = 10) -> None:
        if rank < 1:
            raise ValueError(f'rank must be at least 1, got {rank}')
        self.rank = rank

    def tokens(self, out_channels: int, in_channels: int) -> tuple[int, int]:
        """``A``, ``B`` and the biases in one token."""
        return 1, self.rank * (out_channels + in_channels) + out_channels

    def __call__(self, base: nn.Linear, numbers: Tensor, unit: float) -> tuple[Tensor, Tensor]:
        """``2 * base * sigmoid(A B)``; see :class:`AbstractWeightModulation`."""
        out, width = base.weight.shape
        a, b, bias = numbers[:, 0].split([self.rank * out, self.rank * width, out], dim=-1)
        gate = torch.sigmoid(a.unflatten(1, (out, self.rank)) @ b.unflatten(1, (self.rank, width)))
        return 2 * base.weight * gate, _shifted(base, bias)


@MODELS.register_module()
class ShiftedBiases(AbstractWeightModulation):
    """Only biases are generated; weights and the last layer are shared.

    Shift modulations, as Functa has them (Dupont et al. 2022).
    """

    changes_last = False

    def tokens(self, out_channels: int, in_channels: int) -> tuple[int, int]:
        """All shifts in one token."""
        return 1, out_channels

    def __call__(self, base: nn.Linear, numbers: Tensor, unit: float) -> tuple[Tensor, Tensor]:
        """Biases of ``base`` plus numbers; see :class:`AbstractWeightModulation`."""
        return base.weight.expand(len(numbers), -1, -1), _shifted(base, numbers[:, 0])


@MODELS.register_module()
class GroupedWeights(AbstractWeightModulation):
    """Shared weights scaled by generated factors that groups of output channels have in common.

    The groups are those of Trans-INR (Chen and Wang 2022), the scale is that of LDMI (Peis et al.
    2025): channel ``i`` is scaled by ``1 + numbers`` of token ``i mod groups``, one factor for each
    of its weights. Here its bias has a factor, too.

    Args:
        num_groups: Groups of a layer, or its output channels if those are fewer.

    Raises:
        ValueError: ``num_groups`` is not positive, or does not divide a layer's output channels.
    """

    def __init__(self, num_groups: int = 16) -> None:
        if num_groups < 1:
            raise ValueError(f'num_groups must be at least 1, got {num_groups}')
        self.num_groups = num_groups

    def tokens(self, out_channels: int, in_channels: int) -> tuple[int, int]:
        """Factors of one row of the weights and of its bias per token."""
        groups = min(self.num_groups, out_channels)
        if out_channels % groups:
            raise ValueError(
                f'num_groups={groups} does not divide the {out_channels} output channels of a '
                f'layer; choose a width that it divides'
            )
        return groups, in_channels + 1

    def __call__(self, base: nn.Linear, numbers: Tensor, unit: float) -> tuple[Tensor, Tensor]:
        """``base * (1 + numbers)``; see :class:`AbstractWeightModulation`."""
        factors = 1 + numbers.repeat(1, base.out_features // numbers.shape[1], 1)
        weight, bias = factors.split([base.in_features, 1], dim=-1)
        return base.weight * weight, base.bias * bias[..., 0]


def _shifted(base: nn.Linear, numbers: Tensor) -> Tensor:
    """Shared biases plus numbers in units of the deviation that biases start with."""
    return base.bias + numbers * (3 * base.in_features) ** -0.5
