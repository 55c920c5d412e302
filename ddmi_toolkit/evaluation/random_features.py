"""Features by random weights that follow from a seed: of pictures and of clips."""

import logging
from functools import cache
from itertools import pairwise

import torch
import torch.nn.functional as F
from mmengine.logging import print_log
from torch import Tensor, nn

from ..layers.frozen import fixed_initialization
from ..registry import MODELS
from .extractor_roles import AbstractClipExtractor, AbstractExtractor
from .weights import weights_digest

NAME = 'random_not_comparable'
MOTION = 10.0  # how much changes between frames count more than colors


@MODELS.register_module()
class RandomExtractor(AbstractExtractor):
    """A small convolutional network with random weights that follow from a seed.

    Needs no file, sees textures and colors, and gives numbers that compare runs of one protocol
    with each other and with nothing published: the name and the log say so.

    Args:
        num_features: Length of a feature vector.
        seed: What the weights depend on.
    """

    name = NAME

    def __init__(self, num_features: int = 64, seed: int = 0) -> None:
        super().__init__()
        self.num_features = num_features
        self.net = _random_convolutions(nn.Conv2d, 3, num_features, seed)
        self.checksum = weights_digest(self.net)
        _warn_not_comparable(type(self).__name__, 'InceptionExtractor')

    def extract(self, images: Tensor) -> Tensor:
        """Mean and largest response alternate, so that both textures and details count."""
        return _responses(self.net, images.float() / 127.5 - 1)


@MODELS.register_module()
class RandomClipExtractor(AbstractClipExtractor):
    """A small 3-D convolutional network with random weights that follow from a seed.

    Like :class:`RandomExtractor`: needs no file, compares runs of one protocol with each other and
    with nothing published. It is given what changes from frame to frame, too, and amplified, for
    random filters would hardly tell slow motion from none.

    Args:
        num_features: Length of a feature vector.
        seed: What the weights depend on.
    """

    name = NAME

    def __init__(self, num_features: int = 64, seed: int = 0) -> None:
        super().__init__()
        self.num_features = num_features
        self.net = _random_convolutions(nn.Conv3d, 6, num_features, seed)
        self.checksum = weights_digest(self.net)
        _warn_not_comparable(type(self).__name__, 'I3DExtractor')

    def extract(self, clips: Tensor) -> Tensor:
        """Mean and largest response alternate, so that both textures and details count."""
        clips = clips.float() / 127.5 - 1
        change = MOTION * F.pad(clips[:, :, 1:] - clips[:, :, :-1], (0, 0, 0, 0, 0, 1))
        return _responses(self.net, torch.cat([clips, change], dim=1))


def _random_convolutions(
    kind: type[nn.Module], in_channels: int, num_features: int, seed: int
) -> nn.ModuleList:
    widths = (in_channels, 16, 32, num_features)
    with fixed_initialization():
        torch.default_generator.manual_seed(seed)
        layers = [kind(a, b, 3, stride=2, padding=1) for a, b in pairwise(widths)]
    return nn.ModuleList(layers).eval().requires_grad_(False)


def _responses(layers: nn.ModuleList, x: Tensor) -> Tensor:
    """``(B, num_features)`` of ``(B, C, *S)`` in [-1, 1]."""
    for layer in layers:
        x = F.leaky_relu(layer(x), 0.2) * 2
    half, x = x.shape[1] // 2, x.flatten(2)
    return torch.cat([x[:, :half].mean(2), x[:, half:].amax(2)], dim=1)


@cache
def _warn_not_comparable(name: str, published: str) -> None:
    print_log(
        f'{name}: its values compare runs of one protocol and are not comparable with any '
        f'published number; those are of {published}',
        logger='current',
        level=logging.WARNING,
    )
