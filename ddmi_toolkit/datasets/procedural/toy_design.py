"""Cars, houses, trees, robots and rockets: what a seed draws, and its bodies."""

from collections.abc import Callable
from math import cos, pi, sin

import numpy as np

from .bodies import Bodies
from .drawing import Color
from .parts import Draws, Point
from .toys import Toy

KINDS = dict(car=0.3, house=0.2, tree=0.15, robot=0.2, rocket=0.15)
_PAINTS: tuple[Color, ...] = (
    (0.86, 0.2, 0.18), (0.95, 0.55, 0.12), (0.98, 0.82, 0.2), (0.3, 0.68, 0.32), (0.2, 0.45, 0.85),
    (0.55, 0.32, 0.72), (0.95, 0.55, 0.72), (0.2, 0.7, 0.72), (0.88, 0.87, 0.84),
)  # fmt: skip
_BLACK, _GREY, _GLASS = (0.13, 0.13, 0.15), (0.55, 0.57, 0.6), (0.45, 0.7, 0.85)
_BROWN, _LIGHT, _RED = (0.47, 0.31, 0.19), (1.0, 0.93, 0.6), (0.8, 0.12, 0.1)

Frame = tuple[float, float, float, Color]
"""Half width, top, half length and paint of a car's body."""


def design_toy(seed: int) -> tuple[Bodies, str]:
    """The object of a seed, and its kind."""
    draws = Draws(seed)
    kind = draws.pick(KINDS)
    builders: dict[str, Callable[[Draws, Toy], None]] = dict(
        car=_car, house=_house, tree=_tree, robot=_robot, rocket=_rocket
    )
    toy = Toy()
    builders[kind](draws, toy)
    return toy.build(), kind


def _paint(draws: Draws) -> Color:
    red, green, blue = (
        min(max(c + draws.uniform(-0.07, 0.07), 0.0), 1.0)
        for c in _PAINTS[draws.integer(0, len(_PAINTS) - 1)]
    )
    return red, green, blue


def _darker(color: Color, factor: float) -> Color:
    red, green, blue = (c * factor for c in color)
    return red, green, blue


def _car(draws: Draws, toy: Toy) -> None:
    paint = _paint(draws)
    style = draws.pick(dict(sedan=0.45, truck=0.3, bus=0.25))
    length, width = draws.uniform(0.85, 1.05), draws.uniform(0.4, 0.48)
    wheel, height = draws.uniform(0.17, 0.23), draws.uniform(0.14, 0.2)
    floor = wheel + height
    toy.box((0, floor, 0), (width, height, length), paint)
    for x in (-width, width):
        for z in (-0.62 * length, 0.62 * length):
            inner, outer = 0.8 * x, 1.12 * x
            toy.rod((inner, wheel, z), (outer, wheel, z), wheel, _BLACK)
            toy.rod((inner, wheel, z), (1.05 * outer, wheel, z), 0.5 * wheel, _GREY)
    for x in (-0.65 * width, 0.65 * width):
        toy.ball((x, floor, length), 0.09, _LIGHT)
        toy.ball((x, floor, -length), (0.1, 0.06, 0.05), _RED)
    builders: dict[str, Callable[[Draws, Toy, Frame], None]] = dict(
        sedan=_sedan, truck=_truck, bus=_bus
    )
    top = floor + 0.95 * height  # what stands on the body begins inside of it
    builders[style](draws, toy, (width, top, length, paint))


def _sedan(draws: Draws, toy: Toy, frame: Frame) -> None:
    width, top, length, paint = frame
    rise, middle = draws.uniform(0.16, 0.22), draws.uniform(-0.2, -0.05)
    toy.box((0, top + rise, middle), (width, rise, 0.55 * length), _GLASS, -0.17)
    roof = top + 2 * rise
    toy.box((0, roof, middle), (0.76 * width, 0.03, 0.42 * length), paint)
    if draws.chance(0.4):
        toy.box((0, roof + 0.07, middle), (0.12, 0.07, 0.06), _paint(draws))


def _truck(draws: Draws, toy: Toy, frame: Frame) -> None:
    width, top, length, paint = frame
    cab, rise = draws.uniform(0.24, 0.32), draws.uniform(0.22, 0.3)
    front = length - cab
    toy.box((0, top + rise, front), (0.96 * width, rise, 0.9 * cab), paint, -0.1)
    toy.box((0, top + 1.1 * rise, front + 0.2), (0.8 * width, 0.4 * rise, 0.8 * cab), _GLASS)
    load, back = draws.uniform(0.25, 0.42), 0.6 * length
    if draws.chance(0.6):
        place = (0, top + load, back - length)
        toy.box(place, (1.05 * width, load, 0.95 * back), _paint(draws))
    else:
        ends = (0, top + 0.8 * width, -length), (0, top + 0.8 * width, 0.25 * length)
        toy.rod(*ends, 0.85 * width, _paint(draws))


