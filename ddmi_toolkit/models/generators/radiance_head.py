"""The last layers of read-outs of radiance fields: features to color and density."""

from math import expm1, log

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...layers.embedding import FourierFeatures
from ...layers.modulated import Style
from ...registry import MODELS
from .heads import AbstractHead


@MODELS.register_module()
class RadianceHead(AbstractHead):
    """Color that depends on the place and the direction, density that depends on the place.

    As published (NeRF's, Mildenhall et al. 2020) in shape, but with real activations: those of the
    published code have slope 1 on both sides, which makes its network linear.

    The density is ``density_scale * softplus(linear - shift)`` per data unit, with the shift at
    which a linear output of 0 gives ``init_density``. A low one makes the first pictures nearly
    the background, which all samples of a ray contribute to; a dense start would hide what is
    behind its first samples from the loss. The scale lets surfaces of hundreds per data unit
    follow from features of ordinary size, and gradients of the start be of the order of
    ``init_density`` rather than vanish.

    Args:
        in_channels: Width of the readout.
        color_width: Hidden channels of the color (default: half the width, as published).
        num_frequencies: Octaves of the direction, 4 as published; None: colors are the same from
            all sides.
        init_density: Density of a linear output of 0, per data unit: through a box of side 2,
            0.1 absorbs 18 %.
        density_scale: Increase of the density per unit of a large linear output.

    Raises:
        ValueError: A density or scale that is not positive.
    """

    out_channels = 4

    def __init__(
        self,
        in_channels: int,
        color_width: int | None = None,
        num_frequencies: int | None = 4,
        init_density: float = 0.1,
        density_scale: float = 25.0,
    ) -> None:
        super().__init__()
        if not (init_density > 0 and density_scale > 0):
            raise ValueError(
                f'init_density={init_density} and density_scale={density_scale} must be positive'
            )
        color_width = color_width or max(in_channels // 2, 1)
        self.directions, num_extra = None, 0
        if num_frequencies is not None:
            self.directions = FourierFeatures(3, num_frequencies)
            num_extra = self.directions.out_channels
        self.density = nn.Linear(in_channels, 1)
        self.color = nn.Sequential(
            nn.Linear(in_channels + num_extra, color_width),
            nn.ReLU(),
            nn.Linear(color_width, 3),
        )
        self.density_scale = density_scale
        self.shift = -log(expm1(init_density / density_scale))

    def forward(self, h: Tensor, dirs: Tensor | None = None, style: Style | None = None) -> Tensor:
        """Color in [-1, 1] and density in 1 / data unit, ``(B, *S, 4)``.

        Args:
            h: Features ``(B, *S, C)``.
            dirs: Unit viewing directions ``(B, *S, 3)``; None is the zero vector, for when only
                the density is read.
            style: Not read.
        """
        h = F.relu(h)
        density = self.density_scale * F.softplus(self.density(h) - self.shift)
        if self.directions is not None:
            dirs = h.new_zeros(3) if dirs is None else dirs
            waves = self.directions(dirs.to(h.dtype)).expand(*h.shape[:-1], -1)
            h = torch.cat([h, waves], dim=-1)
        color = 2 * torch.sigmoid(self.color(h)) - 1
        return torch.cat([color, density], dim=-1)
