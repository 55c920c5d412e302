"""The RGB network of the Inflated 3D ConvNet, named as in published PyTorch weights."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MIN_FRAMES = 9  # two frames must be left of them after three halvings

# Widths of an Inception block's branches: 1x1; 1x1 -> 3x3; 1x1 -> 3x3; pool -> 1x1.
_BLOCKS = {
    'Mixed_3b': (64, 96, 128, 16, 32, 32),
    'Mixed_3c': (128, 128, 192, 32, 96, 64),
    'Mixed_4b': (192, 96, 208, 16, 48, 64),
    'Mixed_4c': (160, 112, 224, 24, 64, 64),
    'Mixed_4d': (128, 128, 256, 24, 64, 64),
    'Mixed_4e': (112, 144, 288, 32, 64, 64),
    'Mixed_4f': (256, 160, 320, 32, 128, 128),
    'Mixed_5b': (256, 160, 320, 32, 128, 128),
    'Mixed_5c': (384, 192, 384, 48, 128, 128),
}


class I3D(nn.Module):
    """Inception-v1 whose filters were inflated in time (Carreira and Zisserman 2017).

    Paddings are those of TensorFlow ('SAME'). Modules are named as in ``i3d_pretrained_400.pt``
    and the other files of that layout.

    Args:
        num_classes: Classes of the logits.
    """

    def __init__(self, num_classes: int = 400) -> None:
        super().__init__()
        self.Conv3d_1a_7x7 = Unit3D(3, 64, 7, stride=2)
        self.Conv3d_2b_1x1 = Unit3D(64, 64, 1)
        self.Conv3d_2c_3x3 = Unit3D(64, 192, 3)
        channels = 192
        for name, widths in _BLOCKS.items():
            self.add_module(name, InceptionBlock(channels, widths))
            channels = widths[0] + widths[2] + widths[4] + widths[5]
        self.logits = Unit3D(channels, num_classes, 1, is_last=True)

    def forward(self, clips: Tensor) -> Tensor:
        """Logits ``(B, num_classes)``, mean over time, of clips ``(B, 3, T, 224, 224)`` in [-1, 1].

        ``T`` is at least 9.
        """
        x = _pool_same(self.Conv3d_1a_7x7(clips), (1, 3, 3), (1, 2, 2))
        x = self.Conv3d_2c_3x3(self.Conv3d_2b_1x1(x))
        x = _pool_same(x, (1, 3, 3), (1, 2, 2))
        for name in _BLOCKS:
            if name == 'Mixed_4b':
                x = _pool_same(x, (3, 3, 3), (2, 2, 2))
            if name == 'Mixed_5b':
                x = _pool_same(x, (2, 2, 2), (2, 2, 2))
            x = getattr(self, name)(x)
        x = F.avg_pool3d(x, (2, 7, 7), stride=1)
        return self.logits(x).mean((2, 3, 4))


class InceptionBlock(nn.Module):
    """Four branches side by side.

    Args:
        in_channels: Channels of the input.
        widths: 1x1; 1x1 and 3x3; 1x1 and 3x3; 1x1 after a pooling.
    """

    def __init__(self, in_channels: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        a, b, c, d, e, f = widths
        self.b0 = Unit3D(in_channels, a, 1)
        self.b1a, self.b1b = Unit3D(in_channels, b, 1), Unit3D(b, c, 3)
        self.b2a, self.b2b = Unit3D(in_channels, d, 1), Unit3D(d, e, 3)
        self.b3b = Unit3D(in_channels, f, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Channels of all branches."""
        pooled = _pool_same(x, (3, 3, 3), (1, 1, 1))
        branches = self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), self.b3b(pooled)
        return torch.cat(branches, dim=1)


class Unit3D(nn.Module):
    """A convolution, with normalization and ReLU unless it is the last one.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        kernel_size: Of all three directions.
        stride: Of all three directions.
        is_last: Whether it has a bias in place of normalization and ReLU.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        is_last: bool = False,
    ) -> None:
        super().__init__()
        self.conv3d = nn.Conv3d(in_channels, out_channels, kernel_size, stride, bias=is_last)
        # eps of the code that came with the weights; TensorFlow's network has 1e-3
        self.bn = None if is_last else nn.BatchNorm3d(out_channels, eps=1e-5)

    def forward(self, x: Tensor) -> Tensor:
        """Output of as many positions as strides fit."""
        x = self.conv3d(_pad_same(x, self.conv3d.kernel_size, self.conv3d.stride))
        return x if self.bn is None else F.relu(self.bn(x))


def _pool_same(x: Tensor, kernel: tuple[int, ...], stride: tuple[int, ...]) -> Tensor:
    # values are at least 0 here, so that zeros of the padding win no maximum
    return F.max_pool3d(_pad_same(x, kernel, stride), kernel, stride)


def _pad_same(x: Tensor, kernel: tuple[int, ...], stride: tuple[int, ...]) -> Tensor:
    """Zeros around ``x``, one more behind than before where they are odd (TensorFlow)."""
    pads: list[int] = []
    for size, k, s in zip(x.shape[2:], kernel, stride, strict=True):
        total = max((-(-size // s) - 1) * s + k - size, 0)
        pads = [total // 2, total - total // 2, *pads]
    return F.pad(x, pads)