def _bus(draws: Draws, toy: Toy, frame: Frame) -> None:
    width, top, length, paint = frame
    rise = draws.uniform(0.26, 0.34)
    toy.box((0, top + rise, 0), (width, rise, length), paint)
    toy.box((0, top + rise, 0), (1.02 * width, 0.55 * rise, 0.85 * length), _GLASS)
    toy.box((0, top + rise, 0), (0.8 * width, 0.55 * rise, 1.02 * length), _GLASS)
    toy.box((0, top + 2 * rise, 0), (0.9 * width, 0.04, 0.92 * length), _darker(paint, 0.7))


def _house(draws: Draws, toy: Toy) -> None:
    wall, roof, door = _paint(draws), _paint(draws), _paint(draws)
    width, depth = draws.uniform(0.5, 0.65), draws.uniform(0.5, 0.75)
    height = draws.uniform(0.35, 0.5)
    toy.box((0, -0.03, 0), (1.5 * width, 0.05, 1.4 * depth), (0.45, 0.7, 0.35))
    toy.box((0, height, 0), (width, height, depth), wall)
    top, eave = 2 * height, draws.uniform(1.05, 1.2)
    if draws.chance(0.5):  # a square bar on edge, whose lower half is in the house
        half = eave * width / 2**0.5
        slope = np.array([1, 1, 0]) / 2**0.5
        toy.bar(*_across(half, top, slope), (half, 0.98 * depth), roof)
        peak = top + eave * width
    else:
        rise = draws.uniform(0.2, 0.32)
        toy.box((0, top + rise - 0.03, 0), (0.65 * width, rise, 0.65 * depth), roof, -0.85)
        peak = top + 1.4 * rise
    if draws.chance(0.7):
        x = 0.5 * width
        toy.box((x, (top + peak) / 2, -0.4 * depth), (0.09, (peak - top) / 2 + 0.1, 0.09), _BROWN)
    toy.box((0, 0.26, depth), (0.14, 0.26, 0.03), door)
    for side in (-1, 1):
        toy.box((side * 0.6 * width, 1.15 * height, depth), (0.12, 0.12, 0.03), _GLASS)
        for z in (-0.45, 0.45):
            toy.box((side * width, 1.15 * height, z * depth), (0.03, 0.12, 0.12), _GLASS)
    if draws.chance(0.5):
        place = draws.uniform(0.5, 1.0) * depth
        toy.rod((1.25 * width, 0, place), (1.25 * width, 0.3, place), 0.05, _BROWN)
        toy.ball((1.25 * width, 0.42, place), (0.2, 0.26, 0.2), (0.25, 0.55, 0.25))


def _across(half: float, top: float, slope: np.ndarray) -> tuple[Point, Point]:
    """Ends of a bar whose axis is ``slope``, centered at the top of a house."""
    middle = np.array([0, top, 0])
    return tuple(middle - half * slope), tuple(middle + half * slope)


def _tree(draws: Draws, toy: Toy) -> None:
    green = _darker((0.42, 0.78, 0.35), draws.uniform(0.7, 1.0))
    style = draws.pick(dict(fir=0.35, round=0.4, palm=0.25))
    trunk, thick = draws.uniform(0.5, 0.9), draws.uniform(0.08, 0.13)
    toy.rod((0, -0.04, 0), (0, 0.03, 0), draws.uniform(0.35, 0.5), (0.5, 0.75, 0.4))
    toy.rod((0, 0, 0), (0, trunk + 0.2, 0), thick, _BROWN, -0.25)
    builders: dict[str, Callable[[Draws, Toy, float, float, Color], None]] = dict(
        fir=_fir, round=_crown, palm=_palm
    )
    builders[style](draws, toy, trunk, thick, green)


def _fir(draws: Draws, toy: Toy, trunk: float, thick: float, green: Color) -> None:
    levels, wide, y = draws.integer(2, 4), draws.uniform(0.5, 0.65), 0.6 * trunk
    for k in range(levels):
        size = wide * (1 - 0.22 * k)
        toy.rod((0, y, 0), (0, y + size, 0), size / 2, _darker(green, 0.8 + 0.07 * k), -0.95)
        y += 0.55 * size


def _crown(draws: Draws, toy: Toy, trunk: float, thick: float, green: Color) -> None:
    size = draws.uniform(0.4, 0.5)
    toy.ball((0, trunk + 0.9 * size, 0), (size, 1.15 * size, size), green)
    turn = draws.uniform(0, 2 * pi)
    for k in range(3):
        angle, part = turn + 2 * pi * k / 3, draws.uniform(0.25, 0.34)
        place = (0.75 * size * cos(angle), trunk + 0.6 * size, 0.75 * size * sin(angle))
        toy.ball(place, part, _darker(green, 0.9))
    if draws.chance(0.6):
        fruit = _paint(draws)
        for k in range(9):
            angle, lift = turn + 2.4 * k, 0.9 * (k / 4 - 1)
            ring = (1 - lift**2) ** 0.5 * size
            place = (ring * cos(angle), trunk + size * (0.9 + 1.15 * lift), ring * sin(angle))
            toy.ball(place, 0.075, fruit)


