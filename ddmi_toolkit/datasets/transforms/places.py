"""Where crops are taken from: how large a picture is thought of, and at which place."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class IntegerPlaces:
    """Crops of a few sizes of the picture, at whole pixels of the resized picture."""

    input_size: tuple[int, int]
    crop_size: tuple[int, int]
    chances: tuple[tuple[float, float], ...]  # (magnification, probability)

    def __post_init__(self) -> None:
        for magnification, _ in self.chances:
            sizes = [magnification * n for n in self.input_size]
            if any(abs(n - round(n)) > 1e-6 for n in sizes):
                raise ValueError(
                    f'magnification {magnification} makes {sizes[0]}x{sizes[1]} pixels of '
                    f'input_size={self.input_size}; choose one that gives whole pixels, or '
                    f'set magnification_range'
                )
            _check_crop(self.crop_size, self.input_size, magnification)

    @property
    def highest(self) -> float:
        """The largest magnification."""
        return max(m for m, _ in self.chances)

    def draw(self, rng: np.random.Generator) -> tuple[float, int, int]:
        """A magnification, and the first row and column of the crop."""
        values, chances = zip(*self.chances, strict=True)
        bounds = np.cumsum(chances) / sum(chances)
        magnification = values[int(np.searchsorted(bounds, rng.random(), side='right'))]
        free = [
            round(magnification * n) - c
            for n, c in zip(self.input_size, self.crop_size, strict=True)
        ]
        top, left = (int(rng.integers(0, f + 1)) for f in free)
        return magnification, top, left


@dataclass(frozen=True)
class RealPlaces:
    """Crops of any size of the picture within a range, anywhere."""

    input_size: tuple[int, int]
    crop_size: tuple[int, int]
    limits: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.limits) != 2 or not 0 < self.limits[0] <= self.limits[1]:
            raise ValueError(
                f'magnification_range must be (low, high) with 0 < low <= high, got {self.limits}'
            )
        _check_crop(self.crop_size, self.input_size, self.limits[0])

    @property
    def highest(self) -> float:
        """The largest magnification."""
        return self.limits[1]

    def draw(self, rng: np.random.Generator) -> tuple[float, float, float]:
        """A magnification, and the top and left edge of the crop in pixels of that size."""
        magnification = rng.uniform(*self.limits)
        free = [
            max(magnification * n - c, 0)
            for n, c in zip(self.input_size, self.crop_size, strict=True)
        ]
        return magnification, rng.uniform(0, free[0]), rng.uniform(0, free[1])


def _check_crop(crop: tuple[int, int], size: tuple[int, int], magnification: float) -> None:
    if any(c > magnification * n + 1e-6 for c, n in zip(crop, size, strict=True)):
        raise ValueError(
            f'crop_size={crop} is larger than {magnification} times input_size={size}; choose a '
            f'smaller crop or leave out that magnification'
        )
