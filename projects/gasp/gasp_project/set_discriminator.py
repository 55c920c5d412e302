"""A discriminator of sets of coordinates and values (GASP, Dupont et al. 2022)."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .neighborhoods import Neighborhoods, canonical_order, neighborhoods, take

SLOPE = 0.2  # of leaky ReLUs, published
GAIN = 4.0  # keeps the scale of features, which leaky ReLUs and means over neighbors shrink


class SetDiscriminator(nn.Module):
    """Point convolutions and pooling, down to one number for each set.

    It takes sets of any size in any number of dimensions, and its scores do not depend on the order
    of their elements. A last convolution over all points that are left makes the score. Sets whose
    coordinates are the same as those of the sets before (the pixels of a picture, or real and
    generated values in the same places) do not need another search for neighbors.

    Args:
        dim: Number of coordinates ``D``.
        channels: Channels ``C`` of a value.
        layers: From fine to coarse, ``dict(channels, num_neighbors)`` of convolutions at all points
            and ``dict(num_points, num_neighbors)`` of pooling to so many.
        weight_channels: Hidden and last layer of the networks that make weights (published: four
            of 16).
        norm: Of the features: ``'batch'`` (published), or ``'none'``. Batches of real and of
            generated sets are normed apart, so that norms hide the scale of their values, and most
            of their mean, from all that follows: a generator may settle for another contrast.

    Raises:
        ValueError: A layer that is neither, or an unknown norm.
    """

    def __init__(
        self,
        dim: int,
        channels: int,
        layers: Sequence[Mapping[str, int]],
        weight_channels: Sequence[int] = (16, 16, 16, 16),
        norm: str = 'batch',
    ) -> None:
        super().__init__()
        if norm not in ('batch', 'none'):
            raise ValueError(f"norm of a set discriminator must be 'batch' or 'none', got {norm!r}")
        self.plan = [_checked(layer) for layer in layers]
        self.convolutions, self.norms = nn.ModuleList(), nn.ModuleList()
        for out_channels in (p['channels'] for p in self.plan if 'channels' in p):
            self.convolutions.append(PointConv(dim, channels, out_channels, weight_channels))
            self.norms.append(LastBatchNorm(out_channels) if norm == 'batch' else nn.Identity())
            channels = out_channels
        self.score = PointConv(dim, channels, 1, weight_channels)
        self._known: tuple[Tensor, Tensor, list[Neighborhoods]] | None = None

    def forward(self, coords: Tensor, values: Tensor) -> Tensor:
        """Logits ``(B,)`` of being real, of sets of ``coords (B, P, D)`` and ``values (B, P, C)``.

        Coordinates are in [-1, 1]; no gradient reaches them.
        """
        order, places = self._places(coords.detach())
        h = take(values, order.expand(len(values), -1))
        convolutions = zip(self.convolutions, self.norms, strict=True)
        for layer, place in zip(self.plan, places, strict=False):
            if 'channels' in layer:
                convolution, norm = next(convolutions)
                h = F.leaky_relu(norm(convolution(place, h)), SLOPE)
            else:
                h = place.gather(h).mean(2)
        return self.score(places[-1], h).flatten()

    def _places(self, coords: Tensor) -> tuple[Tensor, list[Neighborhoods]]:
        """The canonical order ``(b, P)`` of the points, and the neighborhoods of each layer."""
        if self._known is not None and torch.equal(self._known[0], coords):
            return self._known[1:]
        given = coords
        if (coords == coords[:1]).all():
            coords = coords[:1]
        order = canonical_order(coords)
        points, found = take(coords, order), []
        for layer in self.plan:
            found.append(neighborhoods(points, layer['num_neighbors'], layer.get('num_points')))
            points = found[-1].centers
        found.append(neighborhoods(points, points.shape[1], 1))
        self._known = given, order, found
        return order, found


class PointConv(nn.Module):
    """A convolution whose weights are a function of the offset (PointConv, Wu et al. 2019).

    ``out = L(mean_k w(offset_k) f_k^T)`` with a small network ``w`` and a linear map ``L``: their
    efficient form, without the density, as in GASP. Published is the sum, which differs by a
    factor of ``L``; the mean starts at the same scale for any number of neighbors.

    Args:
        dim: Number of coordinates ``D``.
        in_channels: Channels of the features.
        out_channels: Channels of the result.
        weight_channels: Layers of ``w``, each with a batch norm and a leaky ReLU.
    """

    def __init__(
        self, dim: int, in_channels: int, out_channels: int, weight_channels: Sequence[int]
    ) -> None:
        super().__init__()
        widths = [dim, *weight_channels]
        self.weights = nn.Sequential()
        for i, o in pairwise(widths):
            self.weights.extend([nn.Linear(i, o), LastBatchNorm(o), nn.LeakyReLU(SLOPE)])
        self.linear = nn.Linear(widths[-1] * in_channels, out_channels)
        nn.init.normal_(self.linear.weight, std=GAIN * self.linear.in_features**-0.5)

    def forward(self, place: Neighborhoods, features: Tensor) -> Tensor:
        """Features ``(B, P, C)`` of points to those ``(B, M, C_out)`` of centers."""
        weights = self.weights(place.offsets)  # (b, M, K, W)
        neighbors = place.gather(features)  # (B, M, K, C)
        return self.linear((neighbors.mT @ weights).flatten(2) / weights.shape[2])


class LastBatchNorm(nn.BatchNorm1d):
    """Batch norm of the last of any number of dimensions."""

    def forward(self, x: Tensor) -> Tensor:
        """``(..., C)`` to the same shape."""
        return super().forward(x.flatten(0, -2)).unflatten(0, x.shape[:-1])


def _checked(layer: Mapping[str, int]) -> dict[str, int]:
    if set(layer) not in ({'channels', 'num_neighbors'}, {'num_points', 'num_neighbors'}):
        raise ValueError(
            f'layer {dict(layer)} of a set discriminator must have num_neighbors, and either '
            f'channels (a convolution) or num_points (pooling)'
        )
    return dict(layer)
