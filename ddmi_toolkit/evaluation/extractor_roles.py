"""What networks must say of themselves whose features pictures or clips are compared in."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import torch
from torch import Tensor, nn


class FeatureExtractor(nn.Module, ABC):
    """Features of 8-bit values; concrete roles say of what.

    Attributes:
        PLURAL: What the values are.
        AXES: Of the values behind ``(B, 3``.
        PLAIN: What a protocol calls the features that a metric's plain name means.
        name: Stands in the names of the metrics; empty for those features.
        num_features: Length of a feature vector.
        resize: How values are brought to the network's size; part of the protocol.
        checksum: Of the weights, 16 hexadecimal digits.
    """

    PLURAL: ClassVar[str]
    AXES: ClassVar[tuple[str, ...]]
    PLAIN: ClassVar[str]
    name: str
    num_features: int
    resize: str = 'none'
    checksum: str

    @abstractmethod
    def extract(self, values: Tensor) -> Tensor:
        """Features ``(B, num_features)`` of values ``(B, 3, *AXES)`` uint8."""

    @torch.no_grad()
    def forward(self, values: Tensor) -> Tensor:
        """Features ``(B, num_features)`` float32.

        Args:
            values: ``(B, 3, *AXES)`` uint8.

        Raises:
            ValueError: The values are others.
        """
        is_fit = values.ndim == 2 + len(self.AXES) and values.shape[1] == 3
        if not is_fit or values.dtype != torch.uint8:
            raise ValueError(
                f'{type(self).__name__} got {self.PLURAL} of shape {tuple(values.shape)} and type '
                f'{values.dtype}; expected (B, 3, {", ".join(self.AXES)}) uint8'
            )
        return self.extract(values).float()

    def protocol(self) -> dict[str, Any]:
        """What identifies the features."""
        return dict(
            extractor=self.name or self.PLAIN,
            checksum=self.checksum,
            num_features=self.num_features,
            extractor_resize=self.resize,
        )


class AbstractExtractor(FeatureExtractor):
    """Features of 8-bit images ``(B, 3, H, W)``."""

    PLURAL, AXES, PLAIN = 'images', ('H', 'W'), 'inception'


class AbstractClipExtractor(FeatureExtractor):
    """Features of 8-bit clips ``(B, 3, T, H, W)``."""

    PLURAL, AXES, PLAIN = 'clips', ('T', 'H', 'W'), 'i3d'
