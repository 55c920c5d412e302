"""Networks that generate the numbers which change another network's weights."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from einops import rearrange
from torch import Tensor, nn

from ...layers.plane_patches import PlanePatches
from ...layers.sequence import FeedForward
from ...registry import MODELS
from ...structures import PlaneLayout

INITIAL_STD = 0.1  # of generated numbers: fields of different latents start alike, not equal


class AbstractHypernetwork(nn.Module, ABC):
    """Latents to numbers for every layer of another network.

    ``__init__`` may name ``layout``, ``in_channels`` (latent channels ``C``) and ``sizes``, the
    ``(count, size)`` of each layer's tokens: the generator offers them.
    """

    @abstractmethod
    def forward(self, z: Tensor) -> list[Tensor]:
        """Latents ``(B, C, N)`` to ``(B, count, size)`` for each layer."""


@MODELS.register_module()
class MLPHypernetwork(AbstractHypernetwork):
    """The whole latent as one vector, residual layers, and a linear map to all numbers.

    What hypernetworks of vectors are (HyperNetworks, GASP, INR-GAN); the first layer takes all
    ``C * N`` numbers of the latent.

    Args:
        layout: Planes of the latent.
        in_channels: Latent channels ``C``.
        sizes: ``(count, size)`` of each layer's tokens.
        hidden_channels: Width of the hypernetwork.
        num_layers: Residual layers.
    """

    def __init__(
        self,
        layout: PlaneLayout,
        in_channels: int,
        sizes: Sequence[tuple[int, int]],
        hidden_channels: int = 128,
        num_layers: int = 2,
    ) -> None:
        super().__init__()
        self.sizes = list(sizes)
        self.stem = nn.Linear(in_channels * layout.num_tokens(), hidden_channels)
        self.layers = nn.Sequential(
            *(FeedForward(hidden_channels, 2 * hidden_channels) for _ in range(num_layers)),
            nn.LayerNorm(hidden_channels),
        )
        self.heads = nn.ModuleList(_head(hidden_channels, n * size) for n, size in sizes)

    def forward(self, z: Tensor) -> list[Tensor]:
        """Latents ``(B, C, N)`` to ``(B, count, size)`` for each layer."""
        h = self.layers(self.stem(z.flatten(1)))
        return [
            head(h).unflatten(1, size) for head, size in zip(self.heads, self.sizes, strict=True)
        ]


@MODELS.register_module()
class TransformerHypernetwork(AbstractHypernetwork):
    """A transformer whose output tokens are the numbers (LDMI, Peis et al. 2025).

    Patches of the latent planes pass transformer blocks; learned tokens, one for each token of
    numbers, attend to each other and to the patches. A linear map per layer of the generated
    network turns them into numbers.

    Args:
        layout: Planes of the latent.
        in_channels: Latent channels ``C``.
        sizes: ``(count, size)`` of each layer's tokens.
        hidden_channels: Width of the transformer.
        num_layers: Blocks that encode the latent, and as many that decode it.
        num_heads: Attention heads.
        patch_size: Nodes along a side of a patch, see :class:`PlanePatches`.
    """

    def __init__(
        self,
        layout: PlaneLayout,
        in_channels: int,
        sizes: Sequence[tuple[int, int]],
        hidden_channels: int = 128,
        num_layers: int = 2,
        num_heads: int = 4,
        patch_size: int | dict[str, int] = 1,
    ) -> None:
        super().__init__()
        self.counts = [count for count, _ in sizes]
        self.patches = PlanePatches(layout, patch_size)
        self.stems = nn.ModuleList(
            nn.Linear(in_channels * area, hidden_channels) for area in self.patches.areas
        )
        positions = self.patches.positions(hidden_channels)
        self.register_buffer('positions', positions, persistent=False)
        self.tokens = nn.Parameter(torch.randn(sum(self.counts), hidden_channels))
        block = dict(
            d_model=hidden_channels,
            nhead=num_heads,
            dim_feedforward=2 * hidden_channels,
            dropout=0.0,
            activation='gelu',
            batch_first=True,
            norm_first=True,
        )
        self.encoder = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(**block), num_layers, enable_nested_tensor=False
        )
        self.decoder = nn.TransformerDecoder(
            nn.TransformerDecoderLayer(**block), num_layers, nn.LayerNorm(hidden_channels)
        )
        self.heads = nn.ModuleList(_head(hidden_channels, size) for _, size in sizes)

    def forward(self, z: Tensor) -> list[Tensor]:
        """Latents ``(B, C, N)`` to ``(B, count, size)`` for each layer."""
        planes = zip(self.stems, self.patches.split(z), strict=True)
        memory = torch.cat([stem(patches) for stem, patches in planes], dim=1) + self.positions
        memory = self.encoder(memory)
        tokens = rearrange(self.tokens, 'n h -> 1 n h').expand(len(z), -1, -1)
        decoded = self.decoder(tokens, memory).split(self.counts, dim=1)
        return [head(h) for head, h in zip(self.heads, decoded, strict=True)]


def _head(in_channels: int, out_channels: int) -> nn.Linear:
    """A linear map of features of unit variance to numbers that start small."""
    head = nn.Linear(in_channels, out_channels)
    nn.init.normal_(head.weight, std=INITIAL_STD * in_channels**-0.5)
    nn.init.zeros_(head.bias)
    return head