def _palm(draws: Draws, toy: Toy, trunk: float, thick: float, green: Color) -> None:
    leaves, turn = draws.integer(5, 7), draws.uniform(0, 2 * pi)
    toy.rod((0, trunk, 0), (0, trunk + 0.6, 0), thick * 0.75, _BROWN)
    top = trunk + 0.6
    for k in range(leaves):
        angle = turn + 2 * pi * k / leaves
        x, z = cos(angle), sin(angle)
        out = (0.33 * x, top + 0.1, 0.33 * z)
        toy.rod((0, top, 0), out, 0.07, green, 0.3)
        toy.rod(out, (0.72 * x, top - 0.12, 0.72 * z), 0.075, _darker(green, 0.9), -0.6)
    for k in range(3):
        angle = turn + 2.1 * k
        toy.ball((0.12 * cos(angle), top - 0.08, 0.12 * sin(angle)), 0.09, (0.4, 0.25, 0.12))


def _robot(draws: Draws, toy: Toy) -> None:
    paint, second = _paint(draws), _paint(draws)
    width, height = draws.uniform(0.3, 0.42), draws.uniform(0.32, 0.42)
    depth, hip = draws.uniform(0.2, 0.28), draws.uniform(0.35, 0.5)
    chest = hip + height
    toy.box((0, chest, 0), (width, height, depth), paint, draws.uniform(-0.2, 0.25))
    toy.box((0, chest + 0.05, depth), (0.5 * width, 0.4 * height, 0.06), _GREY)
    for k in range(3):
        x = 0.28 * width * (k - 1)
        toy.ball((x, chest + 0.08, depth + 0.07), 0.045, _PAINTS[(2 * k) % 5])
    top = hip + 2 * height
    size = draws.uniform(0.22, 0.3)
    is_round = draws.chance(0.5)
    toy.rod((0, top - 0.05, 0), (0, top + 0.12, 0), 0.1, _GREY)
    face = top + 0.06 + size
    if is_round:
        toy.ball((0, face, 0), size, second)
    else:
        toy.box((0, face, 0), (1.1 * size, 0.85 * size, size), second)
    for side in (-1, 1):
        eye = (side * 0.42 * size, face + 0.1 * size, 0.88 * size)
        toy.ball(eye, 0.3 * size, (0.97, 0.97, 0.97))
        toy.ball((eye[0], eye[1], eye[2] + 0.18 * size), 0.17 * size, _BLACK)
        _limbs(draws, toy, side, (width, hip, top), (paint, second))
    if draws.chance(0.7):
        toy.rod((0, face, 0), (0, face + size + 0.2, 0), 0.03, _GREY)
        toy.ball((0, face + size + 0.22, 0), 0.07, _RED)


def _limbs(
    draws: Draws,
    toy: Toy,
    side: int,
    body: tuple[float, float, float],
    paints: tuple[Color, Color],
) -> None:
    """An arm and a leg of a robot."""
    width, hip, top = body
    shoulder = (side * (width + 0.1), top - 0.15, 0.0)
    lift, reach = draws.uniform(-0.5, 0.25), draws.uniform(0.0, 0.35)
    hand = (side * (width + 0.28), top - 0.15 + lift, reach)
    toy.ball(shoulder, 0.12, _GREY)
    toy.rod(shoulder, hand, 0.075, paints[1])
    toy.ball(hand, 0.12, paints[0])
    x = side * 0.5 * width
    toy.rod((x, hip + 0.1, 0), (x, 0.1, 0), 0.1, _GREY)
    toy.box((x, 0.08, 0.06), (0.15, 0.08, 0.24), paints[1])


def _rocket(draws: Draws, toy: Toy) -> None:
    hull, trim = _paint(draws), _paint(draws)
    radius, length = draws.uniform(0.24, 0.36), draws.uniform(0.8, 1.2)
    tail, nose = 0.3, draws.uniform(0.4, 0.6)
    top = tail + length
    toy.rod((0, tail, 0), (0, top, 0), radius, hull, draws.uniform(-0.08, 0.05))
    toy.ball((0, top, 0), (0.97 * radius, nose, 0.97 * radius), trim)
    ring = tail + draws.uniform(0.3, 0.5) * length
    toy.rod((0, ring - 0.05, 0), (0, ring + 0.05, 0), 1.07 * radius, trim)
    toy.rod((0, tail - 0.2, 0), (0, tail + 0.05, 0), 0.6 * radius, _GREY, -0.3)
    fins, turn = draws.integer(3, 4), draws.uniform(0, 2 * pi)
    for k in range(fins):
        angle = turn + 2 * pi * k / fins
        x, z = cos(angle), sin(angle)
        inner, outer = 0.8 * radius, radius + draws.uniform(0.22, 0.26)
        toy.bar(
            (inner * x, tail + 0.32, inner * z), (outer * x, 0.0, outer * z), (0.05, 0.17), trim
        )
    for k in range(draws.integer(1, 2)):
        y = top - 0.22 - 0.3 * k
        for sign in (-1, 1):
            toy.ball((0, y, sign * 0.93 * radius), 0.13, _GREY)
            toy.ball((0, y, sign * (0.93 * radius + 0.05)), 0.105, _GLASS)
