"""Partial, irregular or coarse knowledge of a field: places and the values seen there."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, prod

import torch
from torch import Tensor

from .coords import Points
from .field import Field
from .layout import PlaneLayout
from .raster import Raster


@dataclass(frozen=True, eq=False)
class Observations:
    """Values of a field at places, or means of a field over groups of places.

    NaN stands for "not observed". Such values, and places where nothing is observed, are dropped
    at once: nothing that comes later can read them, and what stood in their place does not matter.

    Args:
        coords: Places ``(Q, D)`` in data units, axes in layout order; or ``(Q, K, D)``, groups of
            places of whose values the mean is observed.
        values: ``(Q, C)``, NaN where a channel is not observed. What a value is, the first
            stage's loss tells: a color for losses of differences, and where the field is a logit,
            an occupancy: 1 inside, 0 outside, 0.5 on the surface (logit 0).
        scale: Size of the query cells relative to the finest nodes' spacing, for read-outs that
            depend on it.

    Raises:
        ValueError: Shapes that do not fit each other, places that are not finite, infinite values,
            or no value that is observed.
    """

    coords: Tensor
    values: Tensor
    scale: float = 1.0

    def __post_init__(self) -> None:
        coords, values = self.coords, self.values
        if coords.ndim not in (2, 3) or values.ndim != 2 or len(coords) != len(values):
            raise ValueError(
                f'places {tuple(coords.shape)} and values {tuple(values.shape)} do not fit: '
                f'expected (Q, D), or (Q, K, D) for means over K places, and (Q, C)'
            )
        if not self.scale > 0:
            raise ValueError(f'scale={self.scale} of a query cell must be positive')
        seen = ~values.isnan()
        rows = seen.any(1)
        if not rows.any():
            raise ValueError(
                f'nothing is observed: all {values.numel()} values are NaN, which stands for "not '
                f'observed"; leave some values, or generate without observations'
            )
        coords, values, seen = coords[rows].detach(), values[rows].detach(), seen[rows]
        if not coords.isfinite().all():
            bad = int((~coords.flatten(1).isfinite().all(1)).sum())
            raise ValueError(
                f'{bad} of {len(coords)} observed places are not finite; remove them, or set their '
                f'values to NaN'
            )
        values = values.masked_fill(~seen, 0.0)
        if not values.isfinite().all():
            raise ValueError('observed values are infinite; set what is not observed to NaN')
        object.__setattr__(self, 'coords', coords)
        object.__setattr__(self, 'values', values)
        object.__setattr__(self, '_seen', seen)

    @property
    def observed(self) -> Tensor:
        """Which channels are observed where, ``(Q, C)`` bool."""
        seen: Tensor = self.__dict__['_seen']
        return seen

    def __len__(self) -> int:
        """Number of places (or groups) where something is observed, ``Q``."""
        return len(self.values)

    def __add__(self, other: 'Observations') -> 'Observations':
        """All that either observes, at places or over groups of one size.

        Raises:
            ValueError: Groups, axes, channels or scales differ.
        """
        mine, theirs = self._kind, other._kind
        if mine != theirs:
            raise ValueError(
                f'observations of (places per value, axes, channels, scale) {mine} and {theirs} '
                f'cannot be joined'
            )
        values = [o.values.masked_fill(~o.observed, torch.nan) for o in (self, other)]
        return Observations(
            torch.cat([self.coords, other.coords]), torch.cat(values), scale=self.scale
        )

    @property
    def _kind(self) -> tuple[int, int, int, float]:
        group = 1 if self.coords.ndim == 2 else self.coords.shape[1]
        return group, self.coords.shape[-1], self.values.shape[1], self.scale

    def to(self, device: torch.device | str) -> 'Observations':
        """The same on a device."""
        values = self.values.masked_fill(~self.observed, torch.nan)
        return Observations(self.coords.to(device), values.to(device), self.scale)

    def check(self, layout: PlaneLayout, channels: int) -> None:
        """Make sure that a field can be compared with these observations.

        Args:
            layout: Axes of the field.
            channels: Channels of its values.

        Raises:
            ValueError: Another number of axes or channels, or places outside of the layout's box.
        """
        axes = list(layout.axes.values())
        if self.coords.shape[-1] != len(axes):
            raise ValueError(
                f'places have {self.coords.shape[-1]} coordinates, the field has the '
                f'{len(axes)} axes {"".join(layout.axes)!r}'
            )
        if self.values.shape[1] != channels:
            raise ValueError(
                f'values have {self.values.shape[1]} channels, the field has {channels}'
            )
        flat = self.coords.reshape(-1, len(axes))
        for i, axis in enumerate(axes):
            low, high = float(flat[:, i].min()), float(flat[:, i].max())
            slack = 1e-5 * (axis.high - axis.low)
            if low < axis.low - slack or high > axis.high + slack:
                out = int(
                    ((flat[:, i] < axis.low - slack) | (flat[:, i] > axis.high + slack)).sum()
                )
                raise ValueError(
                    f'{out} of {len(flat)} places leave the field: {axis.name!r} goes from '
                    f'{axis.low:g} to {axis.high:g}, theirs from {low:.4g} to {high:.4g}; scale '
                    f'and move them into the box, or leave them out'
                )

    def read(self, field: Field) -> Tensor:
        """What a batch of fields has at the places: predictions of the values, ``(B, Q, C)``."""
        places = self.coords.reshape(1, -1, self.coords.shape[-1]).expand(len(field), -1, -1)
        scale = places.new_full((len(field),), self.scale)
        found = field(Points(places, field.layout), scale=scale)
        return found.unflatten(1, (len(self), -1)).mean(2)

    @classmethod
    def from_raster(
        cls,
        layout: PlaneLayout,
        values: Tensor,
        region: Sequence[float] | None = None,
        *,
        averaged: bool = False,
    ) -> 'Observations':
        """Pixels that tile a box: a picture, a stack of frames, a voxel grid, of any size.

        Args:
            layout: Coordinate axes.
            values: ``(*S, C)``, the last axis of the layout first (rows, columns; frames, rows,
                columns), NaN where not observed.
            region: Box that the pixels tile, lower ends, then upper ends, in layout order; None
                is the whole field.
            averaged: Whether a value is the mean over its pixel, of about one place per finest
                node, as in a picture that was reduced; else it is the value at the center.

        Raises:
            ValueError: A size or region that does not fit, or nothing observed.
        """
        raster = Raster(layout, tuple(values.shape[:-1]), region)
        counts, lines = [], []
        for line in raster.lines:
            axis = layout.axes[line.name]
            node = (axis.high - axis.low) / max(axis.size - layout.align_corners, 1)
            count = max(ceil(line.spacing / node - 1e-6), 1) if averaged else 1
            offsets = (torch.arange(count, dtype=torch.float64) + 0.5) / count - 0.5
            centers = torch.arange(line.num_pixels, dtype=torch.float64) + 0.5
            lines.append(line.low + line.spacing * (centers[:, None] + offsets).flatten())
            counts.append(count)
        mesh = torch.meshgrid(*lines, indexing='ij')[::-1]  # layout order
        coords = torch.stack(mesh, dim=-1)  # (n1 * k1, n2 * k2, ..., D)
        shape = [s for n, k in zip(raster.size, counts, strict=True) for s in (n, k)]
        dims = len(counts)
        order = [*range(0, 2 * dims, 2), *range(1, 2 * dims, 2), 2 * dims]
        coords = coords.reshape(*shape, dims).permute(order)
        coords = coords.reshape(prod(raster.size), prod(counts), dims).to(values.dtype)
        mean_scale = raster.scale / prod(counts) ** (1 / dims)
        flat = values.reshape(-1, values.shape[-1])
        return cls(coords[:, 0] if prod(counts) == 1 else coords, flat, mean_scale)

    @classmethod
    def from_frames(
        cls, layout: PlaneLayout, frames: Tensor, times: Sequence[float], *, axis: str = 't'
    ) -> 'Observations':
        """Whole slices of a field at places along one axis: frames of a clip at given times.

        Args:
            layout: Coordinate axes.
            frames: ``(F, *S, C)``, the other axes' last one first (rows, columns), NaN where not
                observed.
            times: Where each slice is, in data units.
            axis: Axis that the slices are perpendicular to.

        Raises:
            ValueError: No such axis, or not one place for each slice.
        """
        if axis not in layout.axes:
            raise ValueError(
                f'there is no axis {axis!r}; this field has the axes {"".join(layout.axes)!r}'
            )
        if len(times) != len(frames) or not len(times):
            raise ValueError(f'{len(frames)} frames and {len(times)} times; one each is needed')
        rest = [a for a in layout.axes if a != axis]
        flat = PlaneLayout([layout.axes[a] for a in rest], rest, 1, layout.align_corners)
        index = list(layout.axes).index(axis)
        parts = []
        for frame, time in zip(frames, times, strict=True):
            picture = cls.from_raster(flat, frame.nan_to_num(0.0))
            column = picture.coords.new_full((len(picture), 1), float(time))
            coords = torch.cat(
                [picture.coords[:, :index], column, picture.coords[:, index:]], dim=1
            )
            parts.append(coords)
        return cls(torch.cat(parts), frames.reshape(-1, frames.shape[-1]), picture.scale)
