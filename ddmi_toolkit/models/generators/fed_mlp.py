"""A chain of blocks that embeddings enter at several places."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ...layers.mlp import ResidualLinear
from ...layers.modulated import AbstractStyledBlock, Style, StyledBlock
from ...registry import MODELS
from .coordinates import CoordinateInput
from .heads import AbstractHead
from .styled import AbstractModulation

for _block in (ResidualLinear, StyledBlock):
    MODELS.register_module(module=_block)


class FedMLP(nn.Module):
    """A chain of blocks, some of which take an embedding beside their input.

    Args:
        feed_channels: Channels fed to each block, 0 for none; the first is not 0.
        num_coords: Number ``D`` of coordinates.
        head: Config of a head.
        width: Channels between blocks.
        block: Config of a block ``(..., in_channels) -> (..., out_channels)``; with a modulation,
            of an :class:`AbstractStyledBlock`.
        coordinates: See :class:`CoordinateInput`; added to the output of the first block.
        combine: How an embedding joins its input: ``'concat'`` on channels, or ``'sum'`` after a
            linear map to the width.
        num_frequencies: Octaves of ``coordinates='fourier'``.
        modulation: Config of what turns the scale into the blocks' style.

    Raises:
        ValueError: Another ``combine``, or a block whose modulation is missing.
    """

    def __init__(
        self,
        feed_channels: Sequence[int],
        num_coords: int,
        head: dict[str, Any],
        width: int,
        block: dict[str, Any] | None,
        coordinates: str,
        combine: str,
        num_frequencies: int,
        modulation: dict[str, Any] | None,
    ) -> None:
        super().__init__()
        if combine not in ('concat', 'sum'):
            raise ValueError(f"combine must be 'concat' or 'sum', got {combine!r}")
        self.combine, is_sum = combine, combine == 'sum'
        self.projections = nn.ModuleList(
            nn.Linear(c, width) if c and is_sum else nn.Identity() for c in feed_channels
        )
        self.modulation, offers = None, {}
        if modulation is not None:
            self.modulation = MODELS.build(modulation, role=AbstractModulation)
            offers = dict(style_channels=self.modulation.style_channels)
        self.blocks = nn.ModuleList()
        for i, feed in enumerate(feed_channels):
            c_in = width if is_sum else feed + (width if i else 0)
            self.blocks.append(self._block(block, c_in, width, bool(feed)))
        self.coordinates = (
            None
            if coordinates == 'none'
            else CoordinateInput(num_coords, width, coordinates, num_frequencies)
        )
        self.head = MODELS.build(
            head, role=AbstractHead, default_args=dict(offers, in_channels=width)
        )

    def _block(
        self, config: dict[str, Any] | None, c_in: int, c_out: int, is_fed: bool
    ) -> nn.Module:
        """A block; the constants of the style accompany the embeddings."""
        offers: dict[str, Any] = dict(in_channels=c_in, out_channels=c_out)
        if self.modulation is not None:
            offers['style_channels'] = self.modulation.style_channels
            offers['num_constants'] = self.modulation.num_constants if is_fed else 0
            config = config or dict(type='StyledBlock')
            return MODELS.build(config, role=AbstractStyledBlock, default_args=offers)
        config = config or dict(type='ResidualLinear')
        kind = MODELS.get(config['type']) if isinstance(config['type'], str) else config['type']
        if isinstance(kind, type) and issubclass(kind, AbstractStyledBlock):
            raise ValueError(
                f'block {kind.__name__!r} needs a style; give the read-out '
                f"modulation=dict(type='ScaleStyle'), or another block"
            )
        return MODELS.build(config, role=nn.Module, default_args=offers)

    def forward(
        self,
        feeds: Sequence[Sequence[Tensor]],
        coords: Tensor | None,
        *,
        scale: Tensor | None,
        dirs: Tensor | None,
    ) -> Tensor:
        """Values ``(B, *S, C_out)``.

        Args:
            feeds: Per block, the parts ``(B, *S, C_i)`` of what it is fed; blocks beyond are fed
                nothing.
            coords: ``(B, *S, D)``, normalized.
            scale: ``(B,)``, read by a modulation.
            dirs: ``(B, *S, 3)``, read by some heads.
        """
        style = None
        if self.modulation is not None:
            style = self.modulation(scale, feeds[0][0].shape[0])
        h = None
        for i, block in enumerate(self.blocks):
            feed = self._projected(i, feeds[i]) if i < len(feeds) else []
            h = self._run(block, h, feed, style)
            if i == 0 and self.coordinates is not None:
                h = h + self.coordinates(coords)
        return self.head(h, dirs) if style is None else self.head(h, dirs, style)

    def _projected(self, i: int, feed: Sequence[Tensor]) -> Sequence[Tensor]:
        if self.combine == 'concat':
            return feed
        return [self.projections[i](torch.cat(list(feed), dim=-1))]

    def _run(
        self, block: nn.Module, h: Tensor | None, feed: Sequence[Tensor], style: Style | None
    ) -> Tensor:
        parts = list(feed) if h is None else [h, *feed]
        if self.combine == 'sum' and len(parts) == 2:
            parts = [parts[0] + parts[1]]
        if style is not None:
            return block(parts, style)
        return block(parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1))
