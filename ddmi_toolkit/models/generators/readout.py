"""The network that turns positional embeddings into signal values."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ...layers.mlp import ResidualLinear
from ...registry import MODELS
from .coordinates import CoordinateInput

MODELS.register_module(module=ResidualLinear)


class AbstractReadout(nn.Module, ABC):
    """Embeddings of all scales to signal values.

    ``__init__`` may name ``embedding_channels``, ``num_levels`` and ``num_coords``: the generator
    offers them.

    Attributes:
        out_channels: Channels of a value.
        uses_coords: Whether ``coords`` is read; None may be passed if not.
    """

    out_channels: int
    uses_coords: bool

    @abstractmethod
    def forward(
        self,
        embeddings: Sequence[Tensor],
        coords: Tensor | None,
        *,
        scale: Tensor | None = None,
        dirs: Tensor | None = None,
    ) -> Tensor:
        """Signal values.

        Args:
            embeddings: Coarse to fine, each ``(B, *S, C_p)``.
            coords: ``(B, *S, D)``, normalized to [-1, 1] along each axis of the layout.
            scale: Size of a query cell relative to the finest basis field's, ``(B,)``.
            dirs: Unit viewing directions ``(B, *S, 3)``.

        Returns:
            ``(B, *S, out_channels)``.
        """


class AbstractHead(nn.Module, ABC):
    """Features of the last block to signal values; ``in_channels`` is offered.

    Attributes:
        out_channels: Channels of a value.
    """

    out_channels: int

    @abstractmethod
    def forward(self, h: Tensor, dirs: Tensor | None = None) -> Tensor:
        """``(B, *S, C)`` and optional viewing directions to ``(B, *S, out_channels)``."""


@MODELS.register_module()
class LinearHead(AbstractHead):
    """One linear layer: colors, logits or waveforms, without a final activation.

    Args:
        in_channels: Width of the readout.
        out_channels: Channels of a value.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.out_channels = out_channels
        self.linear = nn.Linear(in_channels, out_channels)

    def forward(self, h: Tensor, dirs: Tensor | None = None) -> Tensor:
        """``(B, *S, C)`` to ``(B, *S, out_channels)``."""
        return self.linear(h)


