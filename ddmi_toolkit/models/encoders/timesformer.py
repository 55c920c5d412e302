"""Encoder of clips: frames to planes over space and over space and time."""

from einops import rearrange
from torch import Tensor, nn

from ...layers.rotary import FrameRotary, PositionRotary
from ...layers.sequence import FeedForward, PoolingTransformer, SequenceAttention
from ...registry import MODELS
from ...structures import PlaneLayout
from .base import AbstractEncoder

_PLANES = ('xy', 'xt', 'yt')
_SEQUENCES = dict(
    xy='b t h w c -> (b h w) t c', xt='b t h w c -> (b t w) h c', yt='b t h w c -> (b t h) w c'
)
"""What each plane is pooled over: the axis that it lacks."""


class DividedBlock(nn.Module):
    """Attention over time, attention over space, feed-forward (TimeSformer, Bertasius et al. 2021).

    Args:
        channels: Channels ``C``.
        num_heads: Attention heads.
        head_channels: Width of a head.
    """

    def __init__(self, channels: int, num_heads: int, head_channels: int) -> None:
        super().__init__()
        self.time = SequenceAttention(channels, num_heads, head_channels)
        self.space = SequenceAttention(channels, num_heads, head_channels)
        self.feed_forward = FeedForward(channels, 4 * channels, gated=True)

    def forward(self, x: Tensor, frames: Tensor, positions: Tensor) -> Tensor:
        """``(B, T, S, C)`` to the same.

        Args:
            x: Tokens of ``T`` frames of ``S`` positions.
            frames: Angles ``(T, head_channels)``.
            positions: Angles ``(S, head_channels)``.
        """
        b, t = x.shape[:2]
        h = self.time(rearrange(x, 'b t s c -> (b s) t c'), frames)
        h = self.space(rearrange(h, '(b s) t c -> (b t) s c', b=b), positions)
        return rearrange(self.feed_forward(h), '(b t) s c -> b t s c', t=t)


@MODELS.register_module()
class TimesformerEncoder(AbstractEncoder):
    """Divided space-time attention, then one pooling transformer per plane.

    The encoder of the published video model (and of PVDM, Yu et al. 2023). Patches are as large as
    the layout's ``latent_stride``, so that a token is a node of the latent planes; plane ``xy`` is
    pooled over the frames, ``xt`` over the rows and ``yt`` over the columns.

    Args:
        layout: Planes xy, xt and yt in any order; x and y strided, t not.
        out_channels: Latent channels ``C``.
        in_channels: Channels of the inputs.
        channels: Width of the tokens.
        depth: Divided blocks.
        num_heads: Attention heads of a divided block.
        head_channels: Width of a head, divisible by 4.
        pool_depth: Blocks of a pooling transformer.
        pool_token: What becomes a plane's value: ``'learned'``, the output at a learned token, or
            ``'first'``, the output at the first of the pooled positions (published).
        swap_space: Whether ``xt`` and ``yt`` change places, as in the published code, which calls
            the plane pooled over rows ``yt``. Square frames only.

    Raises:
        ValueError: The layout has other planes, strides or sizes, or a width does not fit.
    """

    def __init__(
        self,
        layout: PlaneLayout,
        out_channels: int,
        in_channels: int = 3,
        channels: int = 384,
        depth: int = 8,
        num_heads: int = 8,
        head_channels: int = 64,
        pool_depth: int = 4,
        pool_token: str = 'learned',
        swap_space: bool = False,
    ) -> None:
        super().__init__()
        _check_layout(layout, swap_space)
        if head_channels % 4:
            raise ValueError(f'head_channels={head_channels} must be divisible by 4')
        self.layout, patch = layout, layout.latent_stride
        self.shape = (in_channels, *(layout.axis_size(a, 1) for a in 'tyx'))
        self.embed = nn.Linear(in_channels * patch**2, channels)
        self.frames = FrameRotary(head_channels)
        self.positions = PositionRotary(head_channels)
        self.blocks = nn.ModuleList(
            DividedBlock(channels, num_heads, head_channels) for _ in range(depth)
        )
        self.sources = dict(xt='yt', yt='xt') if swap_space else {}
        lengths = {p: layout.axis_size(_lacking(self.source(p)), patch) for p in layout.planes}
        self.pools = nn.ModuleDict(
            {p: PoolingTransformer(channels, n, pool_depth, pool_token) for p, n in lengths.items()}
        )
        self.quant = nn.ModuleDict(
            {p: nn.Conv2d(channels, 2 * out_channels, 1) for p in layout.planes}
        )

    def source(self, plane: str) -> str:
        """Plane whose axes a plane's values really have: itself, unless space is swapped."""
        return self.sources.get(plane, plane)

    def forward(self, inputs: Tensor) -> Tensor:
        """Clips ``(B, C_in, T, H, W)`` to moments ``(B, 2C, N)``.

        Raises:
            ValueError: The inputs do not have the layout's shape.
        """
        if inputs.ndim != 5 or inputs.shape[1:] != self.shape:
            expected = ', '.join(map(str, self.shape))
            raise ValueError(
                f'inputs of shape {tuple(inputs.shape)} do not fit {self.layout!r}: expected '
                f'(B, {expected}), channels, frames, rows, columns; resize them or change the axis '
                f'sizes'
            )
        x = self.tokens(inputs)
        return self.layout.merge({p: self.quant[p](self._pooled(p, x)) for p in self.pools})

    def tokens(self, inputs: Tensor) -> Tensor:
        """Features ``(B, T, H / p, W / p, C)`` of the patches of clips ``(B, C_in, T, H, W)``."""
        p = self.layout.latent_stride
        x = rearrange(inputs, 'b c t (h p) (w q) -> b t h w (p q c)', p=p, q=p)
        rows, cols = x.shape[2:4]
        x = self.embed(x).flatten(2, 3)
        frames, positions = self.frames(x.shape[1]), self.positions(rows, cols)
        for block in self.blocks:
            x = block(x, frames, positions)
        return x.unflatten(2, (rows, cols))

    def _pooled(self, plane: str, x: Tensor) -> Tensor:
        """``(B, C, rows, cols)`` of the tokens ``(B, T, H, W, C)``."""
        h = self.pools[plane](rearrange(x, _SEQUENCES[self.source(plane)]))
        rows, cols = self.layout.shape(plane, self.layout.latent_stride)
        return rearrange(h, '(b r k) c -> b c r k', r=rows, k=cols)


def _lacking(plane: str) -> str:
    return next(a for a in 'xyt' if a not in plane)


def _check_layout(layout: PlaneLayout, swap_space: bool) -> None:
    if set(layout.planes) != set(_PLANES):
        raise ValueError(
            f'TimesformerEncoder fills the planes {list(_PLANES)}, the layout has '
            f'{list(layout.planes)}; choose another encoder or these planes'
        )
    strided = {a: layout.axes[a].strided for a in 'xyt'}
    if strided != dict(x=True, y=True, t=False):
        raise ValueError(
            f'TimesformerEncoder makes patches in space and keeps every frame, the layout has '
            f'strided={strided}; set strided=False for t alone'
        )
    sizes = [layout.axes[a].size for a in 'xy']
    if swap_space and sizes[0] != sizes[1]:
        raise ValueError(
            f'swap_space=True needs square frames, the layout has {sizes[0]} columns and '
            f'{sizes[1]} rows; it serves published weights only'
        )
