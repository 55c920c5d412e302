"""Building blocks of procedural shapes: stable draws and a workbench of rods and panels."""

from collections.abc import Mapping, Sequence

import numpy as np

from .solids import Solid

Point = Sequence[float]


class Draws:
    """Random choices that are the same on every machine and numpy version.

    Only uniform doubles of PCG64 are used: numpy guarantees its bit stream, but not what its
    distributions make of it.

    Args:
        seed: Any non-negative integer.
    """

    def __init__(self, seed: int) -> None:
        if seed < 0:
            raise ValueError(f'seed must not be negative, got {seed}')
        self._rng = np.random.Generator(np.random.PCG64(seed))

    def uniform(self, low: float, high: float) -> float:
        """A number in [low, high)."""
        return low + (high - low) * float(self._rng.random())

    def chance(self, probability: float) -> bool:
        """True with a probability."""
        return float(self._rng.random()) < probability

    def integer(self, low: int, high: int) -> int:
        """An integer in [low, high], both included."""
        return low + int((high - low + 1) * float(self._rng.random()))

    def pick(self, weights: Mapping[str, float]) -> str:
        """A name, with probability proportional to its weight."""
        rest = float(self._rng.random()) * sum(weights.values())
        for name, weight in weights.items():
            rest -= weight
            if rest < 0:
                return name
        return name


class Workbench:
    """Collects primitives; ``x`` is to the right, ``y`` up and ``z`` to the front.

    Parts must overlap where they meet: faces that only touch would count as surface.
    """

    def __init__(self) -> None:
        self._rows: list[tuple] = []

    def rod(
        self,
        start: Point,
        end: Point,
        half: float | tuple[float, float],
        *,
        is_round: bool = False,
        taper: float = 0.0,
    ) -> None:
        """A bar from one point to another.

        Args:
            start: Center of one end.
            end: Center of the other end.
            half: Half thickness; of a vertical bar along ``x`` and ``z``, of one along ``x``
                along ``y`` and ``z``, of one along ``z`` along ``y`` and ``x``.
            is_round: Round instead of square.
            taper: In (-1, 1); positive is thicker at ``end``.
        """
        start, end = np.asarray(start, dtype=np.float64), np.asarray(end, dtype=np.float64)
        length = np.sqrt(((end - start) ** 2).sum())
        along = (end - start) / length
        other = np.array([0.0, 0, 1]) if abs(along[2]) < 0.9 else np.array([1.0, 0, 0])
        across = np.cross(along, other)
        across /= np.sqrt((across**2).sum())
        rotation = np.stack([across, along, np.cross(across, along)], axis=1)
        half_x, half_z = half if isinstance(half, tuple) else (half, half)
        size = (half_x, length / 2, half_z)
        self._rows.append(((start + end) / 2, rotation, size, taper, is_round))

    def slab(self, center: Point, half: Point, *, is_round: bool = False) -> None:
        """An upright box of half sizes ``(x, y, z)``, or a disk of radius ``half[0]``."""
        x, y, z = center
        size = (half[0], half[0] if is_round else half[2])
        self.rod((x, y - half[1], z), (x, y + half[1], z), size, is_round=is_round)

    def build(self) -> Solid:
        """The union of all parts, normalized."""
        return self.assemble().normalized()

    def assemble(self) -> Solid:
        """The union of all parts, in order, where they were put."""
        columns = zip(*self._rows, strict=True)
        center, rotation, half, taper = (
            np.array(c, dtype=np.float64) for c in (next(columns) for _ in range(4))
        )
        return Solid(center, rotation, half, taper, np.array(next(columns)))
