"""Losses of pictures, applied to one frame of a clip."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from ...registry import MODELS
from .base import AbstractAdversarialLoss, AbstractLoss


def frame_of(clips: Tensor, query: Mapping[str, Tensor] | None) -> Tensor:
    """Frame ``query['frame']`` of each clip, ``(B, T, h, w, C)`` to ``(B, h, w, C)``.

    Raises:
        ValueError: The values are no clips, or the query names no frame or one that is not there.
    """
    if clips.ndim != 5:
        raise ValueError(
            f'values of shape {tuple(clips.shape)} have no frames; expected clips (B, T, h, w, C)'
        )
    if query is None or 'frame' not in query:
        raise ValueError(
            f'one frame of a clip is judged, the query names none (it has {sorted(query or {})}); '
            f"let the data set draw query['frame'], as CropClip does"
        )
    frame = query['frame']
    if frame.shape != clips.shape[:1] or not 0 <= frame.min() <= frame.max() < clips.shape[1]:
        raise ValueError(
            f"query['frame'] is {frame.tolist()}; expected one index below {clips.shape[1]} for "
            f'each of {clips.shape[0]} clips'
        )
    return clips[range(len(clips)), frame.tolist()]


@MODELS.register_module()
class OneFrame(AbstractLoss):
    """A loss of pictures on one frame of each clip, drawn by the data set (published video).

    Args:
        loss: Config of the loss; its weight is the factor.
    """

    def __init__(self, loss: dict[str, Any]) -> None:
        super().__init__()
        self.loss = MODELS.build(loss, role=AbstractLoss)

    @property
    def weight(self) -> float:
        """Factor of the loss."""
        return self.loss.weight

    @weight.setter
    def weight(self, value: float) -> None:
        self.loss.weight = value

    def forward(
        self, pred: Tensor, target: Tensor, query: Mapping[str, Tensor] | None = None
    ) -> Tensor:
        """Scalar loss of clips ``(B, T, h, w, C)``, of which ``query['frame']`` is looked at."""
        return self.loss(frame_of(pred, query), frame_of(target, query), query)


@MODELS.register_module()
class OneFrameGame(AbstractAdversarialLoss):
    """A game about pictures on one frame of each clip, drawn by the data set (published video).

    Args:
        game: Config of the game; its weight is the factor.
    """

    def __init__(self, game: dict[str, Any]) -> None:
        super().__init__()
        self.game = MODELS.build(game, role=AbstractAdversarialLoss)

    @property
    def weight(self) -> float:
        """Factor of the autoencoder's terms."""
        return self.game.weight

    @weight.setter
    def weight(self, value: float) -> None:
        self.game.weight = value

    def generator_loss(self, pred: Tensor, target: Tensor, query: Mapping[str, Tensor]) -> Tensor:
        """See :class:`AbstractAdversarialLoss`; of frame ``query['frame']``."""
        return self.game.generator_loss(frame_of(pred, query), frame_of(target, query), query)

    def discriminator_loss(
        self, pred: Tensor, target: Tensor, query: Mapping[str, Tensor]
    ) -> Tensor:
        """See :class:`AbstractAdversarialLoss`; of frame ``query['frame']``."""
        return self.game.discriminator_loss(frame_of(pred, query), frame_of(target, query), query)
