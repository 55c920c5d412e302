"""Neighborhoods in sets of points of any dimension, whatever the order of the points."""

from typing import NamedTuple

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor

MAX_PAIRS = 2**23
"""Distances sorted at a time by :func:`nearest`, 32 MB in float32."""


class Neighborhoods(NamedTuple):
    """The ``K`` neighbors of each of ``M`` centers in a set of ``P`` points.

    Args:
        centers: ``(b, M, D)``, where ``b`` is the batch size, or 1 if the whole batch has the same
            points.
        index: Which points, ``(b, M, K)`` int64.
        offsets: Their coordinates relative to the center, ``(b, M, K, D)``.
    """

    centers: Tensor
    index: Tensor
    offsets: Tensor

    def gather(self, features: Tensor) -> Tensor:
        """Features of the neighbors, ``(B, P, C)`` to ``(B, M, K, C)``."""
        if len(self.index) == 1:
            rows = features.index_select(1, self.index.flatten())
            return rows.unflatten(1, self.index.shape[1:])
        start = torch.arange(len(features), device=features.device) * features.shape[1]
        rows = features.flatten(0, 1).index_select(0, (self.index + start[:, None, None]).flatten())
        return rows.unflatten(0, self.index.shape)


@torch.no_grad()
def neighborhoods(
    coords: Tensor, num_neighbors: int, num_centers: int | None = None
) -> Neighborhoods:
    """Neighborhoods of some or all points of a set, the point itself among them.

    Args:
        coords: ``(b, P, D)``, see :func:`canonical_order`.
        num_neighbors: ``K``; all points where there are fewer.
        num_centers: Farthest points that are centers; None takes all points in their order.
    """
    centers = coords
    if num_centers is not None:
        centers = take(coords, farthest_points(coords, num_centers))
    index = nearest(centers, coords, min(num_neighbors, coords.shape[1]))
    points = take(coords, index.flatten(1)).unflatten(1, index.shape[1:])
    return Neighborhoods(centers, index, points - centers[:, :, None])


def take(values: Tensor, index: Tensor) -> Tensor:
    """Rows ``(b, M, C)`` of ``(b, P, C)`` at ``(b, M)``."""
    return values.gather(1, index[..., None].expand(-1, -1, values.shape[-1]))


def canonical_order(coords: Tensor) -> Tensor:
    """Index ``(b, P)`` that sorts points ``(b, P, D)`` by their coordinates, the first one first.

    What follows from sorted points does not depend on the order in which they were given, ties
    between equal distances included.
    """
    order = torch.arange(coords.shape[1], device=coords.device).expand(len(coords), -1)
    for d in reversed(range(coords.shape[-1])):
        order = order.gather(1, coords[..., d].gather(1, order).argsort(dim=1, stable=True))
    return order


def farthest_points(coords: Tensor, count: int) -> Tensor:
    """Index ``(b, count)`` of points far from each other, the first point of the set among them.

    Each further one is the point whose distance to those already chosen is largest (farthest point
    sampling, Eldar et al. 1997).

    Raises:
        ValueError: There are fewer points.
    """
    if count > coords.shape[1]:
        raise ValueError(
            f'{count} farthest points wanted of a set of {coords.shape[1]}; let the data set query '
            f'more points, or let the discriminator keep fewer (num_points of its layers)'
        )
    index = torch.zeros(len(coords), count, dtype=torch.int64, device=coords.device)
    distances = torch.full(coords.shape[:2], torch.inf, dtype=coords.dtype, device=coords.device)
    for i in range(1, count):
        last = take(coords, index[:, i - 1 : i])
        distances = torch.minimum(distances, (coords - last).square().sum(-1))
        index[:, i] = distances.argmax(1)
    return index


def nearest(centers: Tensor, points: Tensor, count: int) -> Tensor:
    """Index ``(b, M, count)`` of the points ``(b, P, D)`` nearest to each center ``(b, M, D)``.

    By k-d trees on the CPU, where they are several times faster, and by sorting distances on other
    devices. Memory is bounded by :data:`MAX_PAIRS` distances.
    """
    search = _nearest_by_trees if points.device.type == 'cpu' else _nearest_by_distances
    return search(centers, points, count)


def _nearest_by_trees(centers: Tensor, points: Tensor, count: int) -> Tensor:
    ranks = range(1, count + 1)  # a single rank as a number would drop the last dimension
    pairs = zip(centers.numpy(), points.numpy(), strict=True)
    found = [cKDTree(p).query(c, k=ranks)[1] for c, p in pairs]
    return torch.from_numpy(np.stack(found))


def _nearest_by_distances(centers: Tensor, points: Tensor, count: int) -> Tensor:
    rows = max(MAX_PAIRS // (points.shape[0] * points.shape[1]), 1)
    exact = 'donot_use_mm_for_euclid_dist'  # differences of squares would break ties by rounding
    return torch.cat(
        [
            torch.cdist(part, points, compute_mode=exact).topk(count, largest=False).indices
            for part in centers.split(rows, dim=1)
        ],
        dim=1,
    )
