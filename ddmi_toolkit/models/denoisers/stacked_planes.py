"""Equal planes as the channels of one."""

from typing import Any

from einops import rearrange
from torch import Tensor

from ...registry import MODELS
from ...structures import PlaneLayout
from .base import AbstractDenoiser, Cond


@MODELS.register_module()
class StackedPlanes(AbstractDenoiser):
    """Any denoiser on the channels of all planes: the published shape and radiance denoiser.

    ``(B, C, P * n)`` becomes ``(B, P * C, n)`` in layout order; the wrapped denoiser sees a single
    plane. Positions of different planes meet by row and column, whatever axes these are.

    Args:
        denoiser: Config of the wrapped denoiser; it is offered one plane and ``P * C`` channels.
        layout: Planes of the latent.
        channels: Channels ``C`` of the latent.
        cond_channels: Width of the condition's vector, offered to the wrapped denoiser.
        context_channels: Width of the condition's tokens, offered likewise.

    Raises:
        ValueError: The planes differ in shape.
    """

    def __init__(
        self,
        denoiser: dict[str, Any],
        layout: PlaneLayout,
        channels: int,
        cond_channels: int | None = None,
        context_channels: int | None = None,
    ) -> None:
        super().__init__()
        shapes = {p: layout.shape(p, layout.latent_stride) for p in layout.planes}
        if len(set(shapes.values())) > 1:
            raise ValueError(
                f'latent planes of shapes {shapes} cannot be stacked on channels; use PlaneDiT, '
                f"or PlaneUNet with mix='token', which take any shapes"
            )
        self.num_planes = len(layout.planes)
        first = layout.planes[0]
        one_plane = PlaneLayout(
            axes=[layout.axes[name] for name in first],
            planes=[first],
            latent_stride=layout.latent_stride,
            align_corners=layout.align_corners,
        )
        offers: dict[str, Any] = dict(layout=one_plane, channels=self.num_planes * channels)
        widths = dict(cond_channels=cond_channels, context_channels=context_channels)
        offers |= {k: v for k, v in widths.items() if v is not None}
        self.denoiser: AbstractDenoiser = MODELS.build(
            denoiser, role=AbstractDenoiser, default_args=offers
        )

    def forward(self, z_t: Tensor, t: Tensor, cond: Cond = None) -> Tensor:
        """``(B, C, N)`` and noise levels ``(B,)`` to ``(B, C, N)``."""
        z_t = rearrange(z_t, 'b c (p n) -> b (p c) n', p=self.num_planes)
        out = self.denoiser(z_t, t, cond)
        return rearrange(out, 'b (p c) n -> b c (p n)', p=self.num_planes)
