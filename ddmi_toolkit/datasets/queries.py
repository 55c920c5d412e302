"""Where generated fields are evaluated: grids, points, or the rays of cameras."""

from collections.abc import Callable, Mapping, Sequence
from math import degrees
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from ..registry import DATASETS
from ..structures import Axis, orbit, pixel_centers, stack_rays

Query = dict[str, Tensor]


def make_queries(config: Mapping[str, Any] | None) -> Sequence[Query]:
    """Queries that samples take in turn; none where fields are not evaluated.

    Args:
        config: ``dict(type=...)`` of ``QUERIES`` with its arguments, or coordinates, see
            :func:`coordinates`.

    Raises:
        ValueError: An unknown type, or coordinates of another shape than said.
    """
    if config is None:
        return ()
    if 'type' not in config:
        return [coordinates(config)]
    options = dict(config)
    name = options.pop('type')
    if name not in QUERIES:
        raise ValueError(f"query has type={name!r}; choose of {sorted(QUERIES)}, or give an axis's")
    return QUERIES[name](**options)


def coordinates(config: Mapping[str, Any]) -> Query:
    """Points, or the axes of a grid.

    Args:
        config: ``dict(points=...)`` with ``(Q, D)`` coordinates, or one entry per axis, either
            ``(n,)`` coordinates or ``dict(low, high, num)`` for the centers of that many cells.

    Raises:
        ValueError: Coordinates of another shape.
    """
    return {name: _coordinates(name, value) for name, value in config.items()}


def orbit_views(
    num: int = 8,
    radius: float = 3.0,
    elevation_deg: float = 20.0,
    fov: float = 0.6911112070083618,
    size: int | tuple[int, int] = 64,
    up: str = 'z',
) -> Sequence[Query]:
    """The rays of cameras around the origin, the same for all samples.

    Args:
        num: Number of cameras ``V``.
        radius: Their distance from the origin.
        elevation_deg: Angle above the horizon, degrees.
        fov: Angle between the left and the right edge of a picture, radians.
        size: Of the pictures, one number or ``(height, width)``.
        up: Axis that points upwards.

    Returns:
        One query ``dict(origins=(V, h, w, 3), dirs=(V, h, w, 3))``.
    """
    height, width = (size, size) if isinstance(size, int) else size
    cameras = orbit(num, radius, elevation_deg, size=(width, height), fov_deg=degrees(fov), up=up)
    origins, dirs = stack_rays(cameras)
    return [dict(origins=origins.contiguous(), dirs=dirs)]


class QueriesOf(Sequence[Query]):
    """The queries of another data set's items, such as the cameras of real views.

    What is generated can so be compared with the set without a difference of viewpoints.

    Args:
        dataset: Config or object; its items have a ``query``. Seeds in it are left out, so that
            nothing is jittered.
    """

    def __init__(self, dataset: Mapping[str, Any] | Dataset) -> None:
        self.dataset = DATASETS.build(dataset, role=Dataset)

    def __len__(self) -> int:
        """Number of items of the set."""
        return len(self.dataset)

    def __getitem__(self, index: int) -> Query:
        """The query of an item."""
        return {k: v for k, v in self.dataset[index]['query'].items() if k != 'seed'}


QUERIES: dict[str, Callable[..., Sequence[Query]]] = dict(orbit=orbit_views, dataset=QueriesOf)
"""What makes queries, by the ``type`` of its config."""


def _coordinates(name: str, value: Any) -> Tensor:
    if isinstance(value, Mapping):
        if set(value) != {'low', 'high', 'num'}:
            raise ValueError(
                f'query[{name!r}] has the keys {sorted(value)}; expected low, high and num'
            )
        axis = Axis(name, value['num'], low=value['low'], high=value['high'])
        return pixel_centers(axis, axis.size)
    found = torch.as_tensor(value, dtype=torch.float32)
    expected = 2 if name == 'points' else 1
    if found.ndim != expected:
        raise ValueError(
            f'query[{name!r}] has shape {tuple(found.shape)}; expected '
            f'{"(Q, D)" if expected == 2 else "(n,)"}'
        )
    return found
