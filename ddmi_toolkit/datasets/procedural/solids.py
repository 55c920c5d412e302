"""Unions of convex primitives with exact occupancy and exact surface samples."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

INSIDE = 1 - 1e-7  # a surface point this deep in another primitive, relatively, is buried


@dataclass(frozen=True)
class Solid:
    """A union of ``K`` frusta: boxes, cylinders and their tapered forms.

    In its own frame a primitive is the set ``|y| <= h_y`` whose cross-section at ``y`` is scaled
    by ``1 + taper * y / h_y``: a rectangle ``|x| <= h_x, |z| <= h_z``, or a disk of radius ``h_x``.

    Args:
        center: ``(K, 3)``.
        rotation: ``(K, 3, 3)``, columns are the primitive's axes.
        half: Half sizes ``(h_x, h_y, h_z)``, ``(K, 3)``; equal ``h_x`` and ``h_z`` if round.
        taper: In (-1, 1), ``(K,)``; positive is wider at the top.
        is_round: ``(K,)`` bool.
    """

    center: np.ndarray
    rotation: np.ndarray
    half: np.ndarray
    taper: np.ndarray
    is_round: np.ndarray

    def __len__(self) -> int:
        """Number of primitives."""
        return len(self.center)

    @cached_property
    def boxes(self) -> np.ndarray:
        """Exact bounding boxes of the primitives, ``(K, 2, 3)``: low and high corners."""
        ends = []
        for end in (-1.0, 1.0):
            radii = self.half * (1 + end * self.taper)[:, None]
            middle = self.center + end * self.half[:, 1:2] * self.rotation[:, :, 1]
            x, z = self.rotation[:, :, 0] * radii[:, :1], self.rotation[:, :, 2] * radii[:, 2:]
            reach = np.where(self.is_round[:, None], np.hypot(x, z), np.abs(x) + np.abs(z))
            ends.append((middle - reach, middle + reach))
        low = np.minimum(ends[0][0], ends[1][0])
        return np.stack([low, np.maximum(ends[0][1], ends[1][1])], axis=1)

    @property
    def bounds(self) -> np.ndarray:
        """Bounding box of the union, ``(2, 3)``."""
        return np.stack([self.boxes[:, 0].min(axis=0), self.boxes[:, 1].max(axis=0)])

    def normalized(self) -> 'Solid':
        """Centered, with the longest side of the bounding box 1."""
        low, high = self.bounds
        scale = 1 / (high - low).max()
        center = (self.center - (low + high) / 2) * scale
        return replace(self, center=center, half=self.half * scale)

    def contains(self, points: np.ndarray, margin: float = 1.0) -> np.ndarray:
        """Whether points ``(Q, 3)`` are in the union, ``(Q,)`` bool; its boundary is inside.

        Args:
            points: Coordinates.
            margin: Relative size of the primitives; below 1 excludes points near their surface.
        """
        points = np.asarray(points, dtype=np.float64)
        inside = np.zeros(len(points), dtype=bool)
        near = np.ones((len(self), len(points)), dtype=bool)  # (K, Q)
        for axis in range(3):
            low, high = self.boxes[:, 0, axis, None], self.boxes[:, 1, axis, None]
            near &= (points[:, axis] >= low) & (points[:, axis] <= high)
        k, q = np.divmod(np.flatnonzero(near), max(len(points), 1))
        offset = points[q] - self.center[k]
        local = np.einsum('mij,mi->mj', self.rotation[k], offset)
        height = local[:, 1] / self.half[k, 1]
        section = 1 + self.taper[k] * height
        x, z = (local[:, i] / (self.half[k, i] * section) for i in (0, 2))
        across = np.where(self.is_round[k], np.hypot(x, z), np.maximum(np.abs(x), np.abs(z)))
        inside[q[(np.abs(height) <= margin) & (across <= margin)]] = True
        return inside

    def sample_surface(
        self, num_points: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Points uniform by area on the boundary of the union, and their outward unit normals.

        Points of one primitive that lie inside another are rejected.

        Returns:
            Two arrays ``(num_points, 3)``.
        """
        points, normals = np.empty((0, 3)), np.empty((0, 3))
        while len(points) < num_points:
            candidates, normal, _ = self.sample_primitives(int(1.4 * num_points) + 16, rng)
            keep = ~self.contains(candidates, INSIDE)
            points = np.concatenate([points, candidates[keep]])
            normals = np.concatenate([normals, normal[keep]])
        return points[:num_points], normals[:num_points]

    @cached_property
    def _patch_areas(self) -> np.ndarray:
        """Areas ``(K, 4)`` of the sides across x (or tube), those across z, bottom and top."""
        hx, hy, hz = self.half.T
        slant_x = 2 * np.hypot(hy, self.taper * hx)
        slant_z = 2 * np.hypot(hy, self.taper * hz)
        disk = np.where(self.is_round, np.pi * hx**2, 4 * hx * hz)
        return np.stack(
            [
                np.where(self.is_round, 2 * np.pi * hx * slant_x, 4 * hz * slant_x),
                np.where(self.is_round, 0, 4 * hx * slant_z),
                disk * (1 - self.taper) ** 2,
                disk * (1 + self.taper) ** 2,
            ],
            axis=1,
        )

    @property
    def area(self) -> float:
        """Of the surfaces of all primitives, buried or not."""
        return float(self._patch_areas.sum())

    def sample_primitives(
        self, num_points: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Points uniform by area on all primitives, buried or not.

        Returns:
            Points and unit normals, ``(num_points, 3)``, and the primitives that they lie on,
            ``(num_points,)``.
        """
        cumulative = np.cumsum(self._patch_areas)
        draws = rng.random((4, num_points))
        patch = np.searchsorted(cumulative, draws[0] * cumulative[-1], side='right')
        k, patch = np.divmod(np.minimum(patch, cumulative.size - 1), 4)
        half, taper, is_round = self.half[k], self.taper[k], self.is_round[k]
        is_cap = patch >= 2
        # Height on a side has density proportional to the width there, 1 + taper * y.
        v = draws[1]
        spread = np.sqrt((1 - taper) ** 2 + 4 * taper * v)
        y = np.where(np.abs(taper) > 1e-9, (spread - 1) / np.where(taper == 0, 1, taper), 2 * v - 1)
        y = np.where(is_cap, 2.0 * patch - 5, y)
        x, z, normal_x, normal_z = _cross_section(patch, is_round, draws[2], draws[3])
        local = np.stack([x * (1 + taper * y), y, z * (1 + taper * y)], axis=1) * half
        lean = -taper * np.where(patch == 1, half[:, 2], half[:, 0]) / half[:, 1]
        normal = np.stack([normal_x, np.where(is_cap, y, lean), normal_z], axis=1)
        normal /= np.linalg.norm(normal, axis=1, keepdims=True)
        points = np.einsum('mij,mj->mi', self.rotation[k], local) + self.center[k]
        return points, np.einsum('mij,mj->mi', self.rotation[k], normal), k


def _cross_section(
    patch: np.ndarray, is_round: np.ndarray, u: np.ndarray, w: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Relative ``x`` and ``z`` in [-1, 1] and the normal's ``x`` and ``z`` (0 on caps)."""
    is_cap = patch >= 2
    sign, along = np.where(u < 0.5, -1.0, 1.0), 2 * w - 1
    x = np.where(patch == 0, sign, np.where(is_cap, 2 * u - 1, along))
    z = np.where(patch == 1, sign, along)
    angle, radius = 2 * np.pi * w, np.where(is_cap, np.sqrt(u), 1.0)
    x = np.where(is_round, radius * np.cos(angle), x)
    z = np.where(is_round, radius * np.sin(angle), z)
    normal_x = np.where(is_round & ~is_cap, x, np.where(patch == 0, sign, 0))
    normal_z = np.where(is_round & ~is_cap, z, np.where(patch == 1, sign, 0))
    return x, z, normal_x, normal_z
