"""A generated continuous signal: what users hold in their hands."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import index as as_int
from typing import Any, SupportsIndex

import torch
from torch import Tensor, nn

from .coords import Coords, Grid, Points
from .layout import PlaneLayout
from .raster import Raster
from .signals import Signal, signal_of


@dataclass(frozen=True)
class Field:
    """A batch of continuous functions, ready to be queried at any resolution.

    Deterministic: values depend on the coordinate alone, not on chunking, order or batch.

    Args:
        evaluator: Module ``(state, coords, **extras) -> (B, *S, out_channels)`` whose parameters
            are shared by the batch (the read-out network).
        state: What was generated, each tensor with the batch first: basis fields or weights.
        layout: Coordinate axes (and planes) of the signal.
        out_channels: Channels of a value.
        spec: Configuration that rebuilds ``evaluator`` (see ``apis.save_field``).
    """

    evaluator: nn.Module
    state: Mapping[str, Tensor]
    layout: PlaneLayout
    out_channels: int
    spec: dict[str, Any] = field(default_factory=dict)

    @property
    def signal(self) -> Signal:
        """What kind of signal it is."""
        return signal_of(self.layout, self.out_channels)

    def __len__(self) -> int:
        """Number of functions in the batch."""
        return next(iter(self.state.values())).shape[0]

    def __getitem__(self, index: SupportsIndex | slice) -> 'Field':
        """One of the functions (an integer keeps a batch of one) or a range of them."""
        if not isinstance(index, slice):
            i = as_int(index)  # also of numpy or of a tensor, which would drop the batch
            if not -len(self) <= i < len(self):
                raise IndexError(f'field {i} of a batch of {len(self)}')
            index = slice(i % len(self), i % len(self) + 1)
        return replace(self, state={k: v[index] for k, v in self.state.items()})

    def __call__(
        self, coords: Coords | Tensor, *, scale: Tensor | None = None, dirs: Tensor | None = None
    ) -> Tensor:
        """Values at coordinates.

        Args:
            coords: ``Points``, ``Grid``, or a tensor ``(B, Q, D)`` in data units.
            scale: Size of a query cell relative to the finest basis field's, ``(B,)``;
                ignored by read-outs that are not scale-aware.
            dirs: Unit viewing directions ``(B, *S, 3)``; only radiance fields use them.

        Returns:
            ``(B, *S, out_channels)``.
        """
        if isinstance(coords, Tensor):
            coords = Points(coords, self.layout)
        if coords.batch_size != len(self):
            raise ValueError(
                f'coordinates for {coords.batch_size} fields given to a batch of {len(self)}; '
                f'expand them or index the field'
            )
        return self.evaluator(self.state, coords, scale=scale, dirs=dirs)

    def chunked(
        self,
        coords: Coords | Tensor,
        max_queries: int,
        *,
        scale: Tensor | None = None,
        dirs: Tensor | None = None,
    ) -> Tensor:
        """The same values, computed with at most ``max_queries`` queries per field at a time."""
        if isinstance(coords, Tensor):
            coords = Points(coords, self.layout)
        parts: list[Coords] = list(coords.split(max_queries))
        if dirs is None:
            return torch.cat([self(c, scale=scale) for c in parts], dim=1)
        if dirs.shape[1] != coords.shape[0]:
            raise ValueError(
                f'dirs of shape {tuple(dirs.shape)} do not fit queries of shape {coords.shape}; '
                f'expected (B, *S, 3)'
            )
        directions = dirs.split([c.shape[0] for c in parts], dim=1)
        pairs = zip(parts, directions, strict=True)
        return torch.cat([self(c, scale=scale, dirs=d) for c, d in pairs], dim=1)

    def render(
        self,
        size: Sequence[int],
        region: Sequence[float] | None = None,
        *,
        cell: float | None = None,
        scale: float | None = None,
        max_queries: int = 2**16,
    ) -> Tensor:
        """Values at the pixels of any raster, ``(B, *size, out_channels)``.

        A part of a raster has the values that it has within the whole. Memory beside the result
        is bounded by ``max_queries``, which changes values by rounding only.

        Args:
            size: Pixels along each axis, the last axis of the layout first: ``(rows, columns)``.
            region: Lower ends, then upper ends, in layout order and data units:
                ``(x0, y0, x1, y1)``; None is the whole box.
            cell: Side, in pixels, of the box whose mean is a pixel's value (1 is the pixel), so
                that details finer than a pixel do not alias; None is the value at its center.
            scale: Size of a query cell relative to the finest nodes' spacing; None follows from
                the raster (with ``cell``, from the queries that are averaged).
            max_queries: Queries per field that are evaluated at a time.

        Raises:
            ValueError: A size, region or cell that does not fit, see :class:`Raster`.
        """
        bands = list(
            self.render_rows(size, region, cell=cell, scale=scale, max_queries=max_queries)
        )
        return bands[0] if len(bands) == 1 else torch.cat(bands, dim=1)

    def render_rows(
        self,
        size: Sequence[int],
        region: Sequence[float] | None = None,
        *,
        cell: float | None = None,
        scale: float | None = None,
        max_queries: int = 2**16,
    ) -> Iterator[Tensor]:
        """The bands ``(B, rows, *size[1:], out_channels)`` of :meth:`render`, in order.

        They are what :meth:`render` returns, bit for bit; it takes the same arguments.
        """
        raster = Raster(self.layout, size, region, cell)
        like = next(iter(self.state.values()))
        dtype = torch.promote_types(like.dtype, torch.float32)
        relative = raster.scale if scale is None else scale
        scales = torch.full((len(self),), relative, dtype=dtype, device=like.device)

        def evaluate(axes: Mapping[str, Tensor]) -> Tensor:
            lines = {a: v.to(like.device, dtype).expand(len(self), -1) for a, v in axes.items()}
            return self(Grid(lines, self.layout), scale=scales)

        return raster.bands(evaluate, max_queries)

    def gradient(self, coords: Coords | Tensor, *, scale: Tensor | None = None) -> Tensor:
        """Derivatives with respect to the coordinates, ``(B, *S, C, D)``, per data unit.

        Bilinear lookups have kinks at cell edges; the one-sided derivative is returned there.
        """
        if isinstance(coords, Tensor):
            coords = Points(coords, self.layout)
        x = coords.dense().detach()
        batch, *shape, dim = x.shape
        x = x.reshape(batch, -1, dim).requires_grad_()
        with torch.enable_grad():
            values = self(Points(x, self.layout), scale=scale)  # (B, Q, C)
            grads = [
                torch.autograd.grad(values[..., c].sum(), x, retain_graph=True)[0]
                for c in range(self.out_channels)
            ]
        return torch.stack(grads, dim=-2).reshape(batch, *shape, self.out_channels, dim)
