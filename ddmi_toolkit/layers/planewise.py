"""Two-dimensional modules on sets of planes: each plane alone, or all planes together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..structures import PlaneLayout
from .attention import SpatialAttention, TokenAttention
from .resnet import ResBlock2d

Planes = Mapping[str, Tensor]


class PlaneWise(nn.Module):
    """One 2-D module, its weights shared, on every plane.

    Planes of equal shape are computed as one batch. This is exact for modules that treat the
    samples of a batch independently (so not for batch normalization).

    Args:
        module: Maps ``(B, C, h, w)`` to ``(B, C', h', w')``.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(
        self,
        planes: Planes,
        *per_sample: Tensor,
        factors: Mapping[str, tuple[int, int]] | None = None,
    ) -> dict[str, Tensor]:
        """Apply the module to every plane.

        Args:
            planes: ``{plane: (B, C, rows, cols)}``.
            *per_sample: Further arguments of the module, each ``(B, ...)``, e.g. an embedding.
            factors: ``{plane: (row, col)}``, handed to the module as ``factor``; for resampling.

        Returns:
            ``{plane: (B, C', rows', cols')}`` in the order of ``planes``.
        """
        groups: dict[tuple, list[str]] = {}
        for name, x in planes.items():
            groups.setdefault((x.shape, factors[name] if factors else None), []).append(name)
        out: dict[str, Tensor] = {}
        for (_, factor), names in groups.items():
            x = torch.cat([planes[p] for p in names]) if len(names) > 1 else planes[names[0]]
            extra = [v.repeat(len(names), *[1] * (v.ndim - 1)) for v in per_sample]
            y = self.module(x, *extra) if factor is None else self.module(x, *extra, factor=factor)
            out.update(zip(names, y.chunk(len(names)), strict=True))
        return {name: out[name] for name in planes}


class ChannelMix(nn.Module):
    """Exchange between equal planes that are stacked on channels.

    Residual block, attention over positions, residual block on all planes' channels: the
    cross-plane block of the published tri-plane autoencoder. Positions of different planes meet
    by row and column, whatever axes these are.

    Args:
        channels: Channels ``C`` of one plane.
        planes: Plane names in the order in which they are stacked.
        eps: Stabilizer of the norms.
    """

    def __init__(self, channels: int, planes: Sequence[str], eps: float = 1e-6) -> None:
        super().__init__()
        self.planes = tuple(planes)
        width = channels * len(self.planes)
        self.block1 = ResBlock2d(width, eps=eps)
        self.attention = SpatialAttention(width, eps=eps)
        self.block2 = ResBlock2d(width, eps=eps)

    def forward(self, planes: Planes) -> dict[str, Tensor]:
        """``{plane: (B, C, h, w)}`` to the same shapes.

        Raises:
            ValueError: The planes differ in shape.
        """
        shapes = {name: tuple(planes[name].shape) for name in self.planes}
        if len(set(shapes.values())) > 1:
            raise ValueError(
                f'planes of shapes {shapes} cannot be stacked on channels; use TokenMix '
                f"(mix='token'), which takes any shapes"
            )
        x = torch.cat([planes[p] for p in self.planes], dim=1)  # (B, P * C, h, w)
        x = self.block2(self.attention(self.block1(x)))
        return dict(zip(self.planes, x.chunk(len(self.planes), dim=1), strict=True))


class TokenMix(nn.Module):
    """Exchange by self-attention over the positions of all planes together, of any shapes.

    Args:
        channels: Channels ``C`` of a plane.
        num_heads: Number of attention heads.
        head_channels: Width of a head (default ``channels // num_heads``).
        eps: Stabilizer of the norm.
        zero_init: Whether the block starts as the identity.
    """

    def __init__(
        self,
        channels: int,
        num_heads: int = 1,
        head_channels: int | None = None,
        eps: float = 1e-6,
        zero_init: bool = False,
    ) -> None:
        super().__init__()
        self.attention = TokenAttention(channels, num_heads, head_channels, eps, zero_init)

    def forward(self, planes: Planes) -> dict[str, Tensor]:
        """``{plane: (B, C, rows, cols)}`` to the same shapes."""
        x = torch.cat([v.flatten(2) for v in planes.values()], dim=-1)  # (B, C, N)
        parts = self.attention(x).split([v[0, 0].numel() for v in planes.values()], dim=-1)
        return {
            name: part.unflatten(-1, v.shape[2:])
            for (name, v), part in zip(planes.items(), parts, strict=True)
        }


@dataclass(frozen=True)
class Mix:
    """How the planes of an autoencoder exchange information, and after which levels.

    Args:
        type: ``'none'``, ``'channel'`` (:class:`ChannelMix`, equal planes) or ``'token'``
            (:class:`TokenMix`, any planes).
        strides: Levels that are followed by an exchange, by stride; ``None``: all of them. The
            middle block always is, unless ``type`` is ``'none'``. The cost of ``'token'`` grows
            with the square of the tokens, i.e. about 16 times per level on planes over space.
        num_heads: Attention heads of ``'token'``.
        wide_heads: Whether each head of ``'token'`` is as wide as the block (published video).
    """

    type: str = 'none'
    strides: Sequence[int] | None = None
    num_heads: int = 1
    wide_heads: bool = False

    def __post_init__(self) -> None:
        if self.type not in ('none', 'channel', 'token'):
            raise ValueError(f"mix must be 'none', 'channel' or 'token', got {self.type!r}")

    @classmethod
    def parse(cls, value: 'str | Mapping | Mix') -> 'Mix':
        """Read a config value: a type, or ``dict(type=..., strides=..., ...)``."""
        if isinstance(value, str):
            return cls(value)
        return value if isinstance(value, Mix) else cls(**value)

    def build(self, channels: int, layout: PlaneLayout, stride: int | None = None) -> nn.Module:
        """Module ``{plane: (B, C, h, w)}`` to the same; the identity where there is no exchange.

        Args:
            channels: Channels of a plane.
            layout: Planes, in stacking order.
            stride: Stride of the level, or ``None`` for the middle block.

        Raises:
            ValueError: Unequal planes cannot be stacked, or ``strides`` names no level.
        """
        if self.type == 'none':
            return nn.Identity()
        levels = [2**i for i in range(layout.latent_stride.bit_length())]
        if unknown := sorted(set(self.strides or ()) - set(levels)):
            raise ValueError(
                f'mix has strides={tuple(self.strides or ())}, of which {unknown} are no levels of '
                f'{layout!r}; expected some of {levels}'
            )
        if stride is not None and self.strides is not None and stride not in self.strides:
            return nn.Identity()
        if self.type == 'token':
            return TokenMix(channels, self.num_heads, channels if self.wide_heads else None)
        if not layout.has_equal_planes:
            raise ValueError(f"mix='channel' needs equal planes, got {layout}; use mix='token'")
        return ChannelMix(channels, layout.planes)
