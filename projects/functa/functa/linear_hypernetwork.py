"""The map from a latent to the shift modulations of all layers."""

from collections.abc import Sequence

from torch import Tensor, nn

from ddmi_toolkit.models.generators import AbstractHypernetwork
from ddmi_toolkit.registry import MODELS
from ddmi_toolkit.structures import PlaneLayout


@MODELS.register_module()
class LinearHypernetwork(AbstractHypernetwork):
    """Numbers of every layer as a linear map of the whole latent, without a bias.

    Functa's latent modulations (Dupont et al. 2022), whose authors found a linear map better than
    deeper ones. The generated network's own biases are shared, so a bias here would be a second.
    Weights start normal with standard deviation ``1 / sqrt(C * N)``.

    Args:
        layout: Planes of the latent.
        in_channels: Latent channels ``C``.
        sizes: ``(count, size)`` of each layer's tokens.
    """

    def __init__(
        self, layout: PlaneLayout, in_channels: int, sizes: Sequence[tuple[int, int]]
    ) -> None:
        super().__init__()
        self.sizes = list(sizes)
        self.counts = [count * size for count, size in self.sizes]
        self.linear = nn.Linear(in_channels * layout.num_tokens(), sum(self.counts), bias=False)
        nn.init.normal_(self.linear.weight, std=self.linear.in_features**-0.5)

    def forward(self, z: Tensor) -> list[Tensor]:
        """Latents ``(B, C, N)`` to ``(B, count, size)`` for each layer."""
        parts = self.linear(z.flatten(1)).split(self.counts, dim=1)
        return [p.unflatten(1, size) for p, size in zip(parts, self.sizes, strict=True)]
