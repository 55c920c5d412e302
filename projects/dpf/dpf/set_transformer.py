"""The denoiser of coordinate-value pairs: a transformer on sets."""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ddmi_toolkit.layers.embedding import FourierFeatures, timestep_embedding
from ddmi_toolkit.layers.sequence import FeedForward
from ddmi_toolkit.registry import MODELS

from .rotary_attention import PlaceRotary, RotaryAttention

_TIME_CHANNELS = 64  # sinusoids of the noise level


class Pairs(NamedTuple):
    """Samples of a function: where it was asked, and what it said.

    Attributes:
        coords: ``(B, N, D)``, each axis in [-1, 1].
        values: ``(B, C, N)``.
    """

    coords: Tensor
    values: Tensor


class PairEmbedding(nn.Module):
    """One token per pair: a linear map of coordinate sinusoids, value and noise level.

    Args:
        num_coords: Coordinates ``D``.
        channels: Channels ``C`` of a value.
        hidden_channels: Channels of a token.
        num_frequencies: Octaves of the coordinates; the lowest has period 2, the width of the box.
    """

    def __init__(
        self, num_coords: int, channels: int, hidden_channels: int, num_frequencies: int
    ) -> None:
        super().__init__()
        self.features = FourierFeatures(num_coords, num_frequencies, scale=math.pi)
        self.coords = nn.Linear(self.features.out_channels, hidden_channels)
        self.values = nn.Linear(channels, hidden_channels)
        self.level = nn.Linear(_TIME_CHANNELS, hidden_channels)

    def forward(self, pairs: Pairs, level: Tensor) -> Tensor:
        """Tokens ``(B, N, hidden_channels)``."""
        values = self.values(pairs.values.transpose(1, 2))
        time = self.level(timestep_embedding(level, _TIME_CHANNELS).to(values.dtype))
        return self.coords(self.features(pairs.coords)) + values + time[:, None]


class Block(nn.Module):
    """Tokens attend to a context that has places, then each goes through a small network.

    Args:
        channels: Channels of both.
        num_heads: Attention heads.
    """

    def __init__(self, channels: int, num_heads: int) -> None:
        super().__init__()
        self.attention = RotaryAttention(channels, num_heads)
        self.feed_forward = FeedForward(channels, 4 * channels)

    def forward(self, x: Tensor, context: Tensor, angles: Tensor, context_angles: Tensor) -> Tensor:
        """``(B, N, C)`` and ``(B, L, C)`` to ``(B, N, C)``."""
        return self.feed_forward(self.attention(x, context, angles, context_angles))


@MODELS.register_module()
class SetTransformer(nn.Module):
    """Score network of DPF: context pairs to a few latents, from which each query pair reads.

    As in Perceiver IO (Jaegle et al. 2022): learned latents read the context once and then attend
    to each other. The outputs do not depend on the order of the context, and that of a query pair
    depends on no other query. Any number of coordinates, context and query pairs will do.

    Unlike there, latents have places, a quasi-random cover of the box, and all attention sees
    where tokens are to each other (:class:`PlaceRotary`): a short training does not find out by
    itself what neighbors are.

    Args:
        num_coords: Coordinates ``D``.
        channels: Channels ``C`` of a value.
        hidden_channels: Channels of a token.
        num_latents: Number of latents.
        depth: Self-attention blocks of the latents.
        num_heads: Heads of every attention.
        read_depth: How many times in a row queries read from the latents.
        num_frequencies: Octaves of the coordinates. The shortest period, ``2 ** (2 - n)`` of a box
            of width 2, should be no shorter than two training nodes.

    Raises:
        ValueError: Heads do not divide the channels into even parts, or there is nothing to read
            or nobody reads.
    """

    def __init__(
        self,
        num_coords: int,
        channels: int,
        hidden_channels: int = 128,
        num_latents: int = 64,
        depth: int = 4,
        num_heads: int = 4,
        read_depth: int = 1,
        num_frequencies: int = 4,
    ) -> None:
        super().__init__()
        if hidden_channels % (2 * num_heads):
            raise ValueError(
                f'num_heads={num_heads} does not divide hidden_channels={hidden_channels} into '
                f'parts of even width; change one of them'
            )
        for name, value in dict(num_latents=num_latents, read_depth=read_depth).items():
            if value < 1:
                raise ValueError(f'{name}={value} must be at least 1, or no query is answered')
        sizes = (num_coords, channels, hidden_channels, num_frequencies)
        self.context_embedding, self.query_embedding = PairEmbedding(*sizes), PairEmbedding(*sizes)
        self.latents = nn.Parameter(torch.randn(num_latents, hidden_channels) * 0.02)
        places = torch.quasirandom.SobolEngine(num_coords).draw(num_latents)
        self.register_buffer('places', 2 * places - 1)
        self.rotary = PlaceRotary(
            num_coords, num_heads, hidden_channels // num_heads, 2.0**num_frequencies
        )
        self.read_context = Block(hidden_channels, num_heads)
        self.blocks = nn.ModuleList(Block(hidden_channels, num_heads) for _ in range(depth))
        self.read_latents = nn.ModuleList(
            Block(hidden_channels, num_heads) for _ in range(read_depth)
        )
        self.norm = nn.LayerNorm(hidden_channels)
        self.head = nn.Linear(hidden_channels, channels)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, context: Pairs, query: Pairs, level: Tensor) -> Tensor:
        """What the parameterization asks for, at the query pairs.

        Args:
            context: Noisy pairs ``(B, M)`` that tell which function it is.
            query: Noisy pairs ``(B, Q)`` to be denoised.
            level: Noise levels ``(B,)`` of both, as the schedule's ``c_noise`` gives them.

        Returns:
            ``(B, C, Q)``.
        """
        tokens, at_tokens = self.context_embedding(context, level), self.rotary(context.coords)
        at_latents = self.rotary(self.places[None])
        latents = self.latents.expand(len(level), -1, -1)
        latents = self.read_context(latents, tokens, at_latents, at_tokens)
        for block in self.blocks:
            latents = block(latents, latents, at_latents, at_latents)  # (B, latents, hidden)
        x, at_x = self.query_embedding(query, level), self.rotary(query.coords)
        for read in self.read_latents:
            x = read(x, latents, at_x, at_latents)
        return self.head(self.norm(x)).transpose(1, 2)