class FedMLP(nn.Module):
    """A chain of blocks, some of which take an embedding beside their input.

    Args:
        feed_channels: Channels fed to each block, 0 for none; the first is not 0.
        num_coords: Number ``D`` of coordinates.
        head: Config of a head.
        width: Channels between blocks.
        block: Config of a block ``(..., in_channels) -> (..., out_channels)``.
        coordinates: See :class:`CoordinateInput`; added to the output of the first block.
        combine: How an embedding joins its input: ``'concat'`` on channels, or ``'sum'`` after a
            linear map to the width.
        num_frequencies: Octaves of ``coordinates='fourier'``.
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
    ) -> None:
        super().__init__()
        if combine not in ('concat', 'sum'):
            raise ValueError(f"combine must be 'concat' or 'sum', got {combine!r}")
        is_sum = combine == 'sum'
        self.projections = nn.ModuleList(
            nn.Linear(c, width) if c and is_sum else nn.Identity() for c in feed_channels
        )
        self.blocks = nn.ModuleList()
        for i, feed in enumerate(feed_channels):
            c_in = width if is_sum else feed + (width if i else 0)
            self.blocks.append(
                MODELS.build(
                    block or dict(type='ResidualLinear'),
                    role=nn.Module,
                    default_args=dict(in_channels=c_in, out_channels=width),
                )
            )
        self.combine = combine
        self.coordinates = (
            None
            if coordinates == 'none'
            else CoordinateInput(num_coords, width, coordinates, num_frequencies)
        )
        self.head = MODELS.build(head, role=AbstractHead, default_args=dict(in_channels=width))

    def forward(
        self, feeds: Sequence[Tensor], coords: Tensor | None, dirs: Tensor | None
    ) -> Tensor:
        """Values ``(B, *S, C_out)``; blocks beyond ``feeds`` are fed nothing."""
        h = self.blocks[0](self.projections[0](feeds[0]))
        if self.coordinates is not None:
            h = h + self.coordinates(coords)
        for i, block in enumerate(self.blocks[1:], start=1):
            if i < len(feeds):
                p = self.projections[i](feeds[i])
                h = torch.cat([h, p], dim=-1) if self.combine == 'concat' else h + p
            h = block(h)
        return self.head(h, dirs)


class _FedReadout(AbstractReadout):
    """A chain of blocks; subclasses say which block is fed what. Arguments: `CFCReadout`."""

    def __init__(
        self,
        embedding_channels: int,
        num_levels: int,
        num_coords: int,
        head: dict[str, Any],
        width: int = 256,
        block: dict[str, Any] | None = None,
        coordinates: str = 'none',
        combine: str = 'concat',
        num_extra_blocks: int = 1,
        num_frequencies: int = 6,
    ) -> None:
        super().__init__()
        feeds = self._feed_channels(embedding_channels, num_levels) + [0] * num_extra_blocks
        self.mlp = FedMLP(
            feeds, num_coords, head, width, block, coordinates, combine, num_frequencies
        )
        self.out_channels = self.mlp.head.out_channels
        self.uses_coords = self.mlp.coordinates is not None

    @staticmethod
    @abstractmethod
    def _feed_channels(channels: int, num_levels: int) -> list[int]:
        """Channels fed to each of the first ``num_levels`` blocks, 0 for none."""

    @staticmethod
    @abstractmethod
    def _feeds(embeddings: Sequence[Tensor]) -> Sequence[Tensor]:
        """What the first blocks are fed."""

    def forward(
        self,
        embeddings: Sequence[Tensor],
        coords: Tensor | None,
        *,
        scale: Tensor | None = None,
        dirs: Tensor | None = None,
    ) -> Tensor:
        """Signal values ``(B, *S, out_channels)``; see :class:`AbstractReadout`."""
        return self.mlp(self._feeds(embeddings), coords, dirs)


@MODELS.register_module()
class CFCReadout(_FedReadout):
    """Coarse-to-fine conditioning (DDMI section 3.1): scale ``i`` enters at block ``i``.

    The published read-out of shapes is ``coordinates='linear'``, its other arguments as here.

    Args:
        embedding_channels: Channels ``C_p`` of an embedding.
        num_levels: Number of scales.
        num_coords: Number ``D`` of coordinates.
        head: Config of the head, e.g. ``dict(type='LinearHead', out_channels=1)``.
        width: Channels between blocks.
        block: Config of the blocks (default: ``dict(type='ResidualLinear')``).
        coordinates: ``'none'``, ``'linear'`` or ``'fourier'``: what the first block's output is
            given of the raw coordinates.
        combine: ``'concat'`` or ``'sum'``: how a block's input joins the next embedding.
        num_extra_blocks: Blocks after the last embedding.
        num_frequencies: Octaves of ``coordinates='fourier'``.
    """

    @staticmethod
    def _feed_channels(channels: int, num_levels: int) -> list[int]:
        return [channels] * num_levels

    @staticmethod
    def _feeds(embeddings: Sequence[Tensor]) -> Sequence[Tensor]:
        return embeddings


@MODELS.register_module()
class ConcatReadout(_FedReadout):
    """Baseline without coarse-to-fine conditioning: all scales enter at the first block.

    As deep as :class:`CFCReadout`, and with the same arguments, so that configs can exchange them.
    """

    @staticmethod
    def _feed_channels(channels: int, num_levels: int) -> list[int]:
        return [channels * num_levels] + [0] * (num_levels - 1)

    @staticmethod
    def _feeds(embeddings: Sequence[Tensor]) -> Sequence[Tensor]:
        return [torch.cat(list(embeddings), dim=-1)]
