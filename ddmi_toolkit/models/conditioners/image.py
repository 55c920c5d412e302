"""Conditions that are pictures."""

import torch
from torch import Tensor

from ...layers.image_features import ImageFeatures
from ...registry import MODELS
from .base import AbstractConditioner, Condition


@MODELS.register_module()
class ImageConditioner(AbstractConditioner):
    """Last feature map of a frozen timm backbone: its cells are the context, their mean the vector.

    Tokens run along rows. Their positions are not encoded beyond what the backbone does itself.
    Checkpoints hold the backbone when it is random; when it comes from a file they hold its
    checksum in its place, and loading them with another file fails.

    Args:
        backbone: Name in timm, e.g. ``'resnet50'``.
        pretrained: File of its weights; None draws random ones, the same in every process, with
            a warning in the log.
        has_context: Whether the tokens are given, or the vector alone.
        drop_probability: See :class:`AbstractConditioner`.

    Raises:
        FileNotFoundError: The weights file does not exist.
        ValueError: timm has no such backbone, or the file holds the weights of another one.
    """

    def __init__(
        self,
        backbone: str,
        pretrained: str | None = None,
        has_context: bool = True,
        drop_probability: float = 0.1,
    ) -> None:
        keep = 'weights' if pretrained is None else 'fingerprint'
        features = ImageFeatures(backbone, pretrained, layers=(-1,), keep=keep)
        channels = features.channels[-1]
        super().__init__(channels, channels if has_context else None, drop_probability)
        self.features = features

    def embed(self, raw: Tensor) -> Condition:
        """Vectors ``(B, D)`` and contexts ``(B, h * w, D)`` of images.

        Args:
            raw: ``(B, 3, H, W)`` or ``(B, 1, H, W)``, values in [-1, 1].
        """
        with torch.no_grad():
            tokens = self.features(raw.to(self.null_vector.device))[-1].flatten(2).mT
        return dict(vector=tokens.mean(dim=1), context=tokens if self.context_channels else None)
