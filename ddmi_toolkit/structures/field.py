"""A generated continuous signal: what users hold in their hands."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from operator import index as as_int
from typing import Any, SupportsIndex

import torch
from torch import Tensor, nn

from .coords import Coords, Points
from .layout import PlaneLayout


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
