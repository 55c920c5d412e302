"""The convolutional part of the encoders: planes at stride 1 to moments at the latent stride."""

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from ...layers.attention import SpatialAttention
from ...layers.planewise import Mix, Planes, PlaneWise
from ...layers.resnet import Downsample2d, ResBlock2d, group_norm
from ...structures import PlaneLayout


class EncoderLevel(nn.Module):
    """Residual blocks at one stride, then an exchange between planes.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        num_blocks: Number of residual blocks.
        mix: Exchange between planes, ``{plane: x}`` to ``{plane: x}``.
    """

    def __init__(
        self, in_channels: int, out_channels: int, num_blocks: int, mix: nn.Module
    ) -> None:
        super().__init__()
        blocks = [
            ResBlock2d(in_channels if i == 0 else out_channels, out_channels)
            for i in range(num_blocks)
        ]
        self.blocks = PlaneWise(nn.Sequential(*blocks))
        self.mix = mix

    def forward(self, planes: Planes) -> Planes:
        """``{plane: (B, C_in, h, w)}`` to ``{plane: (B, C_out, h, w)}``."""
        return self.mix(self.blocks(planes))


class PlaneCNN(nn.Module):
    """Encoder of latent-diffusion autoencoders, shared by all planes, with exchange between them.

    Convolution; per level residual blocks, exchange, downsampling; in the middle residual block,
    attention, residual block, exchange; norm, SiLU, convolution; one 1x1 convolution per plane.

    Args:
        layout: Planes; the number of levels follows from its ``latent_stride``.
        in_channels: Channels of the input planes.
        out_channels: Latent channels ``C``.
        base_channels: Channels that ``channel_mult`` multiplies.
        channel_mult: Factor per level, finest first.
        num_res_blocks: Residual blocks per level.
        z_channels: The last convolution has ``2 * z_channels`` outputs (default: ``C``).
        num_heads: Attention heads of the middle block.
        mix: See :class:`~ddmi_toolkit.layers.planewise.Mix`.

    Raises:
        ValueError: ``channel_mult`` has another length than there are levels.
    """

    def __init__(
        self,
        layout: PlaneLayout,
        in_channels: int,
        out_channels: int,
        base_channels: int = 64,
        channel_mult: Sequence[int] = (1, 2, 4),
        num_res_blocks: int = 2,
        z_channels: int | None = None,
        num_heads: int = 1,
        mix: str | Mapping | Mix = 'none',
    ) -> None:
        super().__init__()
        if 2 ** (len(channel_mult) - 1) != layout.latent_stride:
            raise ValueError(
                f'channel_mult={tuple(channel_mult)} makes {len(channel_mult)} levels; '
                f'latent_stride={layout.latent_stride} needs {layout.latent_stride.bit_length()}'
            )
        self.layout, mix = layout, Mix.parse(mix)
        widths = [base_channels * m for m in channel_mult]
        self.conv_in = PlaneWise(nn.Conv2d(in_channels, base_channels, 3, padding=1))
        self.levels = nn.ModuleList(
            EncoderLevel(c_in, c_out, num_res_blocks, mix.build(c_out, layout, 2**i))
            for i, (c_in, c_out) in enumerate(zip([base_channels, *widths], widths, strict=False))
        )
        self.downs = nn.ModuleList(PlaneWise(Downsample2d(c)) for c in widths[:-1])
        top = widths[-1]
        self.mid = PlaneWise(
            nn.Sequential(ResBlock2d(top), SpatialAttention(top, num_heads), ResBlock2d(top))
        )
        self.mid_mix = mix.build(top, layout)
        width = 2 * (z_channels or out_channels)
        self.norm_out = PlaneWise(nn.Sequential(group_norm(top), nn.SiLU()))
        self.conv_out = PlaneWise(nn.Conv2d(top, width, 3, padding=1))
        self.quant = nn.ModuleDict(
            {p: nn.Conv2d(width, 2 * out_channels, 1) for p in layout.planes}
        )

    def forward(self, planes: Planes) -> Tensor:
        """``{plane: (B, C_in, rows, cols)}`` at stride 1 to moments ``(B, 2C, N)``."""
        factors = {p: self.layout.resample_factor(p) for p in planes}
        h = self.conv_in(planes)
        for i, level in enumerate(self.levels):
            h = level(h if i == 0 else self.downs[i - 1](h, factors=factors))
        h = self.mid_mix(self.mid(h))
        h = self.conv_out(self.norm_out(h))
        return self.layout.merge({p: self.quant[p](x) for p, x in h.items()})
