"""Latents to basis fields at several scales."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from ...layers.attention import SpatialAttention
from ...layers.planewise import Mix, Planes, PlaneWise
from ...layers.resnet import ResBlock2d, Upsample2d, group_norm
from ...registry import MODELS
from ...structures import PlaneLayout


class AbstractBasisDecoder(nn.Module, ABC):
    """Latents to basis fields, coarse to fine.

    ``__init__`` may name ``layout`` and ``in_channels``: the generator offers both.

    Attributes:
        num_levels: Number ``S`` of scales.
        out_channels: Channels of each basis field.
    """

    num_levels: int
    out_channels: int

    @abstractmethod
    def forward(self, z: Tensor) -> list[dict[str, Tensor]]:
        """``(B, C, N)`` to ``S`` levels of ``{plane: (B, out_channels, rows, cols)}``."""


@MODELS.register_module()
class BasisFieldDecoder(AbstractBasisDecoder):
    """Hierarchically-decomposed basis fields from one convolutional decoder (DDMI section 3.1).

    The decoder of latent-diffusion autoencoders, its weights shared by all planes, with exchange
    between them. Each listed level is read out after its residual blocks and exchange; the levels
    finer than the last listed one are not built.

    Args:
        layout: Planes.
        in_channels: Latent channels ``C``.
        out_channels: Channels of a basis field.
        strides: Strides of the basis fields, coarse to fine. ``(1,)`` drops the hierarchy.
        base_channels: Channels that ``channel_mult`` multiplies.
        channel_mult: Factor per level, finest first; one level more than upsamplings.
        num_res_blocks: Residual blocks per level (published: one more than in the encoder).
        z_channels: Channels after the 1x1 convolution of each latent plane (default: ``C``).
        num_heads: Attention heads of the middle block.
        mix: Exchange between planes: ``'none'``, ``'channel'``, ``'token'`` or a dict with the
            arguments of :class:`~ddmi_toolkit.layers.planewise.Mix`.
        finest_head: Read-out of the finest basis field: ``'conv3x3'`` (norm, SiLU, 3x3
            convolution, as published) or ``'conv1x1'`` (as all others; the paper's wording).

    Raises:
        ValueError: Strides that are not descending powers of two up to ``latent_stride``, or a
            ``channel_mult`` of another length than there are levels.
    """

    def __init__(
        self,
        layout: PlaneLayout,
        in_channels: int,
        out_channels: int = 64,
        strides: Sequence[int] = (4, 2, 1),
        base_channels: int = 64,
        channel_mult: Sequence[int] = (1, 2, 4),
        num_res_blocks: int = 3,
        z_channels: int | None = None,
        num_heads: int = 1,
        mix: str | Mapping = 'none',
        finest_head: str = 'conv3x3',
    ) -> None:
        super().__init__()
        self._check(layout, strides, channel_mult, finest_head)
        self.layout, self.strides, self.mix_spec = layout, tuple(strides), Mix.parse(mix)
        self.num_levels, self.out_channels = len(strides), out_channels
        z_channels = z_channels or in_channels
        top = base_channels * channel_mult[-1]
        self.post_quant = nn.ModuleDict(
            {p: nn.Conv2d(in_channels, z_channels, 1) for p in layout.planes}
        )
        self.conv_in = PlaneWise(nn.Conv2d(z_channels, top, 3, padding=1))
        self.mid = PlaneWise(
            nn.Sequential(ResBlock2d(top), SpatialAttention(top, num_heads), ResBlock2d(top))
        )
        self.mid_mix = self.mix_spec.build(top, layout)
        widths = {2**i: base_channels * m for i, m in enumerate(channel_mult)}
        self.levels = nn.ModuleDict()
        for stride in sorted((s for s in widths if s >= strides[-1]), reverse=True):
            c_in = widths.get(2 * stride, top)
            self.levels[str(stride)] = self._level(stride, c_in, widths[stride], num_res_blocks)
        self.heads = nn.ModuleDict(
            {str(s): PlaneWise(nn.Conv2d(widths[s], out_channels, 1)) for s in strides[:-1]}
        )
        self.heads[str(strides[-1])] = PlaneWise(
            _finest_head(finest_head, widths[strides[-1]], out_channels)
        )

    def _level(self, stride: int, c_in: int, c_out: int, num_blocks: int) -> nn.ModuleDict:
        up = Upsample2d(c_in) if stride < self.layout.latent_stride else None
        blocks = [ResBlock2d(c_in if i == 0 else c_out, c_out) for i in range(num_blocks)]
        parts = dict(
            blocks=PlaneWise(nn.Sequential(*blocks)),
            mix=self.mix_spec.build(c_out, self.layout, stride),
        )
        return nn.ModuleDict(parts if up is None else dict(up=PlaneWise(up), **parts))

    @staticmethod
    def _check(
        layout: PlaneLayout, strides: Sequence[int], channel_mult: Sequence[int], head: str
    ) -> None:
        known = [2**i for i in reversed(range(layout.latent_stride.bit_length()))]
        if not strides or list(strides) != [s for s in known if s in strides]:
            raise ValueError(
                f'strides={tuple(strides)} must be a coarse-to-fine choice of {known} '
                f'(latent_stride={layout.latent_stride})'
            )
        if len(channel_mult) != len(known):
            raise ValueError(
                f'channel_mult={tuple(channel_mult)} makes {len(channel_mult)} levels; '
                f'latent_stride={layout.latent_stride} needs {len(known)}'
            )
        if head not in ('conv3x3', 'conv1x1'):
            raise ValueError(f"finest_head must be 'conv3x3' or 'conv1x1', got {head!r}")

    def forward(self, z: Tensor) -> list[dict[str, Tensor]]:
        """``(B, C, N)`` to ``S`` levels of ``{plane: (B, out_channels, rows, cols)}``."""
        factors = {p: self.layout.resample_factor(p) for p in self.layout.planes}
        planes = self.layout.split(z)
        h: Planes = self.conv_in({p: self.post_quant[p](x) for p, x in planes.items()})
        h = self.mid_mix(self.mid(h))
        basis_fields = []
        for stride, level in self.levels.items():
            if 'up' in level:
                h = level['up'](h, factors=factors)
            h = level['mix'](level['blocks'](h))
            if stride in self.heads:
                basis_fields.append(self.heads[stride](h))
        return basis_fields


def _finest_head(kind: str, channels: int, out_channels: int) -> nn.Module:
    if kind == 'conv1x1':
        return nn.Conv2d(channels, out_channels, 1)
    return nn.Sequential(
        group_norm(channels), nn.SiLU(), nn.Conv2d(channels, out_channels, 3, padding=1)
    )
