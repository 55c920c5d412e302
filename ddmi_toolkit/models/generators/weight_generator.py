"""Generation of network weights: the baseline that DDMI is compared with."""

import math
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...layers.attention import TokenAttention
from ...layers.embedding import FourierFeatures
from ...registry import MODELS
from ...structures import Coords, Field, PlaneLayout
from .base import AbstractGenerator


@MODELS.register_module()
class WeightEvaluator(nn.Module):
    """Evaluates one multilayer perceptron per sample over fixed Fourier features.

    Args:
        layout: Arguments of :class:`PlaneLayout`.
        num_frequencies: Octaves of the Fourier features.
        num_layers: Linear layers of the perceptron.
    """

    def __init__(self, layout: dict[str, Any], num_frequencies: int, num_layers: int) -> None:
        super().__init__()
        self.layout, self.num_layers = PlaneLayout(**layout), num_layers
        self.features = FourierFeatures(self.layout.dim, num_frequencies, scale=math.pi)

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
        h = self.features(x.flatten(1, -2))  # (B, Q, F)
        for i in range(self.num_layers):
            weight, bias = state[f'layer{i}.weight'], state[f'layer{i}.bias']
            h = torch.baddbmm(bias[:, None], h if i == 0 else F.relu(h), weight.transpose(1, 2))
        return h.unflatten(1, coords.shape)


@MODELS.register_module()
class WeightGenerator(AbstractGenerator):
    """Hypernetwork: latent to all weights of a small network over fixed Fourier features.

    Latent tokens with learned positions pass a residual attention block; one learned query per
    layer pools them, and a linear map gives that layer's deviation from shared weights. The
    published code has no weight generation; this baseline is ours.

    Args:
        layout: Planes of the latent and axes of the signal.
        in_channels: Latent channels ``C``.
        out_channels: Channels of a value.
        width: Width of the generated network.
        num_layers: Linear layers of the generated network, at least 2.
        hidden_channels: Width of the hypernetwork.
        num_frequencies: Octaves of the Fourier features; the lowest has period 2.
        num_heads: Attention heads of the hypernetwork.

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
        hidden_channels: int = 128,
        num_frequencies: int = 6,
        num_heads: int = 4,
    ) -> None:
        super().__init__()
        if num_layers < 2:
            raise ValueError(f'num_layers must be at least 2, got {num_layers}')
        self.layout, self.out_channels = layout, out_channels
        self.spec = dict(
            type='WeightEvaluator',
            layout=layout.config,
            num_frequencies=num_frequencies,
            num_layers=num_layers,
        )
        self.evaluator = MODELS.build(self.spec)
        sizes = [self.evaluator.features.out_channels, *[width] * (num_layers - 1), out_channels]
        self.shapes = list(zip(sizes[1:], sizes[:-1], strict=True))  # (out, in) per layer
        self.stem = nn.Conv1d(in_channels, hidden_channels, 1)
        self.positions = nn.Parameter(torch.randn(hidden_channels, layout.num_tokens()) * 0.02)
        self.attention = TokenAttention(hidden_channels, num_heads)
        self.queries = nn.Parameter(torch.randn(num_layers, hidden_channels))
        self.base = nn.ModuleList(nn.Linear(i, o) for o, i in self.shapes)
        self.deviations = nn.ModuleList(
            nn.Linear(hidden_channels, o * i + o) for o, i in self.shapes
        )
        for module in self.deviations:
            nn.init.normal_(module.weight, std=0.1 * hidden_channels**-0.5 * width**-0.5)
            nn.init.zeros_(module.bias)

    def forward(self, z: Tensor) -> Field:
        """Latents ``(B, C, N)`` to a batch of fields."""
        tokens = self.attention(self.stem(z) + self.positions)  # (B, H, N)
        attention = (self.queries @ tokens * len(self.queries[0]) ** -0.5).softmax(-1)
        pooled = F.silu(attention @ tokens.transpose(1, 2))  # (B, layers, H)
        state = {}
        for i, (out, width) in enumerate(self.shapes):
            delta = self.deviations[i](pooled[:, i])
            weight, bias = delta.split([out * width, out], dim=1)
            state[f'layer{i}.weight'] = self.base[i].weight + weight.unflatten(1, (out, width))
            state[f'layer{i}.bias'] = self.base[i].bias + bias
        return Field(self.evaluator, state, self.layout, self.out_channels, self.spec)
