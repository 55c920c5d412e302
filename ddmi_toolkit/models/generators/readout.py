"""The network that turns positional embeddings into signal values."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from ...registry import MODELS
from .fed_mlp import FedMLP


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
        modulation: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        feeds = self._feed_channels(embedding_channels, num_levels) + [0] * num_extra_blocks
        self.mlp = FedMLP(
            feeds, num_coords, head, width, block, coordinates, combine, num_frequencies, modulation
        )
        self.out_channels = self.mlp.head.out_channels
        self.uses_coords = self.mlp.coordinates is not None

    @staticmethod
    @abstractmethod
    def _feed_channels(channels: int, num_levels: int) -> list[int]:
        """Channels fed to each of the first ``num_levels`` blocks, 0 for none."""

    @staticmethod
    @abstractmethod
    def _feeds(embeddings: Sequence[Tensor]) -> Sequence[Sequence[Tensor]]:
        """What the first blocks are fed, in parts that lie side by side on channels."""

    def forward(
        self,
        embeddings: Sequence[Tensor],
        coords: Tensor | None,
        *,
        scale: Tensor | None = None,
        dirs: Tensor | None = None,
    ) -> Tensor:
        """Signal values ``(B, *S, out_channels)``; see :class:`AbstractReadout`."""
        return self.mlp(self._feeds(embeddings), coords, scale=scale, dirs=dirs)


@MODELS.register_module()
class CFCReadout(_FedReadout):
    """Coarse-to-fine conditioning (DDMI section 3.1): scale ``i`` enters at block ``i``.

    The published read-out of shapes is ``coordinates='linear'``, its other arguments as here; that
    of images is ``modulation=dict(type='ScaleStyle')`` with ``head=dict(type='StyledHead', ...)``.

    Args:
        embedding_channels: Channels ``C_p`` of an embedding.
        num_levels: Number of scales.
        num_coords: Number ``D`` of coordinates.
        head: Config of the head, e.g. ``dict(type='LinearHead', out_channels=1)``.
        width: Channels between blocks.
        block: Config of the blocks (default: ``dict(type='ResidualLinear')``, with a modulation
            ``dict(type='StyledBlock')``).
        coordinates: ``'none'``, ``'linear'`` or ``'fourier'``: what the first block's output is
            given of the raw coordinates.
        combine: ``'concat'`` or ``'sum'``: how a block's input joins the next embedding.
        num_extra_blocks: Blocks after the last embedding.
        num_frequencies: Octaves of ``coordinates='fourier'``.
        modulation: Config of what the scale does to the blocks (default: nothing).
    """

    @staticmethod
    def _feed_channels(channels: int, num_levels: int) -> list[int]:
        return [channels] * num_levels

    @staticmethod
    def _feeds(embeddings: Sequence[Tensor]) -> Sequence[Sequence[Tensor]]:
        return [[x] for x in embeddings]


@MODELS.register_module()
class ConcatReadout(_FedReadout):
    """Baseline without coarse-to-fine conditioning: all scales enter at the first block.

    As deep as :class:`CFCReadout`, and with the same arguments, so that configs can exchange them.
    """

    @staticmethod
    def _feed_channels(channels: int, num_levels: int) -> list[int]:
        return [channels * num_levels] + [0] * (num_levels - 1)

    @staticmethod
    def _feeds(embeddings: Sequence[Tensor]) -> Sequence[Sequence[Tensor]]:
        return [embeddings]
