"""Discriminators that judge overlapping patches."""

from torch import Tensor, nn

from .resnet import group_norm

_CONVS = {2: nn.Conv2d, 3: nn.Conv3d}
_BATCH_NORMS = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
NORMS = ('group', 'batch', 'none')


class PatchDiscriminator(nn.Module):
    """PatchGAN discriminator of images or clips (pix2pix, Isola et al. 2017).

    Convolutions of kernel 4 and padding 2: ``num_layers`` with stride 2, one more, and a last one
    to a score per patch; leaky ReLU of slope 0.2 between them, a norm in all but the first and
    the last. Channels double from ``base_channels`` up to eight times that.

    Args:
        dim: Axes of the data: 2 for images, 3 for clips.
        in_channels: Channels of the data.
        base_channels: Channels of the first convolution (published: 64).
        num_layers: Convolutions of stride 2 (published: 3).
        norm: ``'group'``; ``'batch'`` (published), whose scores depend on the rest of the batch
            and, in training by several processes, on how it is split; or ``'none'``.

    Raises:
        ValueError: Another number of axes, or an unknown norm.
    """

    def __init__(
        self,
        dim: int,
        in_channels: int,
        base_channels: int = 64,
        num_layers: int = 3,
        norm: str = 'group',
    ) -> None:
        super().__init__()
        if dim not in _CONVS:
            raise ValueError(f'a patch discriminator has 2 or 3 axes, got dim={dim}')
        if norm not in NORMS:
            raise ValueError(f'norm must be one of {list(NORMS)}, got {norm!r}')
        widths = [min(2**i, 8) * base_channels for i in range(num_layers + 1)]
        self.layers = nn.ModuleList()
        channels = in_channels
        for i, width in enumerate(widths):
            has_norm = norm != 'none' and i > 0
            conv = _CONVS[dim](
                channels,
                width,
                kernel_size=4,
                stride=2 if i < num_layers else 1,
                padding=2,
                bias=not has_norm,
            )
            parts = [conv, nn.LeakyReLU(0.2)]
            if has_norm:
                parts.insert(1, _BATCH_NORMS[dim](width) if norm == 'batch' else group_norm(width))
            self.layers.append(nn.Sequential(*parts))
            channels = width
        self.layers.append(_CONVS[dim](channels, 1, kernel_size=4, padding=2))
        self.apply(_initialize)

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Scores of patches, and the features of all layers before.

        Args:
            x: ``(B, C, *S)``.

        Returns:
            ``(B, 1, *S')``, higher for data taken for real, and ``num_layers + 1`` feature maps.
        """
        features = []
        for layer in self.layers[:-1]:
            x = layer(x)
            features.append(x)
        return self.layers[-1](x), features


def _initialize(module: nn.Module) -> None:
    """DCGAN's, as pix2pix: small convolutions, gains around 1."""
    if isinstance(module, tuple(_CONVS.values())):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, tuple(_BATCH_NORMS.values())):
        nn.init.normal_(module.weight, 1.0, 0.02)
