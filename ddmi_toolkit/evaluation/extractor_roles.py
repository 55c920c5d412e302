"""What networks must say of themselves whose features pictures or clips are compared in."""

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor, nn


class AbstractExtractor(nn.Module, ABC):
    """Features of 8-bit images.

    Attributes:
        name: Stands in the names of the metrics; empty for the features that a metric's plain
            name means.
        num_features: Length of a feature vector.
        resize: How images are brought to the network's size; part of the protocol.
        checksum: Of the weights, 16 hexadecimal digits.
    """

    name: str
    num_features: int
    resize: str = 'none'
    checksum: str

    @abstractmethod
    def extract(self, images: Tensor) -> Tensor:
        """Features ``(B, num_features)`` of images ``(B, 3, H, W)`` uint8."""

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """Features ``(B, num_features)`` float32.

        Args:
            images: ``(B, 3, H, W)`` uint8.

        Raises:
            ValueError: The images are others.
        """
        _require_bytes(self, images, 'images', '(B, 3, H, W)')
        return self.extract(images).float()

    def protocol(self) -> dict[str, Any]:
        """What identifies the features."""
        return _identity(self, self.name or 'inception')


class AbstractClipExtractor(nn.Module, ABC):
    """Features of 8-bit clips.

    Attributes:
        name: Stands in the names of the metrics; empty for the features that a metric's plain
            name means.
        num_features: Length of a feature vector.
        resize: How frames are brought to the network's size; part of the protocol.
        checksum: Of the weights, 16 hexadecimal digits.
    """

    name: str
    num_features: int
    resize: str = 'none'
    checksum: str

    @abstractmethod
    def extract(self, clips: Tensor) -> Tensor:
        """Features ``(B, num_features)`` of clips ``(B, 3, T, H, W)`` uint8."""

    @torch.no_grad()
    def forward(self, clips: Tensor) -> Tensor:
        """Features ``(B, num_features)`` float32.

        Args:
            clips: ``(B, 3, T, H, W)`` uint8.

        Raises:
            ValueError: The clips are others.
        """
        _require_bytes(self, clips, 'clips', '(B, 3, T, H, W)')
        return self.extract(clips).float()

    def protocol(self) -> dict[str, Any]:
        """What identifies the features."""
        return _identity(self, self.name or 'i3d')


def _identity(extractor: AbstractExtractor | AbstractClipExtractor, name: str) -> dict[str, Any]:
    return dict(
        extractor=name,
        checksum=extractor.checksum,
        num_features=extractor.num_features,
        extractor_resize=extractor.resize,
    )


def _require_bytes(extractor: nn.Module, values: Tensor, what: str, expected: str) -> None:
    ndim = expected.count(',') + 1
    if values.ndim != ndim or values.shape[1] != 3 or values.dtype != torch.uint8:
        raise ValueError(
            f'{type(extractor).__name__} got {what} of shape {tuple(values.shape)} and type '
            f'{values.dtype}; expected {expected} uint8'
        )
