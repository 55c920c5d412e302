"""Planes cut into patches: tokens of a transformer, and where they lie."""

from collections.abc import Mapping, Sequence
from math import prod

import torch
from einops import rearrange
from torch import Tensor

from ..structures import PlaneLayout
from .embedding import timestep_embedding


class PlanePatches:
    """The latent planes of a layout, each cut into equal patches.

    Args:
        layout: Planes of the latent, of any shapes.
        patch_size: Nodes along a side of a patch, on all axes or by axis, e.g.
            ``dict(x=2, y=2, t=1)``. A line has patches of one row.

    Raises:
        ValueError: A size that is not positive or does not divide a plane, or sizes by axis that
            name other axes than those of the planes.
    """

    def __init__(self, layout: PlaneLayout, patch_size: int | Mapping[str, int]) -> None:
        self.layout = layout
        self.sides = _sides(layout, patch_size)
        stride = layout.latent_stride
        self.patch_shapes = [_shape(plane, self.sides) for plane in layout.planes]
        self.grids = []
        """Patches along rows and columns of every plane."""
        for plane, patch in zip(layout.planes, self.patch_shapes, strict=True):
            _check_plane(plane, layout.shape(plane, stride), patch)
            rows, cols = layout.shape(plane, stride)
            self.grids.append((rows // patch[0], cols // patch[1]))
        self.counts = [prod(grid) for grid in self.grids]
        """Patches of every plane."""
        self.areas = [prod(patch) for patch in self.patch_shapes]
        """Nodes of a patch of every plane."""

    def split(self, z: Tensor) -> list[Tensor]:
        """Latents ``(B, C, N)`` to patches ``(B, count, C * area)`` of every plane, row-major."""
        return [
            rearrange(x, 'b c (r p) (k q) -> b (r k) (c p q)', p=p, q=q)
            for x, (p, q) in zip(self.layout.split(z).values(), self.patch_shapes, strict=True)
        ]

    def merge(self, patches: Sequence[Tensor]) -> Tensor:
        """Inverse of :meth:`split`."""
        sizes = zip(self.layout.planes, patches, self.patch_shapes, self.grids, strict=True)
        return self.layout.merge(
            {
                plane: rearrange(x, 'b (r k) (c p q) -> b c (r p) (k q)', p=p, q=q, r=rows)
                for plane, x, (p, q), (rows, _) in sizes
            }
        )

    def positions(self, channels: int) -> Tensor:
        """Sinusoids of the patches' centers, ``(patches of all planes, channels)``.

        Every axis of the layout has an equal, even share of the channels, in which the planes
        without this axis are zero; so patches of different planes at the same ``x`` share the
        sinusoids of ``x``. Channels that are left over are zero. Centers are measured in patches
        from the middle of the axis.

        Raises:
            ValueError: There are less than two channels for each axis.
        """
        axes = list(self.layout.axes)
        share = channels // len(axes) // 2 * 2
        if share < 2:
            raise ValueError(
                f'{channels} channels are too few for positions along {len(axes)} axes '
                f'{"".join(axes)!r}; use at least {2 * len(axes)}'
            )
        lines = {a: timestep_embedding(self._centers(a), share) for a in self.sides}
        planes = []
        for plane, (rows, cols) in zip(self.layout.planes, self.grids, strict=True):
            out = torch.zeros(rows, cols, channels)
            first = axes.index(plane[0]) * share
            out[..., first : first + share] = lines[plane[0]]
            if len(plane) == 2:
                first = axes.index(plane[1]) * share
                out[..., first : first + share] = lines[plane[1]][:, None]
            planes.append(out.flatten(0, 1))
        return torch.cat(planes)

    def _centers(self, axis: str) -> Tensor:
        nodes = self.layout.normalize(axis, self.layout.nodes(axis, self.layout.latent_stride))
        centers = nodes.unflatten(0, (-1, self.sides[axis])).mean(-1)  # in [-1, 1]
        return centers * len(centers) / 2


def _sides(layout: PlaneLayout, patch_size: int | Mapping[str, int]) -> dict[str, int]:
    """Side of a patch along each axis that the planes have."""
    used = sorted({axis for plane in layout.planes for axis in plane})
    sides = dict(patch_size) if isinstance(patch_size, Mapping) else dict.fromkeys(used, patch_size)
    if sorted(sides) != used or not all(isinstance(s, int) and s >= 1 for s in sides.values()):
        raise ValueError(
            f'patch_size={patch_size} must be a positive integer, or one for each of the axes '
            f'{used} of the planes {list(layout.planes)}'
        )
    return sides


def _shape(plane: str, sides: Mapping[str, int]) -> tuple[int, int]:
    """Rows and columns of a patch."""
    return (1 if len(plane) == 1 else sides[plane[1]]), sides[plane[0]]


def _check_plane(plane: str, shape: tuple[int, int], patch: tuple[int, int]) -> None:
    for axis, size, side in zip(plane, reversed(shape), reversed(patch), strict=False):
        if size % side:
            raise ValueError(
                f'latent plane {plane!r} has {size} nodes along {axis!r}, which patches of '
                f'{side} do not divide; use a patch_size that divides {size}, for this axis alone '
                f'by patch_size=dict({axis}=...)'
            )
