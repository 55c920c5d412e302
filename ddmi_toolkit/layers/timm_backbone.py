"""Networks of timm as sources of feature maps, with weights from files."""

import difflib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from .frozen import fixed_initialization, is_meta, require_file

IMAGENET = dict(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))


class BackboneInput(nn.Module):
    """Images in [-1, 1] as a backbone was trained to see them.

    Args:
        backbone: Name in timm; its published weights state mean and deviation of the colors.
    """

    def __init__(self, backbone: str) -> None:
        super().__init__()
        import timm

        cfg = timm.get_pretrained_cfg(backbone)  # None: weights were never published
        for name, default in IMAGENET.items():
            value = torch.tensor(default if cfg is None else getattr(cfg, name)).view(1, -1, 1, 1)
            self.register_buffer(name, value, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """``(B, 3, H, W)`` of images ``(B, 3, H, W)`` or grey ``(B, 1, H, W)`` in [-1, 1].

        Raises:
            ValueError: The images have neither 1 nor 3 channels.
        """
        if images.ndim != 4 or images.shape[1] not in (1, 3):
            raise ValueError(
                f'images of shape {tuple(images.shape)}: expected (B, 3, H, W) or (B, 1, H, W) '
                f'with values in [-1, 1]'
            )
        return ((images + 1) / 2 - self.mean) / self.std  # grey broadcasts to 3 channels


def feature_maps(net: nn.Module, images: Tensor) -> list[Tensor]:
    """Maps ``(B, C_i, h_i, w_i)`` of a ``features_only`` network, whatever its own order is."""
    is_last = str(getattr(net, 'output_fmt', 'NCHW')).endswith('NHWC')
    return [m.movedim(-1, 1) if is_last else m for m in net(images)]


def create_backbone(
    backbone: str,
    pretrained: str | None,
    layers: Sequence[int] | None = None,
    **options: Any,
) -> nn.Module:
    """A ``features_only`` network of timm.

    Args:
        backbone: Name in timm, e.g. ``'resnet18'``.
        pretrained: File of its weights (``.pth`` or safetensors); None draws random ones. No file
            is read on the meta device.
        layers: Indices of the maps, as timm's ``out_indices`` (default: timm's).
        **options: Further arguments of ``timm.create_model``.

    Raises:
        FileNotFoundError: The weights file does not exist.
        ValueError: timm has no such backbone, it has no feature maps, or the file holds the weights
            of another one.
    """
    import timm

    if not timm.is_model(backbone):
        near = difflib.get_close_matches(backbone, timm.list_models(), n=4)
        raise ValueError(f'timm has no backbone {backbone!r}; near names: {near}')
    if layers is not None:
        options['out_indices'] = tuple(layers)

    def build(**more: Any) -> nn.Module:
        try:
            return timm.create_model(backbone, features_only=True, **options, **more)
        except (RuntimeError, AttributeError, IndexError, AssertionError) as error:
            if more:
                raise
            which = '' if layers is None else f'{tuple(layers)} '
            text = ' '.join(str(error).split()) or type(error).__name__
            raise ValueError(
                f'timm gives no feature maps {which}of {backbone!r}: {text}'
            ) from error

    if pretrained is None or is_meta():
        return build()
    path = find_backbone_weights(backbone, pretrained)
    with fixed_initialization():
        return _loaded(build, path, backbone)


def find_backbone_weights(backbone: str, pretrained: str) -> Path:
    """The file of a backbone's weights.

    Raises:
        FileNotFoundError: It does not exist; the message says how to get it.
    """
    return require_file(
        pretrained,
        f'get it where there is a network by timm.create_model({backbone!r}, pretrained=True) and '
        f'torch.save of its state_dict()',
    )


def _loaded(build: Callable[..., nn.Module], path: Path, backbone: str) -> nn.Module:
    """timm passes over names that do not match, so weights left at their start are looked for."""
    with fixed_initialization():
        start = build().state_dict()
    try:
        net = build(pretrained=True, pretrained_cfg_overlay=dict(file=str(path)))
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(f'{path} cannot be read as weights of {backbone!r}: {reason}') from error
    left = [k for k, v in net.state_dict().items() if v.ndim > 1 and torch.equal(v, start[k])]
    if left:
        raise ValueError(
            f'{path} holds no weights for {len(left)} tensors of {backbone!r}, e.g. {left[:3]}: '
            f'it belongs to another network'
        )
    return net
