"""A workbench for toys: colored boxes, bars and balls become the bodies of one object."""

from dataclasses import replace

import numpy as np

from .bodies import Balls, Bodies
from .drawing import Color
from .parts import Point, Workbench

RADIUS = 0.95
"""Of the ball around the origin that holds an object."""


class Toy:
    """Collects colored bodies; ``x`` is to the right, ``y`` up and ``z`` to the front."""

    def __init__(self) -> None:
        self.bench = Workbench()
        self.frusta: list[Color] = []
        self.balls: list[tuple[Point, Point, Color]] = []

    def box(self, center: Point, half: Point, color: Color, taper: float = 0.0) -> None:
        """An upright box; a taper above -1 and below 0 makes it narrower at the top."""
        x, y, z = center
        ends = (x, y - half[1], z), (x, y + half[1], z)
        self.bench.rod(*ends, (half[0], half[2]), taper=taper)
        self.frusta.append(color)

    def rod(
        self, start: Point, end: Point, radius: float, color: Color, taper: float = 0.0
    ) -> None:
        """A round bar from one point to another, thicker at the end for a taper above 0."""
        self.bench.rod(start, end, radius, is_round=True, taper=taper)
        self.frusta.append(color)

    def bar(self, start: Point, end: Point, half: tuple[float, float], color: Color) -> None:
        """A bar with a rectangular cross-section, see :meth:`Workbench.rod`."""
        self.bench.rod(start, end, half)
        self.frusta.append(color)

    def ball(self, center: Point, half: float | Point, color: Color) -> None:
        """A ball or an ellipsoid."""
        self.balls.append((center, (half, half, half) if isinstance(half, float) else half, color))

    def build(self) -> Bodies:
        """All bodies, ``z`` up and ``x`` to the front, within a ball of radius ``RADIUS``."""
        turn = np.array([[0, 0, 1.0], [1, 0, 0], [0, 1, 0]])
        frusta = self.bench.assemble()
        center, rotation = frusta.center @ turn.T, turn @ frusta.rotation
        frusta = replace(frusta, center=center, rotation=rotation)
        places = np.array([b[0] for b in self.balls], float).reshape(-1, 3)
        halves = np.array([b[1] for b in self.balls], float).reshape(-1, 3)
        colors = np.array(self.frusta + [b[2] for b in self.balls], float)
        return Bodies(frusta, Balls(places @ turn.T, halves @ turn.T), colors).normalized(RADIUS)
