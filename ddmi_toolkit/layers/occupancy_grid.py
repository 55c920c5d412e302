"""Where a radiance field is empty, so that rays need not look there."""

from dataclasses import dataclass
from math import log1p

import torch
import torch.nn.functional as F
from torch import Tensor

from ..structures import Field, Grid


@dataclass(frozen=True, eq=False)
class OccupancyGrid:
    """How dense a field is at most in the cells of its box.

    Args:
        density: Upper bound in each cell per data unit, ``(n, n, n)``, axes in layout order.
        low: Lower corner of the box, ``(3,)``.
        high: Upper corner of the box, ``(3,)``.
        max_loss: Opacity that may be missed along a ray by not looking where little can be.
    """

    density: Tensor
    low: Tensor
    high: Tensor
    max_loss: float = 5e-3

    @classmethod
    @torch.no_grad()
    def of_field(
        cls,
        field: Field,
        resolution: int = 64,
        max_loss: float = 5e-3,
        max_queries: int = 2**16,
    ) -> 'OccupancyGrid':
        """The grid of a radiance field, from its density at the corners of the cells.

        The bound of a cell is the highest density at its corners and those of all cells around
        it, for what is between the corners. So far as that holds, a picture is within
        ``max_loss`` of the range of colors of one for which nothing was skipped: 46 dB at worst
        for 0.005, and more by far where few rays graze something thin.

        Args:
            field: A batch of one; its last channel is the density.
            resolution: Cells ``n`` along each axis, about as many as the finest plane has nodes or
                more.
            max_loss: Opacity that may be missed along a ray, in (0, 1).
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
        density = torch.cat([field(part)[0, ..., -1] for part in coords.split(max_queries)])
        cells = F.max_pool3d(density.to(low.dtype)[None], 2, stride=1)
        around = F.max_pool3d(cells, 3, stride=1, padding=1)
        return cls(around[0], low, high, max_loss)

    @property
    def budget(self) -> float:
        """Optical depth of ``max_loss``."""
        return -log1p(-self.max_loss)

    @property
    def share(self) -> float:
        """Share of the box in which the longest ray through it would lose more than allowed."""
        least = self.budget / float((self.high - self.low).norm())
        return float((self.density > least).float().mean())

    def density_at(self, points: Tensor) -> Tensor:
        """Upper bound at points ``(..., 3)``, ``(...)``."""
        n = self.density.shape[0]
        place = (points - self.low) / (self.high - self.low)
        cell = (place * n).long().clamp(0, n - 1)
        flat = (cell[..., 0] * n + cell[..., 1]) * n + cell[..., 2]
        return self.density.flatten()[flat]


def affordable(loss: Tensor, budget: Tensor) -> tuple[Tensor, Tensor]:
    """Which samples to leave out: as many as a budget allows, the least first.

    Args:
        loss: What leaving out each sample costs at most, ``(..., n)``.
        budget: What may be lost along each ray, ``(...)``.

    Returns:
        Whether each is left out, ``(..., n)`` bool, and what remains of the budget, ``(...)``.
    """
    ordered, order = loss.sort(dim=-1)
    is_out = ordered.cumsum(-1) <= budget[..., None]
    remains = budget - (ordered * is_out).sum(-1)
    return torch.zeros_like(is_out).scatter(-1, order, is_out), remains


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
