"""Parts of procedural seats: legs, bases, backs and arms, each drawn and placed on a seat.

Lengths are fractions of the longest side, before normalization. The functions draw from
``seat.draws`` in a fixed order: a new draw anywhere would change the shapes of all seeds.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

from .parts import Draws, Workbench

THIN = (0.0175, 0.0195)  # half thickness of the parts that make every shape a thin one
Attributes = dict[str, str | int | bool]
BackPlane = Callable[[float, float], tuple[float, float, float]]
LegCenters = Callable[[float], list[tuple[float, float]]]


@dataclass
class Seat:
    """A design under construction.

    Args:
        draws: The seed's choices.
        half_width: Of the seat, along ``x``.
        half_depth: Of the seat, along ``z``.
        top: Height of the sitting surface.
        thickness: Of the seat.
        height: Of the whole.
    """

    draws: Draws
    half_width: float
    half_depth: float
    top: float
    thickness: float
    height: float = 1.0
    bench: Workbench = field(default_factory=Workbench)
    attributes: Attributes = field(default_factory=dict)

    @property
    def core(self) -> float:
        """Height at the middle of the seat, where parts from above and below end."""
        return self.top - self.thickness / 2


def add_seat(seat: Seat, *, is_round: bool = False) -> None:
    """The board to sit on, sometimes with a cushion."""
    half = (seat.half_width, seat.thickness / 2, seat.half_depth)
    seat.bench.slab((0, seat.core, 0), half, is_round=is_round)
    has_cushion = seat.attributes['has_cushion'] = seat.draws.chance(0.2)
    seat.attributes['seat'] = 'round' if is_round else 'square'
    if has_cushion:
        thick = seat.draws.uniform(0.02, 0.035)
        half = (seat.half_width * 0.8, thick, seat.half_depth * 0.75)
        seat.bench.slab((0, seat.top, 0.02), half, is_round=is_round)


def add_legs(seat: Seat, splay: float, num_legs: int = 4) -> LegCenters:
    """Legs at the corners; returns their centers ``[(x, z), ...]`` as a function of the height."""
    draws = seat.draws
    style = draws.pick(dict(square=0.4, round=0.3, tapered=0.3))
    half = draws.uniform(0.028, 0.046)
    taper = draws.uniform(0.15, 0.35) if style == 'tapered' else 0.0
    inset = half * (1 + taper) + 0.008
    x, z = seat.half_width - inset, seat.half_depth - inset
    corners = [(-x, -z), (x, -z), (x, z), (-x, z)]
    if seat.attributes['seat'] == 'round':
        corners = [(0.68 * a, 0.68 * b) for a, b in corners]
    if num_legs == 3:
        radius = 0.75 * min(x, z)
        angles = (math.pi / 2 + i * 2 * math.pi / 3 for i in range(3))
        corners = [(radius * math.cos(a), radius * math.sin(a)) for a in angles]

    def centers(height: float) -> list[tuple[float, float]]:
        out = splay * (1 - height / seat.top)
        lengths = (math.hypot(*c) for c in corners)
        return [
            (a * (1 + out / r), b * (1 + out / r))
            for (a, b), r in zip(corners, lengths, strict=True)
        ]

    for low, high in zip(centers(0), centers(seat.core), strict=True):
        ends = (low[0], 0, low[1]), (high[0], seat.core, high[1])
        seat.bench.rod(*ends, half, is_round=style == 'round', taper=taper)
    seat.attributes |= dict(legs=style, num_legs=num_legs)
    return centers


def add_panel_legs(seat: Seat) -> None:
    """Two upright boards in place of legs."""
    half = seat.draws.uniform(*THIN)
    x = seat.half_width - seat.draws.uniform(0.04, 0.12)
    for side in (-x, x):
        depth = seat.half_depth - 0.012
        seat.bench.rod((side, 0, 0), (side, seat.core, 0), (half, depth))
    seat.attributes |= dict(legs='panel', num_legs=2)


def add_stretchers(seat: Seat, feet: LegCenters) -> None:
    """Bars between neighboring legs, or an H where there are four."""
    draws = seat.draws
    height = draws.uniform(0.14, 0.45) * seat.top
    half = draws.uniform(*THIN)
    is_round = draws.chance(0.4)
    points = [(x, height, z) for x, z in feet(height)]
    has_middle_bar = len(points) == 4 and draws.chance(0.5)
    if has_middle_bar:
        pairs = [(points[0], points[3]), (points[1], points[2])]
        middle = [tuple((a + b) / 2 for a, b in zip(*pair, strict=True)) for pair in pairs]
        pairs.append((middle[0], middle[1]))
    else:
        pairs = list(zip(points, points[1:] + points[:1], strict=True))
    for start, end in pairs:
        seat.bench.rod(start, end, half, is_round=is_round)
    seat.attributes['has_stretchers'] = True


def add_rockers(seat: Seat, feet: LegCenters) -> None:
    """Two arcs of five straight pieces under the legs of each side."""
    draws = seat.draws
    radius, half = draws.uniform(0.8, 1.2), draws.uniform(0.021, 0.026)
    reach = (seat.half_depth + draws.uniform(0.08, 0.16)) / radius
    angles = [math.asin(reach) * (2 * i / 5 - 1) for i in range(6)]
    bow = radius * (1 - math.cos(angles[-1]))
    arc = [(radius * (1 - math.cos(a)) - bow / 2, radius * math.sin(a)) for a in angles]
    x = feet(0)[1][0]
    for side in (-x, x):
        for (y0, z0), (y1, z1) in pairwise(arc):
            more_y, more_z = 0.06 * (y1 - y0), 0.06 * (z1 - z0)  # pieces overlap at their ends
            start, end = (side, y0 - more_y, z0 - more_z), (side, y1 + more_y, z1 + more_z)
            seat.bench.rod(start, end, half)
    seat.attributes['rockers'] = True


def add_star_base(seat: Seat) -> None:
    """A central column on four or five arms, some on casters."""
    draws = seat.draws
    num_arms = 5 if draws.chance(0.7) else 4
    radius, column = draws.uniform(0.23, 0.3), draws.uniform(0.03, 0.05)
    has_casters = draws.chance(0.6)
    for i in range(num_arms):
        angle = math.pi / 2 + 2 * math.pi * i / num_arms
        x, z = radius * math.cos(angle), radius * math.sin(angle)
        foot = 0.055 if has_casters else 0.022
        seat.bench.rod((0, 0.09, 0), (x, foot, z), 0.024, taper=-0.15)
        if has_casters:
            seat.bench.rod((x, 0, z), (x, 0.06, z), 0.03, is_round=True)
    seat.bench.rod((0, 0.055, 0), (0, seat.core, 0), column, is_round=True)
    seat.attributes |= dict(legs='star', num_legs=0, swivel=True)


def back_plane(seat: Seat, tilt: float, inset: float) -> BackPlane:
    """Map from (across, along) on the leaning plane of the back to space."""
    z = inset - seat.half_depth

    def place(u: float, v: float) -> tuple[float, float, float]:
        return u, seat.top + v * math.cos(tilt), z - v * math.sin(tilt)

    return place


def add_back(seat: Seat, style: str) -> BackPlane:
    """Posts, and what is between them; returns the plane of the back."""
    draws = seat.draws
    half_post, tilt = draws.uniform(0.024, 0.034), draws.uniform(0.0, 0.22)
    place = back_plane(seat, tilt, inset=half_post + 0.006)
    x = seat.half_width - half_post - 0.007
    top = (seat.height - seat.top) / math.cos(tilt)
    root = -seat.thickness / 2
    is_round = style == 'spindles'
    for side in (-x, x):
        seat.bench.rod(place(side, root), place(side, top), half_post, is_round=is_round)
    fill = dict(solid=_solid_fill, ladder=_ladder_fill).get(style, _upright_fill)
    num_parts = fill(seat, place, x, top, style)
    seat.attributes |= dict(back=style, num_back_parts=num_parts)
    return place


def _solid_fill(seat: Seat, place: BackPlane, x: float, top: float, style: str) -> int:
    gap = seat.draws.uniform(0.08, 0.2) if seat.draws.chance(0.5) else -0.01
    seat.bench.rod(place(0, gap), place(0, top - 0.008), (x, seat.draws.uniform(*THIN)))
    return 1


def _ladder_fill(seat: Seat, place: BackPlane, x: float, top: float, style: str) -> int:
    num = seat.draws.integer(2, 4)
    half, thin = seat.draws.uniform(0.16, 0.26) * top / num, seat.draws.uniform(*THIN)
    for i in range(num):
        middle = top - 0.01 - half - i * (top - 0.06) / num
        seat.bench.rod(place(0, middle - half), place(0, middle + half), (x, thin))
    return num


def _upright_fill(seat: Seat, place: BackPlane, x: float, top: float, style: str) -> int:
    """A top rail with slats or spindles below."""
    draws, is_round = seat.draws, style == 'spindles'
    rail, thin = draws.uniform(0.06, 0.12), draws.uniform(*THIN)
    seat.bench.rod(place(0, top - 0.008 - rail), place(0, top - 0.008), (x, thin))
    pitch = 0.1 if is_round else 0.14
    num = max(2, min(draws.integer(2, 5), int(2 * x / pitch)))
    num = max(num, int(2 * x / 0.2))  # benches need more
    half = (thin - 0.001, thin - 0.001) if is_round else (draws.uniform(0.022, 0.035), thin - 0.001)
    for i in range(num):
        u = x * (2 * (i + 1) / (num + 1) - 1)
        seat.bench.rod(place(u, -0.02), place(u, top - 0.03), half, is_round=is_round)
    return num


def add_arms(seat: Seat, place: BackPlane) -> None:
    """Two rails from the back to the front, on posts or on panels."""
    draws = seat.draws
    rise, x = draws.uniform(0.16, 0.24), seat.half_width - 0.034
    half = (draws.uniform(*THIN), draws.uniform(0.024, 0.032))
    front = seat.half_depth - draws.uniform(0.02, 0.1)
    has_panels = draws.chance(0.25)
    for side in (-x, x):
        back = place(side, rise)
        end = (side, back[1], front)
        seat.bench.rod(back, end, half)
        if has_panels:
            depth = (front - 0.01 + seat.half_depth) / 2 - 0.01
            middle = (side, (seat.core + back[1]) / 2, front - 0.01 - depth)
            seat.bench.slab(middle, (0.0185, (back[1] - seat.core) / 2, depth))
        else:
            post = front - 0.034
            seat.bench.rod((side, seat.core, post), (side, back[1], post), 0.0235)
    seat.attributes['has_arms'] = True


def add_arm_pads(seat: Seat) -> None:
    """Two pads on one support each, as on office chairs."""
    draws = seat.draws
    rise, x = draws.uniform(0.15, 0.22), seat.half_width - 0.03
    half_pad = draws.uniform(0.1, 0.15)
    for side in (-x, x):
        seat.bench.rod((side, seat.core, 0), (side, seat.top + rise, 0), (0.0185, 0.03))
        pad = (side, seat.top + rise, 0)
        seat.bench.slab(pad, (0.035, draws.uniform(*THIN), half_pad))
    seat.attributes['has_arms'] = True
