"""Unions of colored frusta and ellipsoids: what rays see, and points on the surface."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from .casting import Hits, enter_ball, enter_block, enter_round
from .solids import INSIDE, Solid


@dataclass(frozen=True)
class Balls:
    """Ellipsoids.

    Args:
        center: ``(K, 3)``.
        half: Half axes ``(K, 3)`` along x, y and z.
    """

    center: np.ndarray
    half: np.ndarray

    def __len__(self) -> int:
        """Number of ellipsoids."""
        return len(self.center)

    def contains(self, points: np.ndarray, margin: float = 1.0) -> np.ndarray:
        """Whether points ``(Q, 3)`` are in one of them, see :meth:`Solid.contains`."""
        inside = np.zeros(len(points), dtype=bool)
        for center, half in zip(self.center, self.half, strict=True):
            inside |= np.square((points - center) / half).sum(1) <= margin**2
        return inside

    @cached_property
    def areas(self) -> np.ndarray:
        """Surface areas ``(K,)`` by Thomsen's formula, off by 1.1 % at most."""
        p, (a, b, c) = 1.6075, self.half.T
        mean = ((a * b) ** p + (a * c) ** p + (b * c) ** p) / 3
        return 4 * np.pi * mean ** (1 / p)

    def sample(self, k: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Points uniform by area on the ellipsoids ``k (n,)``, and their unit normals."""
        half = self.half[k]
        unit = np.empty((len(k), 3))
        todo = np.arange(len(k))
        while len(todo):
            u, turn, accept = rng.random((3, len(todo)))
            height, turn = 2 * u - 1, 2 * np.pi * turn
            ring = np.sqrt(1 - height**2)
            unit[todo] = np.stack([ring * np.cos(turn), ring * np.sin(turn), height], axis=1)
            # An area of the sphere grows by this times the product of the half axes.
            growth = np.sqrt(np.square(unit[todo] / half[todo]).sum(1)) * half[todo].min(1)
            todo = todo[accept > growth]
        normals = unit / half
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        return self.center[k] + unit * half, normals


@dataclass(frozen=True)
class Bodies:
    """A union of opaque colored primitives.

    Args:
        frusta: Boxes, cylinders and their tapered forms.
        balls: Ellipsoids.
        colors: ``(K, 3)`` of the frusta, then of the balls, in [0, 1].
    """

    frusta: Solid
    balls: Balls
    colors: np.ndarray

    def moved(self, center: np.ndarray, scale: float) -> 'Bodies':
        """The union after ``x`` has become ``(x - center) * scale``."""
        frusta, balls = (
            replace(part, center=(part.center - center) * scale, half=part.half * scale)
            for part in (self.frusta, self.balls)
        )
        return replace(self, frusta=frusta, balls=balls)

    def normalized(self, radius: float) -> 'Bodies':
        """Centered by its bounding box, within a ball around the origin."""
        low, high = self.frusta.bounds
        if len(self.balls):
            low = np.minimum(low, (self.balls.center - self.balls.half).min(0))
            high = np.maximum(high, (self.balls.center + self.balls.half).max(0))
        centered = self.moved((low + high) / 2, 1.0)
        return centered.moved(np.zeros(3), radius / centered.reach)

    @property
    def reach(self) -> float:
        """A distance from the origin that nothing exceeds, exact for frusta."""
        ends = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
        farthest = 0.0
        for center, rotation, half, taper, is_round in self._frusta():
            width = (1 + taper * ends[:, 1:2]) * [1, 0, 1] + [0, 1, 0]
            corners = (ends * width * half) @ rotation.T + center
            if is_round:
                corners = _rims(center, rotation, half, taper)
            farthest = max(farthest, np.linalg.norm(corners, axis=1).max())
        reaches = np.linalg.norm(self.balls.center, axis=1) + self.balls.half.max(1, initial=0)
        return max(farthest, reaches.max(initial=0))

    def _frusta(self) -> Iterator[tuple]:
        s = self.frusta
        yield from zip(s.center, s.rotation, s.half, s.taper, s.is_round, strict=True)

    def contains(self, points: np.ndarray, margin: float = 1.0) -> np.ndarray:
        """Whether points ``(Q, 3)`` are in the union, see :meth:`Solid.contains`."""
        return self.frusta.contains(points, margin) | self.balls.contains(points, margin)

    def cast(self, origins: np.ndarray, dirs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The first thing that rays hit.

        Args:
            origins: ``(N, 3)``, outside of the union.
            dirs: Unit directions ``(N, 3)``.

        Returns:
            Distance ``(N,)``, infinite where nothing is hit, and ``(N, 6)``: color and unit
            normal of what is, zeros elsewhere.
        """
        distance, seen = np.full(len(origins), np.inf), np.zeros((len(origins), 6))
        for k, (rays, t, normals) in enumerate(self._hits(origins, dirs)):
            nearer = t < distance[rays]
            rays, normals = rays[nearer], normals[nearer]
            distance[rays] = t[nearer]
            seen[rays, :3] = self.colors[k]
            seen[rays, 3:] = normals / np.linalg.norm(normals, axis=1, keepdims=True)
        return distance, seen

    def _hits(
        self, origins: np.ndarray, dirs: np.ndarray
    ) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Of every primitive: the rays that come near it, where they enter, and the normals."""
        center = np.concatenate([self.frusta.center, self.balls.center])
        spheres = np.concatenate([_spheres(self.frusta), self.balls.half.max(1, initial=0)])
        along = dirs @ center.T - (origins * dirs).sum(1, keepdims=True)  # (N, K)
        apart = (origins**2).sum(1, keepdims=True) - 2 * origins @ center.T + (center**2).sum(1)
        is_near = apart - along**2 <= spheres**2
        parts = [(c, r, h, (t, round_)) for c, r, h, t, round_ in self._frusta()]
        parts += [
            (c, np.eye(3), h, None) for c, h in zip(self.balls.center, self.balls.half, strict=True)
        ]
        for k, (place, rotation, half, form) in enumerate(parts):
            rays = np.flatnonzero(is_near[:, k])
            to_local = rotation / half
            local = (origins[rays] - place) @ to_local, dirs[rays] @ to_local
            t, normals = _enter(*local, form)
            yield rays, t, normals @ to_local.T

    def sample_surface(
        self, num_points: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Points uniform by area on the boundary of the union.

        Points of one primitive that lie inside another are rejected.

        Returns:
            Points, outward unit normals and colors, ``(num_points, 3)`` each.
        """
        rows = np.empty((0, 9))
        while len(rows) < num_points:
            found = self._sample_primitives(int(1.6 * num_points) + 16, rng)
            rows = np.concatenate([rows, found[~self.contains(found[:, :3], INSIDE)]])
        return tuple(np.split(rows[:num_points], 3, axis=1))

    def _sample_primitives(self, num_points: int, rng: np.random.Generator) -> np.ndarray:
        """Points, normals and colors ``(n, 9)`` on all primitives, buried or not."""
        total = self.frusta.area, self.balls.areas.sum()
        is_ball = rng.random(num_points) * sum(total) >= total[0]
        points, normals, k = self.frusta.sample_primitives(int((~is_ball).sum()), rng)
        rows = np.empty((num_points, 9))
        rows[~is_ball] = np.concatenate([points, normals, self.colors[k]], axis=1)
        if is_ball.any():
            bounds = np.cumsum(self.balls.areas)
            draws = rng.random(int(is_ball.sum())) * bounds[-1]
            k = np.minimum(np.searchsorted(bounds, draws, side='right'), len(bounds) - 1)
            colors = self.colors[len(self.frusta) + k]
            rows[is_ball] = np.concatenate([*self.balls.sample(k, rng), colors], axis=1)
        return rows


def _enter(origins: np.ndarray, dirs: np.ndarray, form: tuple[float, bool] | None) -> Hits:
    if form is None:
        return enter_ball(origins, dirs)
    taper, is_round = form
    return (enter_round if is_round else enter_block)(origins, dirs, taper)


def _rims(center: np.ndarray, rotation: np.ndarray, half: np.ndarray, taper: float) -> np.ndarray:
    """The points of both rims of a round frustum that are farthest from the origin, ``(2, 3)``."""
    found = []
    for end in (-1.0, 1.0):
        middle = center + end * half[1] * rotation[:, 1]
        across = middle - (middle @ rotation[:, 1]) * rotation[:, 1]
        length = np.linalg.norm(across)
        out = across / length if length > 1e-12 else rotation[:, 0]
        found.append(middle + out * half[0] * (1 + end * taper))
    return np.array(found)


def _spheres(solid: Solid) -> np.ndarray:
    """Radii ``(K,)`` around the centers of frusta that hold them."""
    wide = solid.half[:, [0, 2]] * (1 + np.abs(solid.taper))[:, None]
    across = np.where(solid.is_round, wide[:, 0], np.hypot(*wide.T))
    return np.hypot(across, solid.half[:, 1])
