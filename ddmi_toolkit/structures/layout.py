"""Where the planes of a signal live: the only module that knows plane order and axis order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from math import prod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Axis:
    """One coordinate axis of a signal.

    Args:
        name: One letter, e.g. ``'x'``.
        size: Nodes of the finest plane along this axis.
        strided: Whether the autoencoder resamples this axis (video leaves ``t`` alone).
        low: Coordinate of the lower end, in the data's own units.
        high: Coordinate of the upper end, in the data's own units; ``high > low``.
    """

    name: str
    size: int
    strided: bool = True
    low: float = -1.0
    high: float = 1.0

    def __post_init__(self) -> None:
        if not (isinstance(self.name, str) and len(self.name) == 1):
            raise ValueError(f'axis name must be one letter, got {self.name!r}')
        if self.size < 1:
            raise ValueError(f'axis {self.name!r} needs at least one node, got size={self.size}')
        if not self.low < self.high:
            raise ValueError(
                f'axis {self.name!r} needs low < high, got low={self.low}, high={self.high}'
            )


class PlaneLayout:
    """Names, sizes and order of the planes that carry a signal.

    A plane ``'xt'`` has ``x`` along its columns and ``t`` along its rows: shape ``(B, C, T, X)``.
    A one-letter plane ``'t'`` is a line, stored with one row. The latent of every domain is one
    tensor ``(B, C, N)``: the planes, row-major, laid end to end in the order of ``planes``.

    Args:
        axes: Axes in coordinate order, i.e. ``coords[..., i]`` belongs to ``axes[i]``.
        planes: Plane names, one or two axis letters each, in latent order.
        latent_stride: Downsampling from the finest plane to the latent, a power of two.
        align_corners: Whether ``low`` and ``high`` are the outermost nodes (True) or the outer
            edges of the outermost cells (False).
        transposed: Planes that are read with rows and columns exchanged. Only for checkpoints of
            the published code, whose ``xt`` and ``yt`` lookups are transposed.

    Raises:
        TypeError: An axis lacks its name or size or has something that axes have not.
        ValueError: An unknown axis, a plane of another rank than one or two, or an axis that
            ``latent_stride`` does not divide.
    """

    def __init__(
        self,
        axes: Sequence[Axis | Mapping[str, Any]],
        planes: Sequence[str],
        latent_stride: int = 4,
        align_corners: bool = False,
        transposed: Sequence[str] = (),
    ) -> None:
        built = [a if isinstance(a, Axis) else Axis(**_fitting(Axis, a)) for a in axes]
        self.axes = {a.name: a for a in built}
        self.planes = tuple(planes)
        self.latent_stride = latent_stride
        self.align_corners = align_corners
        self.transposed = tuple(transposed)
        self._check(built)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> 'PlaneLayout':
        """Layout of a config, ``dict(axes=[dict(name='x', size=64), ...], planes=[...], ...)``.

        Raises:
            TypeError: A key that layouts do not have, or ``axes`` or ``planes`` is missing.
        """
        return cls(**_fitting(cls, config))

    def _check(self, axes: list[Axis]) -> None:
        letters = ''.join(self.axes)
        if len(self.axes) != len(axes):
            raise ValueError(f'axis names must differ, got {[a.name for a in axes]}')
        if not self.planes:
            raise ValueError(f'planes is empty; name at least one plane of the axes {letters!r}')
        if len(set(self.planes)) != len(self.planes):
            raise ValueError(f'plane names must differ, got {list(self.planes)}')
        for plane in self.planes:
            unknown = sorted(set(plane) - set(self.axes))
            if unknown or len(plane) not in (1, 2) or len(set(plane)) != len(plane):
                raise ValueError(
                    f'plane {plane!r} must be one or two different letters of the axes '
                    f'{letters!r}; unknown: {unknown}'
                )
        if extra := sorted(set(self.transposed) - set(self.planes)):
            raise ValueError(f'transposed names {extra}, the planes are {list(self.planes)}')
        stride = self.latent_stride
        if stride < 1 or stride & (stride - 1):
            raise ValueError(f'latent_stride must be a power of two, got {stride}')
        for axis in axes:
            if axis.strided and axis.size % stride:
                raise ValueError(
                    f'axis {axis.name!r} has {axis.size} nodes, not divisible by '
                    f'latent_stride={stride}; pad it or set strided=False'
                )

    def __repr__(self) -> str:
        shapes = ', '.join(f'{p}: {self.shape(p, self.latent_stride)}' for p in self.planes)
        return f'PlaneLayout({shapes}; N={self.num_tokens()})'

    @property
    def dim(self) -> int:
        """Number of coordinate axes ``D``."""
        return len(self.axes)

    @property
    def config(self) -> dict[str, Any]:
        """Arguments that build an equal layout."""
        return dict(
            axes=[vars(a).copy() for a in self.axes.values()],
            planes=list(self.planes),
            latent_stride=self.latent_stride,
            align_corners=self.align_corners,
            transposed=list(self.transposed),
        )

    @property
    def has_equal_planes(self) -> bool:
        """Whether all planes have the same shape at every stride."""
        return len({(self.shape(p, 1), self.resample_factor(p)) for p in self.planes}) == 1

    def axis_size(self, name: str, stride: int) -> int:
        """Nodes along an axis at a stride."""
        axis = self.axes[name]
        if not axis.strided:
            return axis.size
        if stride < 1 or axis.size % stride:
            raise ValueError(f'axis {name!r} of {axis.size} nodes has no stride {stride}')
        return axis.size // stride

    def shape(self, plane: str, stride: int) -> tuple[int, int]:
        """``(rows, cols)`` of a plane at a stride."""
        if plane not in self.planes:
            raise ValueError(f'unknown plane {plane!r}; this layout has {list(self.planes)}')
        if len(plane) == 1:
            return 1, self.axis_size(plane, stride)
        col, row = plane[0], plane[1]
        return self.axis_size(row, stride), self.axis_size(col, stride)

    def resample_factor(self, plane: str) -> tuple[int, int]:
        """``(row, col)`` factor of one autoencoder resampling: 2, or 1 on an unstrided axis."""
        col, row = plane[0], plane[1:]
        return (
            2 if row and self.axes[row].strided else 1,
            2 if self.axes[col].strided else 1,
        )

    def num_tokens(self, stride: int | None = None) -> int:
        """Total number of nodes ``N`` over the planes at a stride (default: the latent's)."""
        return sum(prod(self.shape(p, stride or self.latent_stride)) for p in self.planes)

    def split(self, z: Tensor, stride: int | None = None) -> dict[str, Tensor]:
        """Unpack ``(B, C, N)`` into ``{plane: (B, C, rows, cols)}``."""
        stride = stride or self.latent_stride
        if z.ndim != 3 or z.shape[-1] != self.num_tokens(stride):
            raise ValueError(
                f'latent of shape {tuple(z.shape)} does not fit {self!r}: expected '
                f'(B, C, {self.num_tokens(stride)}) at stride {stride}'
            )
        shapes = [self.shape(p, stride) for p in self.planes]
        parts = z.split([prod(s) for s in shapes], dim=-1)
        return {
            p: part.unflatten(-1, s) for p, s, part in zip(self.planes, shapes, parts, strict=True)
        }

    def merge(self, planes: Mapping[str, Tensor]) -> Tensor:
        """Pack ``{plane: (B, C, rows, cols)}`` into ``(B, C, N)``; inverse of :meth:`split`."""
        if set(planes) != set(self.planes):
            raise ValueError(f'got planes {list(planes)}, this layout has {list(self.planes)}')
        return torch.cat([planes[p].flatten(2) for p in self.planes], dim=-1)

    def per_token(self, values: Tensor, stride: int | None = None) -> Tensor:
        """Repeat one value per plane ``(..., P)`` over the plane's tokens, ``(..., N)``."""
        if values.shape[-1] != len(self.planes):
            raise ValueError(
                f'{values.shape[-1]} values for the {len(self.planes)} planes {list(self.planes)}'
            )
        stride = stride or self.latent_stride
        counts = [prod(self.shape(p, stride)) for p in self.planes]
        return torch.cat(
            [
                v.unsqueeze(-1).expand(*v.shape, n)
                for v, n in zip(values.unbind(-1), counts, strict=True)
            ],
            dim=-1,
        )

    def normalize(self, name: str, coords: Tensor) -> Tensor:
        """Data units to [-1, 1] along one axis."""
        axis = self.axes[name]
        return 2 * (coords - axis.low) / (axis.high - axis.low) - 1

    def nodes(self, name: str, stride: int = 1) -> Tensor:
        """Coordinates of an axis' nodes at a stride, in data units, ``(n,)``."""
        axis, n = self.axes[name], self.axis_size(name, stride)
        if self.align_corners:
            return torch.linspace(axis.low, axis.high, n)
        return axis.low + (axis.high - axis.low) * (torch.arange(n) + 0.5) / n

    def cells(self, plane: str, points: Tensor, stride: int = 1) -> Tensor:
        """Row-major index of the plane cell that each point falls into.

        Cells tile the box ``[low, high]``; points outside go to the nearest cell.

        Args:
            plane: Plane name.
            points: ``(B, P, D)`` in data units, axes in layout order.
            stride: Stride of the plane.

        Returns:
            ``(B, P)`` int64 in ``[0, rows * cols)``.
        """
        names = list(self.axes)
        rows, cols = self.shape(plane, stride)

        def cell(axis: str, n: int) -> Tensor:
            u = self.normalize(axis, points[..., names.index(axis)])
            return ((u + 1) / 2 * n).floor().long().clamp(0, n - 1)

        col = cell(plane[0], cols)
        return col if len(plane) == 1 else cell(plane[1], rows) * cols + col

    def sample(self, plane: str, feature: Tensor, grid: Tensor) -> Tensor:
        """Bilinear lookup with border padding.

        Args:
            plane: Plane name.
            feature: ``(B, C, rows, cols)``.
            grid: ``(B, h, w, 2)`` normalized coordinates, column axis first.

        Returns:
            ``(B, C, h, w)``.
        """
        if plane in self.transposed:
            grid = grid.flip(-1)
        return F.grid_sample(
            feature,
            grid.to(feature.dtype),
            mode='bilinear',
            padding_mode='border',
            align_corners=self.align_corners,
        )


def _fitting(cls: type, config: Mapping[str, Any]) -> Mapping[str, Any]:
    """``config`` after a check that its keys are arguments of ``cls``."""
    known = signature(cls).parameters
    unknown = [k for k in config if k not in known]
    missing = [k for k, p in known.items() if p.default is p.empty and k not in config]
    if unknown or missing:
        faults = [f'has no argument {k!r}' for k in unknown] + [f'needs {k!r}' for k in missing]
        raise TypeError(
            f'{cls.__name__} {" and ".join(faults)}; it takes {list(known)}, got {dict(config)}'
        )
    return config
