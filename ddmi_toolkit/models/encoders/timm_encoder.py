"""Encoder of images whose features come from a network of timm."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...layers.resnet import group_norm
from ...layers.timm_backbone import BackboneInput, create_backbone, feature_maps
from ...registry import MODELS
from ...structures import PlaneLayout
from .base import AbstractEncoder


@MODELS.register_module()
class TimmEncoder(AbstractEncoder):
    """A timm backbone whose maps meet at the latent's resolution; all of it is trained.

    Maps as coarse as the latent and coarser are projected by 1x1 convolutions and added up on the
    way from coarse to fine (feature pyramid, Lin et al. 2017); finer ones are not built. Batch
    normalization, where a backbone has it, makes a picture's posterior in training mode depend on
    its batch; in evaluation it does not.

    Args:
        layout: One plane, both axes strided, whose shape at stride 1 is the shape of the inputs.
        out_channels: Latent channels ``C``.
        backbone: Name in timm, of a network with feature maps.
        pretrained: File of its weights (``.pth`` or safetensors); None: random ones.
        width: Channels of the pyramid.
        resample: Whether the pyramid ends at another resolution, interpolated to the latent's,
            where no map has that one: e.g. for vision transformers of patch 16 and a stride of 4,
            whose latents then hold no finer detail than the patches'.
        options: Further arguments of ``timm.create_model``, e.g. ``dict(drop_path_rate=0.1)``.

    Raises:
        FileNotFoundError: The weights file does not exist.
        ValueError: The layout has several planes, timm has no such backbone or gives no maps of
            it, none of its maps has the latent's resolution, or the file belongs to another one.
    """

    def __init__(
        self,
        layout: PlaneLayout,
        out_channels: int,
        backbone: str = 'resnet18',
        pretrained: str | None = None,
        width: int = 128,
        resample: bool = False,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        _check_layout(layout)
        self.layout, self.plane = layout, layout.planes[0]
        options = _sized(backbone, dict(options or {}), layout.shape(self.plane, 1))
        levels = _levels(backbone, layout.latent_stride, resample, options)
        self.net = create_backbone(backbone, pretrained, levels, **options)
        self.normalize = BackboneInput(backbone)
        self.lateral = nn.ModuleList(
            nn.Conv2d(c, width, 1) for c in self.net.feature_info.channels()
        )
        self.head = nn.Sequential(
            group_norm(width), nn.SiLU(), nn.Conv2d(width, 2 * out_channels, 3, padding=1)
        )

    def forward(self, inputs: Tensor) -> Tensor:
        """Pictures ``(B, 3, rows, cols)`` or grey ``(B, 1, rows, cols)`` to ``(B, 2C, N)``.

        Raises:
            ValueError: The inputs do not have the plane's shape, or neither 1 nor 3 channels.
        """
        expected = self.layout.shape(self.plane, 1)
        if inputs.ndim != 4 or inputs.shape[2:] != expected:
            raise ValueError(
                f'inputs of shape {tuple(inputs.shape)} do not fill plane {self.plane!r}: expected '
                f'(B, 3, {expected[0]}, {expected[1]}); resize them or change the axis sizes'
            )
        maps = feature_maps(self.net, self.normalize(inputs))
        h = None
        for conv, x in reversed(list(zip(self.lateral, maps, strict=True))):
            x = conv(x)
            h = x if h is None else x + _resized(h, x.shape[2:])
        h = _resized(h, self.layout.shape(self.plane, self.layout.latent_stride))
        return self.layout.merge({self.plane: self.head(h)})


def _check_layout(layout: PlaneLayout) -> None:
    is_strided = all(layout.axes[a].strided for a in layout.planes[0])
    if len(layout.planes) != 1 or len(layout.planes[0]) != 2 or not is_strided:
        raise ValueError(
            f'TimmEncoder fills one plane of two strided axes, the layout has '
            f'{list(layout.planes)}; choose another encoder'
        )


def _sized(backbone: str, options: dict[str, Any], size: tuple[int, int]) -> dict[str, Any]:
    """Vision transformers are built for one size of the inputs."""
    import timm

    cfg = timm.get_pretrained_cfg(backbone)
    if cfg is not None and cfg.fixed_input_size:
        options.setdefault('img_size', size)
    return options


def _levels(
    backbone: str, stride: int, resample: bool, options: Mapping[str, Any]
) -> Sequence[int] | None:
    """Indices of the maps that are used."""
    with torch.device('meta'):
        info = create_backbone(backbone, None, **options).feature_info
    pairs = list(zip(info.out_indices, info.reduction(), strict=True))
    if stride in info.reduction():
        return [i for i, r in pairs if r >= stride]
    if not resample:
        raise ValueError(
            f'backbone {backbone!r} has maps of stride {sorted(set(info.reduction()))}, the latent '
            f'has latent_stride={stride}; choose one of these strides, another backbone, or '
            f'resample=True to interpolate'
        )
    return [i for i, r in pairs if r >= stride] or [pairs[-1][0]]


def _resized(x: Tensor, size: tuple[int, int]) -> Tensor:
    if tuple(x.shape[2:]) == tuple(size):
        return x
    return F.interpolate(x, size=tuple(size), mode='bilinear', antialias=True)
