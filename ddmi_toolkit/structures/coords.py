"""Sets of coordinates at which a field is queried: scattered points or separable grids."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor

from .layout import Axis, PlaneLayout


@dataclass(frozen=True)
class Points:
    """Scattered coordinates.

    Args:
        coords: ``(B, Q, D)`` in data units, axes in layout order.
        layout: Planes that the coordinates are looked up in.
    """

    coords: Tensor
    layout: PlaneLayout

    def __post_init__(self) -> None:
        if self.coords.ndim != 3 or self.coords.shape[-1] != self.layout.dim:
            raise ValueError(
                f'points of shape {tuple(self.coords.shape)} do not fit the axes '
                f'{"".join(self.layout.axes)!r}: expected (B, Q, {self.layout.dim})'
            )

    @property
    def batch_size(self) -> int:
        """Number of fields queried, ``B``."""
        return self.coords.shape[0]

    @property
    def shape(self) -> tuple[int, ...]:
        """Query shape ``S = (Q,)``."""
        return (self.coords.shape[1],)

    def project(self, plane: str) -> Tensor:
        """Normalized plane coordinates ``(B, 1, Q, 2)``, column axis first."""
        names = list(self.layout.axes)
        uv = [self.layout.normalize(a, self.coords[..., names.index(a)]) for a in plane]
        uv += [torch.zeros_like(uv[0])] * (2 - len(uv))
        return torch.stack(uv, dim=-1)[:, None]

    def spread(self, plane: str, feats: Tensor) -> Tensor:
        """Move plane samples ``(B, C, 1, Q)`` to query order ``(B, Q, C)``."""
        return feats[:, :, 0].transpose(1, 2)

    def dense(self) -> Tensor:
        """All coordinates, ``(B, Q, D)``."""
        return self.coords

    def split(self, max_queries: int) -> Iterator['Points']:
        """Parts of at most ``max_queries`` points, in order."""
        for part in self.coords.split(max_queries, dim=1):
            yield Points(part, self.layout)


@dataclass(frozen=True)
class Grid:
    """A regular grid given by one vector per axis; each plane is looked up once per axis pair.

    Args:
        axes: ``{axis: (B, n)}`` in data units. The order of the keys is the order of the query
            shape ``S``; every axis of the layout occurs once.
        layout: Planes that the coordinates are looked up in.
    """

    axes: Mapping[str, Tensor]
    layout: PlaneLayout

    def __post_init__(self) -> None:
        if set(self.axes) != set(self.layout.axes):
            raise ValueError(
                f'grid has the axes {"".join(self.axes)!r}, the layout needs '
                f'{"".join(self.layout.axes)!r}, each once'
            )
        for name, v in self.axes.items():
            if v.ndim != 2:
                raise ValueError(f'grid axis {name!r} must be (B, n), got shape {tuple(v.shape)}')

    @property
    def batch_size(self) -> int:
        """Number of fields queried, ``B``."""
        return next(iter(self.axes.values())).shape[0]

    @property
    def shape(self) -> tuple[int, ...]:
        """Query shape ``S``, one size per axis in the order given."""
        return tuple(v.shape[-1] for v in self.axes.values())

    def project(self, plane: str) -> Tensor:
        """Normalized plane coordinates ``(B, rows, cols, 2)`` of the plane's own axes."""
        col = self.layout.normalize(plane[0], self.axes[plane[0]])
        if len(plane) == 1:
            row = torch.zeros_like(col[:, :1])
        else:
            row = self.layout.normalize(plane[1], self.axes[plane[1]])
        h, w = row.shape[1], col.shape[1]
        return torch.stack([col[:, None].expand(-1, h, w), row[..., None].expand(-1, h, w)], -1)

    def spread(self, plane: str, feats: Tensor) -> Tensor:
        """Broadcast plane samples ``(B, C, rows, cols)`` to ``(B, *S, C)`` (a view)."""
        names = list(self.axes)
        x = feats.movedim(1, -1)  # (B, rows, cols, C)
        if len(plane) == 1:
            x = x[:, 0]
        elif names.index(plane[0]) < names.index(plane[1]):
            x = x.transpose(1, 2)  # S lists the column axis before the row axis
        for i, name in enumerate(names):
            if name not in plane:
                x = x.unsqueeze(i + 1)
        return x.expand(-1, *self.shape, -1)

    def dense(self) -> Tensor:
        """All coordinates ``(B, *S, D)``, the last dimension in layout order."""
        names, batch = list(self.axes), self.batch_size
        out = []
        for name in self.layout.axes:
            size = [-1 if n == name else 1 for n in names]
            out.append(self.axes[name].view(batch, *size).expand(batch, *self.shape))
        return torch.stack(out, dim=-1)

    def split(self, max_queries: int) -> Iterator['Grid']:
        """Slabs of at most ``max_queries`` queries (at least one slice), in query order.

        Slabs are cut along the first axis; concatenating results along it gives the whole grid.
        """
        first = next(iter(self.axes))
        per_slice = prod(self.shape[1:])
        for part in self.axes[first].split(max(max_queries // max(per_slice, 1), 1), dim=1):
            yield Grid({**self.axes, first: part}, self.layout)


Coords = Points | Grid


def pixel_centers(axis: Axis, n: int) -> Tensor:
    """``n`` cell centers that tile the axis exactly, in data units, ``(n,)``."""
    centers = (torch.arange(n, dtype=torch.float64) + 0.5) / n
    return (axis.low + (axis.high - axis.low) * centers).to(torch.get_default_dtype())


def as_coords(query: Mapping[str, Tensor], layout: PlaneLayout) -> Coords:
    """Coordinates of a batch's ``query``.

    Args:
        query: ``{'points': (B, Q, D)}``, or ``{axis: (B, n), ...}`` for a grid whose query shape
            follows the order of the keys. Other keys (``scale``, ``dirs``) are left to renderers.
        layout: Planes that the coordinates are looked up in.

    Raises:
        ValueError: Neither points nor all axes are given.
    """
    if 'points' in query:
        return Points(query['points'], layout)
    axes = {a: v for a, v in query.items() if a in layout.axes}
    if len(axes) != layout.dim:
        raise ValueError(
            f"query has the keys {list(query)}; expected 'points' or all of the axes "
            f'{"".join(layout.axes)!r}'
        )
    return Grid(axes, layout)
