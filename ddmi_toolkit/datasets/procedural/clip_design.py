"""Moving scenes of four kinds: what a seed draws, where everything is at any time, a caption.

Time goes from -1 to 1 over a clip, as its coordinate does. Colors of the sky follow the hour, which
moves on during the clip; everything else is colored by the light of that hour.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, floor, pi, sin

import numpy as np

from .drawing import Color, Patch, Scene
from .parts import Draws

KINDS = dict(clouds=0.3, ball=0.25, mill=0.25, boat=0.2)
Motion = Callable[[float, Color], list[Patch]]
"""What is painted at a time, in the light of it."""

_HOURS: tuple[tuple[float, Color, Color, Color], ...] = (  # hour, sky above and below, light
    (0.0, (0.05, 0.06, 0.2), (0.2, 0.22, 0.45), (0.42, 0.45, 0.62)),
    (6.0, (0.42, 0.36, 0.62), (0.98, 0.68, 0.45), (0.95, 0.78, 0.68)),
    (9.0, (0.35, 0.62, 0.92), (0.85, 0.93, 0.98), (1.0, 1.0, 1.0)),
    (15.0, (0.32, 0.58, 0.9), (0.8, 0.9, 0.98), (1.0, 1.0, 0.98)),
    (19.0, (0.4, 0.3, 0.6), (0.98, 0.6, 0.38), (0.95, 0.72, 0.6)),
    (22.0, (0.06, 0.07, 0.22), (0.22, 0.22, 0.42), (0.45, 0.46, 0.64)),
    (24.0, (0.05, 0.06, 0.2), (0.2, 0.22, 0.45), (0.42, 0.45, 0.62)),
)
_PAINTS: dict[str, Color] = dict(
    red=(0.85, 0.2, 0.2),
    orange=(0.95, 0.55, 0.15),
    yellow=(0.98, 0.85, 0.25),
    blue=(0.2, 0.4, 0.85),
    purple=(0.55, 0.3, 0.7),
    white=(0.96, 0.95, 0.92),
)
_NUMBERS = ('no', 'one', 'two', 'three', 'four', 'five')


@dataclass(frozen=True)
class MovingScene:
    """A picture that is a continuous function of time.

    Args:
        kind: Of :data:`KINDS`.
        caption: What is seen.
        hours: Hour of the day at the start and the end.
        motions: What is painted, the first one lowest.
    """

    kind: str
    caption: str
    hours: tuple[float, float]
    motions: tuple[Motion, ...]

    def scene_at(self, time: float) -> Scene:
        """What there is at a time in [-1, 1]."""
        start, end = self.hours
        above, below, light = _lit(start + (end - start) * (time + 1) / 2)
        patches = [patch for motion in self.motions for patch in motion(time, light)]
        return Scene((above, below), patches)

    def frame_at(self, time: float, size: int) -> np.ndarray:
        """The picture at a time in [-1, 1], ``(size, size, 3)`` float32 in [0, 1]."""
        return self.scene_at(time).render(size)


def design_clip(seed: int) -> MovingScene:
    """The moving scene of a seed; it never changes."""
    draws = Draws(seed)
    kind = draws.pick(KINDS)
    part, hours = _day(draws)
    light = _celestial(draws, hours)
    build = dict(clouds=_clouds, ball=_ball, mill=_mill, boat=_boat)[kind]
    motions, caption = build(draws)
    caption = f'{caption} {part}'.replace('a orange', 'an orange')
    return MovingScene(kind, caption, hours, (light, *motions))


def _day(draws: Draws) -> tuple[str, tuple[float, float]]:
    part = draws.pick(dict(morning=0.25, day=0.35, evening=0.25, night=0.15))
    starts = dict(morning=(4.5, 5.5), day=(9.0, 12.0), evening=(16.5, 18.0), night=(0.0, 1.5))
    start = draws.uniform(*starts[part])
    words = dict(morning='in the morning', day='by day', evening='in the evening', night='at night')
    return words[part], (start, start + draws.uniform(1.5, 3.0))


def _celestial(draws: Draws, hours: tuple[float, float]) -> Motion:
    """Sun or moon on its way across the sky; the clip sees a fifth to a third of it."""
    is_night = hours[1] < 5
    radius, drift = draws.uniform(0.11, 0.17), draws.uniform(-0.15, 0.15)
    color = (0.95, 0.95, 0.85) if is_night else (1.0, 0.9, 0.45)

    def paint(time: float, _: Color) -> list[Patch]:
        hour = hours[0] + (hours[1] - hours[0]) * (time + 1) / 2
        angle = pi * ((hour - 5) / 15 if not is_night else (hour + 1) / 7)  # 0 rises, pi sets
        x, y = -0.95 * cos(angle) + drift, 0.35 - 1.0 * sin(angle)
        return [_disc(x, y, radius, color)]

    return paint


def _clouds(draws: Draws) -> tuple[list[Motion], str]:
    count = draws.integer(2, 4)
    wind = draws.uniform(0.35, 0.8) * (1 if draws.chance(0.5) else -1)
    motions = [
        _cloud(draws, -0.75 + 0.95 * (k + draws.uniform(0.1, 0.7)) / count, wind)
        for k in range(count)
    ]
    motions += [_hill(draws, draws.uniform(0.35, 0.5), 0.7), _hill(draws, 0.7, 1.0)]
    way = 'right' if wind > 0 else 'left'
    return motions, f'{_NUMBERS[count]} clouds moving to the {way} over hills'


def _cloud(draws: Draws, y: float, wind: float) -> Motion:
    """A few puffs that drift together and swell in turn; a nearer cloud is larger and faster."""
    near = draws.uniform(0.7, 1.3)
    start, speed, size = draws.uniform(-0.8, 0.8), wind * near, 0.2 * near
    puffs = [
        (dx, draws.uniform(-0.25, 0.15), draws.uniform(0.6, 1.0), draws.uniform(0, 2 * pi))
        for dx in (-1.3, -0.6, 0.1, 0.8, 1.4)
    ]
    shade = draws.uniform(0.88, 1.0)

    def paint(time: float, light: Color) -> list[Patch]:
        x = (start + speed * time + 2) % 4 - 2  # leaves on one side, comes on the other
        patches = []
        for dx, dy, radius, phase in puffs:
            r = size * radius * (1 + 0.12 * sin(2.5 * time + phase))
            place = (x + dx * size, y + dy * size, 1.15 * r, 0.8 * r, 0.0)
            top, low = (_shine(light, (v, v, v)) for v in (shade, 0.86 * shade))
            patches.append(Patch('ellipse', place, top, low))
        return patches

    return paint


def _ball(draws: Draws) -> tuple[list[Motion], str]:
    ground = draws.uniform(0.55, 0.75)
    motions = [_cloud(draws, draws.uniform(-0.7, -0.4), draws.uniform(-0.3, 0.3))]
    motions.append(_hill(draws, ground - 0.05, 0.85, wave=0.03))
    name, other = _two(draws)
    radius, height = draws.uniform(0.17, 0.26), draws.uniform(0.6, 1.0)
    bounces, phase = draws.uniform(0.8, 1.6), draws.uniform(0, 1)
    start, speed = draws.uniform(-0.3, 0.3), draws.uniform(0.2, 0.5)
    speed *= 1 if draws.chance(0.5) else -1

    def paint(time: float, light: Color) -> list[Patch]:
        cycle = (bounces * (time + 1) + phase) % 1
        lift = 4 * height * cycle * (1 - cycle)  # a parabola from the ground to the ground
        x, y = start + speed * time, ground - radius - lift
        roll = x / radius
        shadow = radius * (0.9 - 0.45 * lift / height)
        patches = [
            Patch('ellipse', (x, ground + 0.06, shadow, 0.05, 0.0), _shine(light, _GRASS[1]))
        ]
        patches.append(_disc(x, y, radius, _shine(light, _PAINTS[name])))
        stripe = (x, y, 0.93 * radius, 0.2 * radius, roll)
        patches.append(Patch('ellipse', stripe, _shine(light, _PAINTS[other])))
        return patches

    motions.append(paint)
    return motions, f'a {name} ball with a {other} stripe bouncing on grass'


def _mill(draws: Draws) -> tuple[list[Motion], str]:
    motions = [_cloud(draws, draws.uniform(-0.75, -0.5), draws.uniform(-0.4, 0.4))]
    motions.append(_hill(draws, draws.uniform(0.45, 0.6), 0.9))
    name, other = _two(draws)
    count = draws.integer(3, 5)
    x, y, length = draws.uniform(-0.3, 0.3), draws.uniform(-0.25, -0.05), draws.uniform(0.5, 0.62)
    turn = draws.uniform(0, 2 * pi)
    speed = draws.uniform(0.5, 1.1) * (1 if draws.chance(0.5) else -1)  # radians per half clip

    def paint(time: float, light: Color) -> list[Patch]:
        wall = _shine(light, _PAINTS[name])
        tower = (x - 0.11, y, x + 0.11, y, x + 0.26, 0.85, x - 0.26, 0.85)
        patches = [Patch('polygon', tower, wall, _shade(wall, 0.75))]
        door = _shine(light, (0.35, 0.22, 0.15))
        patches.append(Patch('bar', (x, 0.75, 0.07, 0.1, 0.0), door))
        for k in range(count):
            angle = turn + speed * time + 2 * pi * k / count
            place = (x + length / 2 * cos(angle), y + length / 2 * sin(angle))
            wing = (*place, length / 2, 0.065, angle)
            patches.append(Patch('bar', wing, _shine(light, _PAINTS[other])))
        return [*patches, _disc(x, y, 0.09, door)]

    motions.append(paint)
    return motions, f'a {name} mill with {_NUMBERS[count]} {other} wings turning'


def _boat(draws: Draws) -> tuple[list[Motion], str]:
    name, other = _two(draws)
    shore, half = draws.uniform(0.2, 0.35), draws.uniform(0.32, 0.45)
    start, speed = draws.uniform(-0.2, 0.2), draws.uniform(0.25, 0.55)
    speed *= 1 if draws.chance(0.5) else -1
    swing, pace, phase = draws.uniform(0.04, 0.08), draws.uniform(3, 5), draws.uniform(0, 2 * pi)
    waves = [(draws.uniform(5, 9), draws.uniform(0, 2 * pi), draws.uniform(2, 4)) for _ in range(3)]
    water: Color = (0.15, 0.42, 0.62)

    def sea(time: float, light: Color) -> list[Patch]:
        color = _shine(light, water)
        return [Patch('hill', (shore, 0.0, 1.0, 0.0), _shade(color, 0.85))]

    def boat(time: float, light: Color) -> list[Patch]:
        x, keel = start + speed * time, shore + 0.12 + swing * sin(pace * time + phase)
        side = 1 if speed > 0 else -1
        sail = [(x, keel - 0.85), (x + side * 0.8 * half, keel - 0.2), (x, keel - 0.2)]
        corners = tuple(v for point in sail[::side] for v in point)
        hull = (x, keel - 0.12, half, 0.26, 0.0)
        mast = _shine(light, (0.5, 0.32, 0.2))
        return [
            Patch('bar', (x, keel - 0.5, 0.03, 0.45, 0.0), mast),
            Patch('polygon', corners, _shine(light, _PAINTS[other])),
            Patch('ellipse', hull, _shine(light, _PAINTS[name]), cut=keel - 0.12),
        ]

    def foam(time: float, light: Color) -> list[Patch]:
        color = _shine(light, water)
        return [
            Patch(
                'hill',
                (shore + 0.24 + 0.17 * k, 0.035, frequency, turn + pace * time),
                _shade(color, 1.0 + 0.18 * k),
            )
            for k, (frequency, turn, pace) in enumerate(waves)
        ]

    return [sea, boat, foam], f'a {name} boat with a {other} sail on waves'


_GRASS: tuple[Color, Color] = ((0.42, 0.72, 0.32), (0.22, 0.42, 0.18))


def _hill(draws: Draws, top: float, shade: float, wave: float = 0.08) -> Motion:
    numbers = (top, draws.uniform(0.3, 1.0) * wave, draws.uniform(2, 4), draws.uniform(0, 2 * pi))

    def paint(_: float, light: Color) -> list[Patch]:
        colors = (_shade(_shine(light, color), shade) for color in _GRASS)
        return [Patch('hill', numbers, *colors)]

    return paint


def _lit(hour: float) -> tuple[Color, Color, Color]:
    """Colors of the sky above and below, and of the light, at an hour of the day."""
    hour -= 24 * floor(hour / 24)
    after = next(i for i, row in enumerate(_HOURS) if row[0] > hour)
    low, high = _HOURS[after - 1], _HOURS[after]
    share = (hour - low[0]) / (high[0] - low[0])
    above, below, light = (_mixed(a, b, share) for a, b in zip(low[1:], high[1:], strict=True))
    return above, below, light


def _mixed(a: Color, b: Color, share: float) -> Color:
    red, green, blue = (u + (v - u) * share for u, v in zip(a, b, strict=True))
    return red, green, blue


def _shine(light: Color, color: Color) -> Color:
    """A color in a light."""
    red, green, blue = (u * v for u, v in zip(light, color, strict=True))
    return red, green, blue


def _shade(color: Color, factor: float) -> Color:
    red, green, blue = (min(c * factor, 1.0) for c in color)
    return red, green, blue


def _disc(x: float, y: float, radius: float, color: Color) -> Patch:
    return Patch('ellipse', (x, y, radius, radius, 0.0), color)


def _two(draws: Draws) -> tuple[str, str]:
    """Two different paints."""
    names = list(_PAINTS)
    first = names.pop(draws.integer(0, len(names) - 1))
    return first, names[draws.integer(0, len(names) - 1)]
