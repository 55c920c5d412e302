"""Feature maps of images by networks of timm."""

import difflib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from .frozen import Frozen, fixed_initialization, is_meta, require_file, warn_random


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
        net = _timm_backbone(backbone, pretrained, layers)
        self.net = Frozen(net, keep)
        self.channels = net.feature_info.channels()
        self.channels_last = str(net.output_fmt).endswith('NHWC')
        for name in ('mean', 'std'):
            value = torch.tensor(_statistics(backbone)[name]).view(1, -1, 1, 1)
            self.register_buffer(name, value, persistent=False)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Maps ``(B, C_i, h_i, w_i)`` of images ``(B, 3, H, W)`` or grey ``(B, 1, H, W)``, [-1, 1].

        Raises:
            ValueError: The images have neither 1 nor 3 channels.
        """
        if images.ndim != 4 or images.shape[1] not in (1, 3):
            raise ValueError(
                f'images of shape {tuple(images.shape)}: expected (B, 3, H, W) or (B, 1, H, W) '
                f'with values in [-1, 1]'
            )
        maps = self.net(((images + 1) / 2 - self.mean) / self.std)  # grey broadcasts to 3 channels
        return [m.movedim(-1, 1) if self.channels_last else m for m in maps]


def _statistics(backbone: str) -> dict[str, Sequence[float]]:
    import timm

    cfg = timm.get_pretrained_cfg(backbone)
    if cfg is None:  # weights that were never published: ImageNet's
        return dict(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    return dict(mean=cfg.mean, std=cfg.std)


def _timm_backbone(backbone: str, pretrained: str | None, layers: Sequence[int]) -> nn.Module:
    """A ``features_only`` network of timm; errors as :class:`ImageFeatures` says."""
    import timm

    if not timm.is_model(backbone):
        near = difflib.get_close_matches(backbone, timm.list_models(), n=4)
        raise ValueError(f'timm has no backbone {backbone!r}; near names: {near}')

    def build(**kwargs: Any) -> nn.Module:
        with fixed_initialization():
            return timm.create_model(
                backbone, features_only=True, out_indices=tuple(layers), **kwargs
            )

    if pretrained is None:
        warn_random('image features', backbone)
    if pretrained is None or is_meta():
        return build()
    path = require_file(
        pretrained,
        f'get it where there is a network by timm.create_model({backbone!r}, pretrained=True) and '
        f'torch.save of its state_dict()',
    )
    return _loaded(build, path, backbone)


def _loaded(build: Callable[..., nn.Module], path: Path, backbone: str) -> nn.Module:
    """timm passes over names that do not match, so weights left at their start are looked for."""
    try:
        net = build(pretrained=True, pretrained_cfg_overlay=dict(file=str(path)))
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(f'{path} cannot be read as weights of {backbone!r}: {reason}') from error
    start = build().state_dict()
    left = [k for k, v in net.state_dict().items() if v.ndim > 1 and torch.equal(v, start[k])]
    if left:
        raise ValueError(
            f'{path} holds no weights for {len(left)} tensors of {backbone!r}, e.g. {left[:3]}: '
            f'it belongs to another network'
        )
    return net
