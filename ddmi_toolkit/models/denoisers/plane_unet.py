"""U-Net on the planes of a latent."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ...layers.attention import SpatialAttention, SpatialCrossAttention
from ...layers.embedding import timestep_embedding
from ...layers.planewise import Planes, PlaneWise, TokenMix
from ...layers.resnet import Downsample2d, ResBlock2d, Upsample2d, group_norm
from ...registry import MODELS
from ...structures import PlaneLayout
from .base import AbstractDenoiser, Cond, read_cond

EPS = 1e-5  # of the ADM U-Net's norms

Factors = dict[str, tuple[int, int]]


@MODELS.register_module()
class PlaneUNet(AbstractDenoiser):
    """ADM U-Net (Dhariwal and Nichol 2021) on every plane, its weights shared by the planes.

    Planes exchange by attention over their concatenated tokens after every block but the first
    convolution (the published video denoiser), or not at all. One plane gives the ordinary U-Net.
    Every axis of every plane is resampled, also those that the autoencoder leaves alone.

    Args:
        layout: Planes of the latent.
        channels: Channels ``C`` of the latent.
        model_channels: Channels at full resolution. Norms have 32 groups (published), so with 32
            channels or fewer the norm after the time embedding removes it again: use at least 64.
        channel_mult: Channels of each level relative to ``model_channels``; every level but the
            last halves the planes.
        num_res_blocks: Residual blocks per level on the way down (one more on the way up).
        attention_rates: Downsampling rates at which each plane has self-attention.
        num_head_channels: Width of an attention head.
        dropout: Probability inside residual blocks.
        mix: ``'token'`` for attention over all planes' tokens, ``'none'`` for separate planes.
        num_mix_heads: Heads of that attention.
        cond_channels: Width ``D`` of a condition vector that is added to the time embedding; None
            builds an unconditional network.
        context_channels: Width ``D`` of context tokens that every position attends to, wherever
            there is self-attention; None builds a network without cross-attention.

    Raises:
        ValueError: A plane cannot be halved as often as the levels ask, heads do not divide the
            channels, or ``mix`` is unknown.
    """

    def __init__(
        self,
        layout: PlaneLayout,
        channels: int,
        model_channels: int = 256,
        channel_mult: Sequence[int] = (1, 2, 4, 6),
        num_res_blocks: int = 2,
        attention_rates: Sequence[int] = (2, 4, 8),
        num_head_channels: int = 32,
        dropout: float = 0.0,
        mix: str = 'token',
        num_mix_heads: int = 16,
        cond_channels: int | None = None,
        context_channels: int | None = None,
    ) -> None:
        super().__init__()
        if mix not in ('token', 'none'):
            raise ValueError(f"mix must be 'token' or 'none', got {mix!r}")
        _check_sizes(layout, len(channel_mult) - 1)
        self.layout = layout
        self.model_channels = model_channels
        self.factors: Factors = {p: (len(p), 2) for p in layout.planes}  # a line keeps its one row
        self.emb_channels = 4 * model_channels
        self.dropout = dropout
        self.attention_rates = frozenset(attention_rates)
        self.num_head_channels = num_head_channels
        self.cond_channels, self.context_channels = cond_channels, context_channels
        self.num_mix_heads = num_mix_heads if mix == 'token' and len(layout.planes) > 1 else 0
        self.time_embed = nn.Sequential(
            nn.Linear(model_channels, self.emb_channels),
            nn.SiLU(),
            nn.Linear(self.emb_channels, self.emb_channels),
        )
        self.cond_embed = nn.Linear(cond_channels, self.emb_channels) if cond_channels else None
        self.conv_in = PlaneWise(nn.Conv2d(channels, model_channels, 3, padding=1))
        widths = [model_channels * m for m in channel_mult]
        skips = self._build_down(widths, num_res_blocks)
        middle = [self._block(widths[-1], widths[-1], attention=True, mix=False)]
        self.mid = nn.ModuleList([*middle, self._block(widths[-1], widths[-1], attention=False)])
        self._build_up(widths, num_res_blocks, skips)
        self.norm_out = PlaneWise(nn.Sequential(group_norm(widths[0], EPS), nn.SiLU()))
        self.conv_out = PlaneWise(nn.Conv2d(widths[0], channels, 3, padding=1))
        nn.init.zeros_(self.conv_out.module.weight)
        nn.init.zeros_(self.conv_out.module.bias)

    def _build_down(self, widths: list[int], num_res_blocks: int) -> list[int]:
        """Blocks on the way down; returns the channels of what they leave for the way up."""
        blocks, width = [], widths[0]
        skips = [width]
        for level, wide in enumerate(widths):
            for _ in range(num_res_blocks):
                blocks.append(self._block(width, wide, 2**level in self.attention_rates))
                width = wide
                skips.append(width)
            if level + 1 < len(widths):
                down = _Layer(resample=Downsample2d(width, asymmetric=False))
                blocks.append(_Block(down, width, self.num_mix_heads))
                skips.append(width)
        self.down = nn.ModuleList(blocks)
        return skips

    def _build_up(self, widths: list[int], num_res_blocks: int, skips: list[int]) -> None:
        blocks, width = [], widths[-1]
        for level, wide in reversed(list(enumerate(widths))):
            for i in range(num_res_blocks + 1):
                enlarges = level > 0 and i == num_res_blocks
                attends = 2**level in self.attention_rates
                blocks.append(self._block(width + skips.pop(), wide, attends, enlarges))
                width = wide
        self.up = nn.ModuleList(blocks)

    def _block(
        self, width: int, wide: int, attention: bool, enlarges: bool = False, mix: bool = True
    ) -> '_Block':
        """Residual block from ``width`` to ``wide`` channels and what follows it."""
        res = ResBlock2d(width, wide, self.emb_channels, EPS, self.dropout, zero_init=True)
        attn = cross = None
        if attention:
            if wide % self.num_head_channels:
                raise ValueError(
                    f'num_head_channels={self.num_head_channels} does not divide the {wide} '
                    f'channels of a level with attention; change it or model_channels'
                )
            num_heads = wide // self.num_head_channels
            attn = SpatialAttention(wide, num_heads, EPS, zero_init=True)
            if self.context_channels is not None:
                cross = SpatialCrossAttention(wide, self.context_channels, num_heads, EPS)
        layer = _Layer(res, attn, cross, Upsample2d(wide) if enlarges else None)
        return _Block(layer, wide, self.num_mix_heads if mix else 0)

    def forward(self, z_t: Tensor, t: Tensor, cond: Cond = None) -> Tensor:
        """``(B, C, N)`` and noise levels ``(B,)`` to ``(B, C, N)``.

        Raises:
            ValueError: A condition that the network was not built for, or none where it was.
        """
        widths = self.cond_channels, self.context_channels
        vector, context = read_cond(cond, 'PlaneUNet', len(z_t), *widths)
        steer = [self._embed(t, vector)] + ([] if context is None else [context])
        planes = self.conv_in(self.layout.split(z_t))
        skips = [planes]
        for block in self.down:
            planes = block(planes, steer, self.factors)
            skips.append(planes)
        for block in self.mid:
            planes = block(planes, steer, self.factors)
        for block in self.up:
            skip = skips.pop()
            planes = {p: torch.cat([x, skip[p]], dim=1) for p, x in planes.items()}
            planes = block(planes, steer, self.factors)
        return self.layout.merge(self.conv_out(self.norm_out(planes)))

    def _embed(self, t: Tensor, vector: Tensor | None) -> Tensor:
        """Embedding of noise level and condition vector, ``(B, 4 * model_channels)``."""
        dtype = self.time_embed[0].weight.dtype
        emb = self.time_embed(timestep_embedding(t, self.model_channels).to(dtype))
        return emb if vector is None else emb + self.cond_embed(vector)


class _Layer(nn.Module):
    """Residual block, attention to itself and to a context, resampling; each optional."""

    def __init__(
        self,
        res: nn.Module | None = None,
        attention: nn.Module | None = None,
        cross: nn.Module | None = None,
        resample: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.res = res
        self.attention = attention
        self.cross = cross
        self.resample = resample

    def forward(
        self, x: Tensor, emb: Tensor, context: Tensor | None = None, *, factor: tuple[int, int]
    ) -> Tensor:
        """``(B, C, h, w)``, ``(B, E)`` and ``(B, L, D)`` to ``(B, C', h', w')``."""
        if self.res is not None:
            x = self.res(x, emb)
        if self.attention is not None:
            x = self.attention(x)
        if self.cross is not None:
            x = self.cross(x, context)
        return x if self.resample is None else self.resample(x, factor)


class _Block(nn.Module):
    """A layer on each plane, then exchange between the planes."""

    def __init__(self, layer: _Layer, channels: int, num_mix_heads: int) -> None:
        super().__init__()
        self.layer = PlaneWise(layer)
        self.mix = None
        if num_mix_heads:
            if channels % num_mix_heads:
                raise ValueError(
                    f'num_mix_heads={num_mix_heads} does not divide the {channels} channels of a '
                    f'level; change it or model_channels'
                )
            self.mix = TokenMix(channels, num_mix_heads, zero_init=True)

    def forward(self, planes: Planes, steer: Sequence[Tensor], factors: Factors) -> Planes:
        """Planes ``(B, C, rows, cols)``, embedding ``(B, E)`` and context, if any, to planes."""
        planes = self.layer(planes, *steer, factors=factors)
        return planes if self.mix is None else self.mix(planes)


def _check_sizes(layout: PlaneLayout, num_halvings: int) -> None:
    for plane in layout.planes:
        rows, cols = layout.shape(plane, layout.latent_stride)
        for axis, size in zip(plane, (cols, rows), strict=False):
            if size % 2**num_halvings:
                raise ValueError(
                    f'latent plane {plane!r} has {size} nodes along {axis!r}, which the '
                    f'{num_halvings + 1} levels of channel_mult halve {num_halvings} times; use '
                    f'fewer levels or a size that is a multiple of {2**num_halvings}'
                )
