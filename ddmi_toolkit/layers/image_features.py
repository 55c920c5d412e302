"""Feature maps of images by networks of timm that are never trained."""

from collections.abc import Sequence

from torch import Tensor, nn

from .frozen import Frozen, fixed_initialization, warn_random
from .timm_backbone import BackboneInput, create_backbone, feature_maps


class ImageFeatures(nn.Module):
    """Feature maps of a timm backbone, frozen; gradients reach the images.

    Args:
        backbone: Name in timm, e.g. ``'vgg16'``.
        pretrained: File of its weights (``.pth`` or safetensors); None draws random ones, the
            same in every process, with a warning in the log.
        layers: Indices of the maps, as timm's ``out_indices``.
        keep: What checkpoints hold of the backbone, see :class:`Frozen`.

    Attributes:
        channels: Channels of each map.

    Raises:
        FileNotFoundError: The weights file does not exist.
        ValueError: timm has no such backbone, or the file holds the weights of another one.
    """

    def __init__(
        self, backbone: str, pretrained: str | None, layers: Sequence[int], keep: str
    ) -> None:
        super().__init__()
        with fixed_initialization():
            net = create_backbone(backbone, pretrained, layers)
        if pretrained is None:
            warn_random('image features', backbone)
        self.net, self.normalize = Frozen(net, keep), BackboneInput(backbone)
        self.channels = net.feature_info.channels()

    def forward(self, images: Tensor) -> list[Tensor]:
        """Maps ``(B, C_i, h_i, w_i)`` of images ``(B, 3, H, W)`` or grey ``(B, 1, H, W)``, [-1, 1].

        Raises:
            ValueError: The images have neither 1 nor 3 channels.
        """
        return feature_maps(self.net, self.normalize(images))
