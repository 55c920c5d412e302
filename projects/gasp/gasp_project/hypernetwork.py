"""The hypernetwork of GASP."""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from ddmi_toolkit.models.generators import AbstractHypernetwork
from ddmi_toolkit.registry import MODELS
from ddmi_toolkit.structures import PlaneLayout


@MODELS.register_module()
class PlainHypernetwork(AbstractHypernetwork):
    """A multilayer perceptron from the whole latent to all numbers, without norms or residuals.

    Args:
        layout: Planes of the latent.
        in_channels: Latent channels ``C``.
        sizes: ``(count, size)`` of each layer's tokens.
        widths: Of the hidden layers (published: 256 and 512).
        slope: Of the leaky ReLUs.
        initial_std: Of generated numbers at the start. Fields of different latents differ from the
            first iteration on, as published: a discriminator would have nothing to say to equal
            ones but to move all of them.
    """

    def __init__(
        self,
        layout: PlaneLayout,
        in_channels: int,
        sizes: Sequence[tuple[int, int]],
        widths: Sequence[int] = (256, 512),
        slope: float = 0.1,
        initial_std: float = 0.5,
    ) -> None:
        super().__init__()
        self.sizes = list(sizes)
        self.hidden = nn.Sequential()
        channels = [in_channels * layout.num_tokens(), *widths]
        gain = nn.init.calculate_gain('leaky_relu', slope)
        for i, (before, after) in enumerate(pairwise(channels)):
            layer = nn.Linear(before, after)
            nn.init.normal_(layer.weight, std=(1.0 if i == 0 else gain) * before**-0.5)
            nn.init.zeros_(layer.bias)
            self.hidden.extend([layer, nn.LeakyReLU(slope)])
        self.out = nn.Linear(channels[-1], sum(n * size for n, size in sizes))
        nn.init.normal_(self.out.weight, std=initial_std * gain * channels[-1] ** -0.5)
        nn.init.zeros_(self.out.bias)

    def forward(self, z: Tensor) -> list[Tensor]:
        """Latents ``(B, C, N)`` to ``(B, count, size)`` for each layer."""
        numbers = self.out(self.hidden(z.flatten(1)))
        parts = numbers.split([n * size for n, size in self.sizes], dim=-1)
        return [part.unflatten(1, size) for part, size in zip(parts, self.sizes, strict=True)]
