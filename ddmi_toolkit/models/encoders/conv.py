"""Encoder of gridded observations that fill one plane."""

from collections.abc import Sequence

from torch import Tensor

from ...registry import MODELS
from ...structures import PlaneLayout
from .base import AbstractEncoder
from .plane_cnn import PlaneCNN


@MODELS.register_module()
class ConvEncoder(AbstractEncoder):
    """2-D convolutional encoder of images, or of 1-D signals stored as one row.

    The encoder of latent-diffusion autoencoders (Rombach et al. 2022), as published for images.

    Args:
        layout: One plane, whose shape at stride 1 is the shape of the inputs.
        out_channels: Latent channels ``C``.
        in_channels: Channels of the inputs.
        base_channels: Channels that ``channel_mult`` multiplies.
        channel_mult: Factor per level, finest first; one level more than downsamplings.
        num_res_blocks: Residual blocks per level.
        z_channels: The last 3x3 convolution has ``2 * z_channels`` outputs (default: ``C``).
        num_heads: Attention heads of the middle block.

    Raises:
        ValueError: The layout has several planes, or another number of levels.
    """

    def __init__(
        self,
        layout: PlaneLayout,
        out_channels: int,
        in_channels: int = 3,
        base_channels: int = 128,
        channel_mult: Sequence[int] = (1, 2, 4),
        num_res_blocks: int = 2,
        z_channels: int | None = None,
        num_heads: int = 1,
    ) -> None:
        super().__init__()
        if len(layout.planes) != 1:
            raise ValueError(
                f'ConvEncoder fills one plane, the layout has {list(layout.planes)}; choose an '
                f'encoder for several planes'
            )
        self.layout, self.plane, self.in_channels = layout, layout.planes[0], in_channels
        self.cnn = PlaneCNN(
            layout,
            in_channels,
            out_channels,
            base_channels,
            channel_mult,
            num_res_blocks,
            z_channels,
            num_heads,
        )

    def forward(self, inputs: Tensor) -> Tensor:
        """``(B, C_in, rows, cols)``, or ``(B, C_in, n)`` for a line, to ``(B, 2C, N)``.

        Raises:
            ValueError: The inputs do not have the plane's shape.
        """
        x = inputs[:, :, None] if len(self.plane) == 1 and inputs.ndim == 3 else inputs
        expected = (self.in_channels, *self.layout.shape(self.plane, 1))
        if x.ndim != 4 or x.shape[1:] != expected:
            raise ValueError(
                f'inputs of shape {tuple(inputs.shape)} do not fill plane {self.plane!r}: expected '
                f'(B, {", ".join(map(str, expected))}); resize them or change the axis sizes'
            )
        return self.cnn({self.plane: x})
