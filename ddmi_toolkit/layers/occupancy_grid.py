"""Where a radiance field is empty, so that rays need not look there."""

from dataclasses import dataclass
from math import log1p

import torch
import torch.nn.functional as F
from torch import Tensor

from ..structures import Field, Grid


@dataclass(frozen=True, eq=False)
class OccupancyGrid:
    """Cells of a field's box that may hold something.

    Args:
        is_occupied: ``(n, n, n)`` bool, axes in layout order.
        low: Lower corner of the box, ``(3,)``.
        high: Upper corner of the box, ``(3,)``.
    """

    is_occupied: Tensor
    low: Tensor
    high: Tensor

    @classmethod
    @torch.no_grad()
    def of_field(
        cls,
        field: Field,
        resolution: int = 64,
        max_loss: float = 1e-3,
        max_queries: int = 2**16,
    ) -> 'OccupancyGrid':
        """The grid of a radiance field, from its density at the corners of the cells.

        A cell is empty where the density at its corners and those of all cells around it is so
        low that a ray through the whole box loses at most ``max_loss`` by it. A picture without
        the empty cells is therefore within ``max_loss`` of the range of colors (60 dB for 1e-3),
        as far as the field has no detail finer than the cells.

        Args:
            field: A batch of one; its last channel is the density.
            resolution: Cells ``n`` along each axis, about as many as the finest plane has nodes or
                more.
            max_loss: Opacity that may be missed, in (0, 1).
            max_queries: Points (or one slice of corners) evaluated at a time.

        Raises:
            ValueError: Several fields, no radiance field, or numbers that do not fit.
        """
        _check(field, resolution, max_loss)
        low, high = box(field)
        corners = {
            name: torch.linspace(float(a), float(b), resolution + 1, device=low.device)[None]
            for name, a, b in zip(field.layout.axes, low, high, strict=True)
        }
        coords = Grid({k: v.to(low.dtype) for k, v in corners.items()}, field.layout)
        parts = [field(part)[0, ..., -1] for part in coords.split(max_queries)]
        density = torch.cat(parts)[None]  # (1, n + 1, n + 1, n + 1)
        least = -log1p(-max_loss) / float((high - low).norm())
        cells = F.max_pool3d(density.float(), 2, stride=1)
        around = F.max_pool3d(cells, 3, stride=1, padding=1)
        return cls(around[0] > least, low, high)

    @property
    def share(self) -> float:
        """Share of the box that is occupied."""
        return float(self.is_occupied.float().mean())

    def contains(self, points: Tensor) -> Tensor:
        """Whether points ``(..., 3)`` lie in occupied cells, ``(...)`` bool."""
        n = self.is_occupied.shape[0]
        place = (points - self.low) / (self.high - self.low)
        cell = (place * n).long().clamp(0, n - 1)
        flat = (cell[..., 0] * n + cell[..., 1]) * n + cell[..., 2]
        return self.is_occupied.flatten()[flat]


def box(field: Field) -> tuple[Tensor, Tensor]:
    """Lower and upper corner of a field's box, ``(3,)`` each, on the field's device."""
    like = next(iter(field.state.values()))
    dtype = torch.promote_types(like.dtype, torch.float32)
    axes = field.layout.axes.values()
    low = torch.tensor([a.low for a in axes], dtype=dtype, device=like.device)
    return low, torch.tensor([a.high for a in axes], dtype=dtype, device=like.device)


def check_radiance(field: Field) -> None:
    """Refuse what rays cannot march through.

    Raises:
        ValueError: The field is no radiance field.
    """
    if field.layout.dim != 3 or field.out_channels != 4:
        raise ValueError(
            f'a radiance field has color and density (4 channels) over three axes; this one has '
            f'{field.out_channels} over the axes {"".join(field.layout.axes)!r}'
        )


def _check(field: Field, resolution: int, max_loss: float) -> None:
    check_radiance(field)
    if len(field) != 1:
        raise ValueError(f'a grid is of one field, got {len(field)}; take field[i]')
    if resolution < 1 or not 0 < max_loss < 1:
        raise ValueError(
            f'resolution={resolution} must be at least one cell per axis, max_loss={max_loss} an '
            f'opacity in (0, 1)'
        )
