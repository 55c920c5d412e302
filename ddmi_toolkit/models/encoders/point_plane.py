"""Encoder of point clouds: local point features, scattered to planes, then convolutions."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from ...layers.mlp import ResidualLinear
from ...registry import MODELS
from ...structures import PlaneLayout
from .base import AbstractEncoder
from .plane_cnn import PlaneCNN


class LocalPointNet(nn.Module):
    """Point features that see their neighbors in the same plane cell.

    The point encoder of Convolutional Occupancy Networks (Peng et al. 2020): between residual
    blocks, features are max-pooled over the points of a cell, once per plane, and added up.

    Args:
        in_channels: Channels of a point.
        hidden_channels: Width of the blocks.
        out_channels: Channels of a point feature.
        num_blocks: Number of residual blocks.
    """

    def __init__(
        self, in_channels: int, hidden_channels: int, out_channels: int, num_blocks: int
    ) -> None:
        super().__init__()
        self.stem = nn.Linear(in_channels, 2 * hidden_channels)
        self.blocks = nn.ModuleList(
            ResidualLinear(2 * hidden_channels, hidden_channels) for _ in range(num_blocks)
        )
        self.head = nn.Linear(hidden_channels, out_channels)

    def forward(self, points: Tensor, cells: Sequence[Tensor], sizes: Sequence[int]) -> Tensor:
        """Features of points.

        Args:
            points: ``(M, C_in)``, the points of all clouds.
            cells: Per plane, the cell of each point, ``(M,)``.
            sizes: Per plane, the number of cells.

        Returns:
            ``(M, C_out)``.
        """
        h = self.blocks[0](self.stem(points))
        for block in self.blocks[1:]:
            pooled = sum(cell_max(h, c, n) for c, n in zip(cells, sizes, strict=True))
            h = block(torch.cat([h, pooled], dim=-1))
        return self.head(h)


def cell_max(features: Tensor, cells: Tensor, num_cells: int) -> Tensor:
    """For each point, the maximum over the points of its cell, ``(M, C)`` to ``(M, C)``.

    Points that share a maximum share its gradient.
    """
    size = num_cells, features.shape[1]
    with torch.no_grad():
        index = cells[:, None].expand_as(features)
        zeros = features.new_zeros(size)
        top = zeros.scatter_reduce(0, index, features, 'amax', include_self=False)
        share = (features == top.index_select(0, cells)).to(features.dtype)
        share = share / zeros.index_add(0, cells, share).index_select(0, cells)
    # A sum over the winners: its backward takes half the time of scatter_reduce's on a CPU.
    return zeros.index_add(0, cells, features * share).index_select(0, cells)


def cell_mean(features: Tensor, cells: Tensor, num_cells: int) -> Tensor:
    """Mean over the points of each cell, zero if empty, ``(M, C)`` to ``(num_cells, C)``."""
    total = features.new_zeros(num_cells, features.shape[1]).index_add(0, cells, features)
    count = torch.bincount(cells, minlength=num_cells).clamp(min=1)
    return total / count[:, None].to(features.dtype)


@MODELS.register_module()
class PointPlaneEncoder(AbstractEncoder):
    """Point clouds to plane latents, independent of the order of the points.

    As published for shapes and radiance fields: a local-pooling PointNet, its features averaged
    in the cells of each plane, and a convolutional encoder with exchange between planes.

    Args:
        layout: Planes.
        out_channels: Latent channels ``C``.
        in_channels: Channels of a point; the first ``layout.dim`` are its coordinates.
        hidden_channels: Width of the point network.
        point_channels: Channels that are scattered to the planes.
        num_blocks: Residual blocks of the point network.
        base_channels: Channels that ``channel_mult`` multiplies.
        channel_mult: Factor per level, finest first; one level more than downsamplings.
        num_res_blocks: Residual blocks per level.
        z_channels: The last 3x3 convolution has ``2 * z_channels`` outputs (default: ``C``).
        mix: Exchange between planes: ``'none'``, ``'channel'``, ``'token'`` or a dict with the
            arguments of :class:`~ddmi_toolkit.layers.planewise.Mix`.
        extent: Half width of the box that the planes cover in this encoder (default: the axes'
            own range). The published radiance fields scatter to 0.55 and render in 3.5.
    """

    def __init__(
        self,
        layout: PlaneLayout,
        out_channels: int,
        in_channels: int = 3,
        hidden_channels: int = 256,
        point_channels: int = 32,
        num_blocks: int = 7,
        base_channels: int = 64,
        channel_mult: Sequence[int] = (1, 2, 4),
        num_res_blocks: int = 2,
        z_channels: int | None = None,
        mix: str | Mapping = 'channel',
        extent: float | None = None,
    ) -> None:
        super().__init__()
        if in_channels < layout.dim:
            raise ValueError(
                f'in_channels={in_channels}, but the first {layout.dim} channels of a point are '
                f'its coordinates {"".join(layout.axes)!r}'
            )
        self.layout, self.in_channels = layout, in_channels
        self.box = layout if extent is None else _with_extent(layout, extent)
        self.point_net = LocalPointNet(in_channels, hidden_channels, point_channels, num_blocks)
        self.cnn = PlaneCNN(
            layout,
            point_channels,
            out_channels,
            base_channels,
            channel_mult,
            num_res_blocks,
            z_channels,
            mix=mix,
        )

    def forward(self, inputs: Tensor) -> Tensor:
        """Clouds ``(B, P, C_in)`` to moments ``(B, 2C, N)``."""
        return self.cnn(self.scatter(inputs))

    def scatter(self, inputs: Tensor) -> dict[str, Tensor]:
        """Clouds ``(B, P, C_in)`` to planes ``{plane: (B, point_channels, rows, cols)}``.

        Raises:
            ValueError: The points have another number of channels.
        """
        if inputs.ndim != 3 or inputs.shape[-1] != self.in_channels:
            raise ValueError(
                f'inputs of shape {tuple(inputs.shape)}: expected points (B, P, '
                f'{self.in_channels}); set in_channels={inputs.shape[-1]} for these'
            )
        batch, planes = inputs.shape[0], self.layout.planes
        coords = inputs[..., : self.layout.dim]
        sizes, cells = [], []
        for plane in planes:
            rows, cols = self.box.shape(plane, 1)
            offset = torch.arange(batch, device=inputs.device)[:, None] * (rows * cols)
            cells.append((self.box.cells(plane, coords) + offset).flatten())  # (B * P,)
            sizes.append(batch * rows * cols)
        feats = self.point_net(inputs.flatten(0, 1), cells, sizes)  # (B * P, C)
        return {
            p: cell_mean(feats, c, n)
            .unflatten(0, (batch, *self.box.shape(p, 1)))
            .permute(0, 3, 1, 2)
            .contiguous()
            for p, c, n in zip(planes, cells, sizes, strict=True)
        }


def _with_extent(layout: PlaneLayout, extent: float) -> PlaneLayout:
    if not extent > 0:
        raise ValueError(f'extent must be positive, got {extent}')
    config = layout.config
    for axis in config['axes']:
        axis.update(low=-extent, high=extent)
    return PlaneLayout(**config)
