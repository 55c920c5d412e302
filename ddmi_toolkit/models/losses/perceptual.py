"""Distance of images in the features of a network."""

from collections.abc import Mapping, Sequence

import torch.nn.functional as F
from torch import Tensor

from ...layers.image_features import ImageFeatures
from ...registry import MODELS
from .base import AbstractLoss


@MODELS.register_module()
class PerceptualLoss(AbstractLoss):
    """Squared distance of unit-length features, summed over channels, averaged over positions.

    The layers are then summed: LPIPS (Zhang et al. 2018) with all channels weighted alike; its
    learned weights are not used. The defaults are LPIPS's layers of VGG-16. Values mean something
    for others only with trained weights. Equal images have distance 0; images that differ have a
    positive one unless no chosen layer tells them apart.

    Checkpoints do not hold the backbone, so a trained model loads where the file is absent.

    Args:
        backbone: Name in timm.
        pretrained: File of its weights; None draws random ones, the same in every process, with
            a warning in the log.
        layers: Indices of the feature maps that are compared, as timm's ``out_indices``.
        weight: Factor.

    Raises:
        FileNotFoundError: The weights file does not exist.
        ValueError: timm has no such backbone, or the file holds the weights of another one.
    """

    def __init__(
        self,
        backbone: str = 'vgg16',
        pretrained: str | None = None,
        layers: Sequence[int] = (0, 1, 2, 3, 4),
        weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.weight = weight
        self.features = ImageFeatures(backbone, pretrained, layers, keep='nothing')

    def forward(
        self, pred: Tensor, target: Tensor, query: Mapping[str, Tensor] | None = None
    ) -> Tensor:
        """Scalar loss, the mean over images (or frames).

        Args:
            pred: Images ``(B, H, W, C)`` or clips ``(B, T, H, W, C)``, whose frames count as
                images; ``C`` is 1 or 3, values in [-1, 1].
            target: Same shape.
            query: Unused.

        Raises:
            ValueError: The shapes differ, or the values lie at scattered points.
        """
        if pred.shape != target.shape:
            raise ValueError(
                f'prediction {tuple(pred.shape)} and target {tuple(target.shape)} differ in shape'
            )
        if pred.ndim < 4:
            raise ValueError(
                f'PerceptualLoss got values of shape {tuple(pred.shape)}; it compares images '
                f'(B, H, W, C), and scattered points have no neighbors: let the data set query a '
                f'grid, or remove this loss'
            )
        distances = (
            (_unit(p) - _unit(t)).square().sum(dim=1).mean()
            for p, t in zip(self._maps(pred), self._maps(target), strict=True)
        )
        return self.weight * sum(distances)

    def _maps(self, images: Tensor) -> list[Tensor]:
        return self.features(images.flatten(0, -4).movedim(-1, 1))


def _unit(features: Tensor) -> Tensor:
    """Features ``(B, C, h, w)`` scaled to length 1 at each position, in float32 or wider."""
    features = features.float() if features.itemsize < 4 else features
    return F.normalize(features, dim=1, eps=1e-6)
