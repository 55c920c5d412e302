"""Parametric seats of six kinds: what a seed draws, and the parts that follow from it.

Seats with a back and stools are 1 high, benches 1 wide. Every shape has a part no thicker than
0.04 of its longest side.
"""

import math
from collections.abc import Callable

from .chair_parts import (
    THIN,
    Attributes,
    Seat,
    add_arm_pads,
    add_arms,
    add_back,
    add_legs,
    add_panel_legs,
    add_rockers,
    add_seat,
    add_star_base,
    add_stretchers,
    back_plane,
)
from .parts import Draws
from .solids import Solid

KINDS = dict(
    chair=0.38, armchair=0.24, stool=0.12, swivel_chair=0.12, rocking_chair=0.07, bench=0.07
)
ATTRIBUTES = (
    'kind', 'seat', 'back', 'num_back_parts', 'legs', 'num_legs', 'has_arms', 'has_stretchers',
    'has_cushion', 'swivel', 'rockers',
)  # fmt: skip
BACKS = dict(solid=0.3, slats=0.25, spindles=0.15, ladder=0.3)


def design_seat(seed: int) -> tuple[Solid, Attributes]:
    """The solid of a seed and its attributes.

    Attributes: ``kind``; ``seat`` (square, round); ``back`` (none, solid, slats, spindles,
    ladder) and ``num_back_parts``; ``legs`` (square, round, tapered, panel, pedestal, star) and
    ``num_legs`` that reach the floor; ``has_arms``, ``has_stretchers``, ``has_cushion``,
    ``swivel``, ``rockers``.
    """
    draws = Draws(seed)
    kind = draws.pick(KINDS)
    builders: dict[str, Callable[[Draws, str], Seat]] = dict(
        stool=_stool, swivel_chair=_swivel_chair, bench=_bench
    )
    seat = builders.get(kind, _chair)(draws, kind)
    defaults = dict(
        kind=kind, seat='square', back='none', num_back_parts=0, legs='square', num_legs=4,
        has_arms=False, has_stretchers=False, has_cushion=False, swivel=False, rockers=False,
    )  # fmt: skip
    return seat.bench.build(), defaults | seat.attributes


def _chair(draws: Draws, kind: str) -> Seat:
    is_rocking = kind == 'rocking_chair'
    seat = Seat(
        draws,
        half_width=draws.uniform(0.22, 0.32),
        half_depth=draws.uniform(0.21, 0.28),
        top=draws.uniform(0.38, 0.48),
        thickness=draws.uniform(0.06, 0.12),
    )
    add_seat(seat)
    feet = add_legs(seat, splay=0.0 if is_rocking else draws.uniform(0.0, 0.06))
    if is_rocking:
        add_rockers(seat, feet)
    if draws.chance(0.4):
        add_stretchers(seat, feet)
    back = add_back(seat, draws.pick(BACKS))
    if kind == 'armchair' or (is_rocking and draws.chance(0.6)):
        add_arms(seat, back)
    return seat


def _bench(draws: Draws, kind: str) -> Seat:
    has_back = draws.chance(0.55)
    seat = Seat(
        draws,
        half_width=0.5,
        half_depth=draws.uniform(0.15, 0.21),
        top=draws.uniform(0.34, 0.44),
        thickness=draws.uniform(0.05, 0.09) if has_back else 2 * draws.uniform(*THIN),
        height=draws.uniform(0.7, 0.85),
    )
    add_seat(seat)
    if draws.chance(0.35):
        add_panel_legs(seat)
    else:
        feet = add_legs(seat, splay=0.0)
        if draws.chance(0.5):
            add_stretchers(seat, feet)
    if has_back:
        back = add_back(seat, draws.pick(dict(solid=0.3, slats=0.4, ladder=0.3)))
        if draws.chance(0.5):
            add_arms(seat, back)
    return seat


def _stool(draws: Draws, kind: str) -> Seat:
    is_round = draws.chance(0.6)
    half = draws.uniform(0.18, 0.38)
    legs = draws.pick(dict(three=0.25, four=0.5, pedestal=0.25))
    seat = Seat(draws, half, half, top=1.0, thickness=draws.uniform(0.06, 0.12))
    add_seat(seat, is_round=is_round)
    if legs == 'pedestal':
        radius = half * draws.uniform(0.75, 1.0)
        half_base = draws.uniform(*THIN)
        seat.bench.slab((0, half_base, 0), (radius, half_base, radius), is_round=True)
        column = draws.uniform(0.035, 0.07)
        seat.bench.rod((0, half_base, 0), (0, seat.core, 0), column, is_round=True)
        seat.attributes |= dict(legs='pedestal', num_legs=0)
        return seat
    feet = add_legs(seat, splay=draws.uniform(0.02, 0.12), num_legs=3 if legs == 'three' else 4)
    add_stretchers(seat, feet)
    return seat


def _swivel_chair(draws: Draws, kind: str) -> Seat:
    seat = Seat(
        draws,
        half_width=draws.uniform(0.22, 0.3),
        half_depth=draws.uniform(0.21, 0.27),
        top=draws.uniform(0.4, 0.5),
        thickness=draws.uniform(0.06, 0.11),
    )
    is_round = draws.chance(0.3)
    if is_round:
        seat.half_depth = seat.half_width
    add_seat(seat, is_round=is_round)
    add_star_base(seat)
    if draws.chance(0.5):
        add_arm_pads(seat)
    gap, tilt = draws.uniform(0.04, 0.14), draws.uniform(0.03, 0.18)
    place = back_plane(seat, tilt, inset=0.04)
    half_width = seat.half_width * draws.uniform(0.75, 1.0)
    half_thin = draws.uniform(*THIN)
    length = (seat.height - seat.top) / math.cos(tilt)
    seat.bench.rod(place(0, gap), place(0, length), (half_width, half_thin))
    spine = (draws.uniform(0.03, 0.05), 0.024)
    seat.bench.rod(place(0, -seat.thickness / 2), place(0, gap + 0.1), spine)
    seat.attributes |= dict(back='solid', num_back_parts=1)
    return seat
