"""Scenes of four kinds: what a seed draws, the patches that follow from it, and a caption."""

from collections.abc import Callable
from math import cos, pi, sin

from .drawing import Color, Patch, Scene
from .parts import Draws

KINDS = dict(flower=0.3, face=0.3, house=0.25, boat=0.15)
_COLORS: dict[str, Color] = dict(
    red=(0.85, 0.2, 0.2),
    orange=(0.95, 0.55, 0.15),
    yellow=(0.98, 0.85, 0.25),
    green=(0.3, 0.65, 0.3),
    blue=(0.2, 0.4, 0.8),
    purple=(0.55, 0.3, 0.7),
    pink=(0.95, 0.55, 0.7),
    white=(0.96, 0.95, 0.92),
    brown=(0.5, 0.32, 0.2),
)
_SKIES: dict[str, tuple[Color, Color]] = dict(
    day=((0.35, 0.62, 0.92), (0.85, 0.93, 0.98)),
    dusk=((0.4, 0.3, 0.6), (0.98, 0.66, 0.42)),
    night=((0.05, 0.06, 0.2), (0.2, 0.22, 0.45)),
)
_LIGHTS: dict[str, tuple[str, Color]] = dict(
    day=('sun', (1.0, 0.93, 0.4)), dusk=('sun', (1.0, 0.5, 0.3)), night=('moon', (0.95, 0.95, 0.85))
)
_BLOOMS = ('red', 'orange', 'pink', 'purple', 'white', 'blue')
_WALLS = ('white', 'yellow', 'orange', 'pink', 'blue')
_ROOFS = ('red', 'brown', 'purple', 'green')
_HAIRS: dict[str, Color] = dict(
    black=(0.1, 0.08, 0.08), brown=(0.38, 0.22, 0.12), blond=(0.9, 0.75, 0.4), red=(0.7, 0.3, 0.12)
)
_SKINS: tuple[Color, ...] = (
    (0.98, 0.84, 0.74), (0.9, 0.7, 0.54), (0.72, 0.5, 0.35), (0.45, 0.29, 0.2),
)  # fmt: skip
_NUMBERS = ('no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine')


def design_scene(seed: int) -> tuple[Scene, str, str]:
    """The scene of a seed, its kind, and a caption that says what is visible."""
    draws = Draws(seed)
    kind = draws.pick(KINDS)
    builders: dict[str, Callable[[Draws], tuple[Scene, str]]] = dict(
        flower=_flower, face=_face, house=_house, boat=_boat
    )
    scene, caption = builders[kind](draws)
    return scene, kind, caption.replace('a orange', 'an orange')


def _flower(draws: Draws) -> tuple[Scene, str]:
    scene, sky = _outdoors(draws)
    patches = scene.patches
    patches.append(_meadow(draws, draws.uniform(0.45, 0.7)))
    color, heart = _different(draws, _BLOOMS, 2)
    cx, cy = draws.uniform(-0.25, 0.25), draws.uniform(-0.3, 0.05)
    green = _vary(draws, (0.2, 0.5, 0.2))
    patches.append(Patch('bar', (cx, (cy + 1.1) / 2, 0.035, (1.1 - cy) / 2, 0.0), green))
    for side in (-1, 1):
        lift = draws.uniform(0.4, 0.75)
        leaf = (cx + side * 0.2, lift, 0.21, 0.08, side * -draws.uniform(0.3, 0.7))
        patches.append(Patch('ellipse', leaf, green))
    count, size = draws.integer(4, 8), draws.uniform(0.36, 0.55)
    turn, width = draws.uniform(0, pi), draws.uniform(0.75, 1.05) * pi / count
    paint = _vary(draws, _COLORS[color])
    shadow = _scale(paint, 0.82)
    for k in range(count):
        angle = turn + 2 * pi * k / count
        x, y = cx + 0.62 * size * cos(angle), cy + 0.62 * size * sin(angle)
        numbers = (x, y, 0.42 * size, 0.6 * size * width, angle)
        patches.append(Patch('ellipse', numbers, paint if k % 2 else shadow))
    patches.append(_disc(cx, cy, 0.3 * size, _vary(draws, _COLORS[heart])))
    patches.append(_disc(cx, cy, 0.16 * size, _scale(_COLORS[heart], 0.6)))
    return scene, f'a {color} flower with {_NUMBERS[count]} petals and a {heart} heart {sky}'


def _face(draws: Draws) -> tuple[Scene, str]:
    ground, shirt = _different(draws, tuple(_COLORS), 2)
    back = _vary(draws, _COLORS[ground])
    scene = Scene((back, _scale(back, draws.uniform(0.55, 0.8))))
    hair = draws.pick(dict.fromkeys(_HAIRS, 1.0))
    style = draws.pick(dict(long=0.4, short=0.45, no=0.15))
    skin = _scale(_SKINS[draws.integer(0, len(_SKINS) - 1)], draws.uniform(0.92, 1.04))
    cx, cy = draws.uniform(-0.12, 0.12), draws.uniform(-0.12, 0.08)
    rx, ry = draws.uniform(0.38, 0.48), draws.uniform(0.5, 0.6)
    add = scene.patches.append
    if style == 'long':
        add(Patch('ellipse', (cx, cy + 0.15, rx + 0.16, ry + 0.2, 0.0), _HAIRS[hair]))
    add(Patch('ellipse', (cx, 1.15, 0.8, 0.42, 0.0), _vary(draws, _COLORS[shirt])))
    add(Patch('bar', (cx, cy + ry, 0.16, 0.25, 0.0), _scale(skin, 0.88)))
    if style != 'no':
        add(Patch('ellipse', (cx, cy - 0.14, rx + 0.07, ry, 0.0), _HAIRS[hair]))
    add(Patch('ellipse', (cx, cy, rx, ry, 0.0), skin))
    if style != 'no':
        fringe = draws.uniform(0.74, 0.84) * ry
        add(Patch('ellipse', (cx, cy - fringe, rx * 0.85, 0.22, 0.0), _HAIRS[hair]))
    _add_features(draws, scene, (cx, cy, rx, ry), _scale(skin, 0.8))
    is_smiling = draws.chance(0.6)
    mouth = (cx, cy + 0.48 * ry, 0.42 * rx, 0.2 * ry if is_smiling else 0.05 * ry, 0.0)
    add(Patch('ellipse', mouth, (0.7, 0.2, 0.22), cut=mouth[1] if is_smiling else -2.0))
    look = 'a smiling face' if is_smiling else 'a calm face'
    named = 'no hair' if style == 'no' else f'{style} {hair} hair'
    return scene, f'{look} with {named} and a {shirt} shirt on a {ground} ground'


def _add_features(
    draws: Draws, scene: Scene, head: tuple[float, float, float, float], shade: Color
) -> None:
    """Eyes, brows and nose."""
    cx, cy, rx, ry = head
    iris = _COLORS[draws.pick(dict(blue=1, green=1, brown=2))]
    gap, lift = draws.uniform(0.4, 0.5) * rx, draws.uniform(0.05, 0.15) * ry
    size, tilt, gaze = draws.uniform(0.09, 0.12), draws.uniform(-0.3, 0.3), draws.uniform(-1, 1)
    for side in (-1, 1):
        x, y = cx + side * gap, cy - lift
        scene.patches.append(Patch('ellipse', (x, y, size, size * 0.75, 0.0), (0.97, 0.97, 0.97)))
        scene.patches.append(_disc(x + 0.03 * gaze, y, size * 0.55, iris))
        scene.patches.append(_disc(x + 0.03 * gaze, y, size * 0.27, (0.05, 0.05, 0.05)))
        brow = (x, y - 1.5 * size, size * 1.2, 0.025, side * tilt)
        scene.patches.append(Patch('bar', brow, (0.2, 0.13, 0.1)))
    scene.patches.append(Patch('ellipse', (cx, cy + 0.14 * ry, 0.06, 0.13, 0.0), shade))


def _house(draws: Draws) -> tuple[Scene, str]:
    scene, sky = _outdoors(draws)
    add = scene.patches.append
    floor = draws.uniform(0.5, 0.72)
    add(_meadow(draws, floor - 0.25, 0.75))
    add(_meadow(draws, floor - 0.05))
    wall, roof, door = _different(draws, _WALLS, 1) + _different(draws, _ROOFS, 2)
    paint = _vary(draws, _COLORS[wall])
    cx, half = draws.uniform(-0.3, 0.3), draws.uniform(0.32, 0.48)
    height = draws.uniform(0.5, 0.75)
    top = floor - height
    if has_tree := draws.chance(0.5):
        x = cx + (half + 0.25) * (1 if cx < 0 else -1)
        add(Patch('bar', (x, floor - 0.1, 0.05, 0.25, 0.0), _COLORS['brown']))
        for dx, dy, r in ((-0.1, 0.0, 0.2), (0.1, -0.03, 0.2), (0.0, -0.2, 0.2)):
            add(_disc(x + dx, floor - 0.42 + dy, r, _scale(_COLORS['green'], 0.8 - dy)))
    peak, eave = top - draws.uniform(0.3, 0.5), 0.1
    if draws.chance(0.5):
        add(Patch('bar', (cx + half * 0.55, top - 0.2, 0.06, 0.2, 0.0), _COLORS['brown']))
    add(Patch('bar', (cx, (top + floor) / 2, half, height / 2, 0.0), paint))
    corners = (cx - half - eave, top, cx, peak, cx + half + eave, top)
    add(Patch('polygon', corners, _vary(draws, _COLORS[roof])))
    add(Patch('bar', (cx, floor - 0.16, 0.09, 0.16, 0.0), _vary(draws, _COLORS[door])))
    windows = draws.integer(1, 2)
    glass = (0.98, 0.9, 0.5) if 'night' in sky else (0.6, 0.8, 0.95)
    for k in range(windows):
        x = cx + (0.0 if windows == 1 else (2 * k - 1) * half * 0.58)
        y = top + 0.17 if windows == 1 else top + 0.2
        add(Patch('bar', (x, y, 0.11, 0.11, 0.0), (0.25, 0.2, 0.2)))
        for dx, dy in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
            add(Patch('bar', (x + 0.05 * dx, y + 0.05 * dy, 0.04, 0.04, 0.0), glass))
    tree = ' beside a tree' if has_tree else ''
    panes = f'{_NUMBERS[windows]} window{"s" if windows > 1 else ""}'
    return scene, f'a {wall} house with a {roof} roof and {panes}{tree} {sky}'


def _boat(draws: Draws) -> tuple[Scene, str]:
    scene, sky = _outdoors(draws)
    add = scene.patches.append
    shore = draws.uniform(0.2, 0.4)
    water = _vary(draws, (0.15, 0.4, 0.6))
    cx, half = draws.uniform(-0.2, 0.2), draws.uniform(0.4, 0.55)
    hull, sail = _different(draws, tuple(_COLORS), 2)
    add(Patch('hill', (shore, 0.0, 1.0, 0.0), _scale(water, 0.85)))
    keel = shore + 0.12
    add(Patch('bar', (cx, keel - 0.55, 0.025, 0.5, 0.0), _COLORS['brown']))
    paint, mast = _vary(draws, _COLORS[sail]), keel - draws.uniform(0.9, 1.05)
    reach = half * draws.uniform(0.7, 0.95)
    add(Patch('polygon', (cx + 0.04, mast, cx + reach, keel - 0.2, cx + 0.04, keel - 0.2), paint))
    num_sails = draws.integer(1, 2)
    if num_sails == 2:
        corners = (cx - 0.04, mast + 0.15, cx - 0.04, keel - 0.2, cx - 0.8 * reach, keel - 0.2)
        add(Patch('polygon', corners, _scale(paint, 0.85)))
    body = (cx, keel - 0.1, half, 0.32, 0.0)
    add(Patch('ellipse', body, _vary(draws, _COLORS[hull]), cut=keel - 0.1))
    for k in range(3):
        y = keel + 0.12 + 0.17 * k
        wave = (y, 0.03, draws.uniform(6, 11), draws.uniform(0, 2 * pi))
        add(Patch('hill', wave, _scale(water, 1.0 + 0.17 * k)))
    sails = f'{_NUMBERS[num_sails]} {sail} sail{"s" if num_sails > 1 else ""}'
    return scene, f'a {hull} boat with {sails} at sea {sky}'


def _outdoors(draws: Draws) -> tuple[Scene, str]:
    """A sky with a light in it, and how to say so."""
    hour = draws.pick(dict(day=0.55, dusk=0.25, night=0.2))
    scene = Scene(_SKIES[hour])
    name, color = _LIGHTS[hour]
    if draws.chance(0.7):
        x, y, r = draws.uniform(-0.8, 0.8), draws.uniform(-0.8, -0.5), draws.uniform(0.12, 0.2)
        scene.patches.append(_disc(x, y, r, color))
        return scene, f'by {hour} under the {name}'
    for _ in range(2):
        x, y = draws.uniform(-0.7, 0.7), draws.uniform(-0.8, -0.4)
        white = _scale(_COLORS['white'], 0.45 if hour == 'night' else 1.0)
        for dx, r in ((-0.14, 0.09), (0.0, 0.13), (0.15, 0.1)):
            scene.patches.append(_disc(x + dx, y, r, white))
    return scene, f'by {hour} under clouds'


def _meadow(draws: Draws, top: float, shade: float = 1.0) -> Patch:
    wave = (top, draws.uniform(0.02, 0.08), draws.uniform(2, 4), draws.uniform(0, 2 * pi))
    green = _vary(draws, _scale((0.42, 0.72, 0.32), shade))
    return Patch('hill', wave, green, _scale(green, 0.6))


def _disc(x: float, y: float, radius: float, color: Color) -> Patch:
    return Patch('ellipse', (x, y, radius, radius, 0.0), color)


def _vary(draws: Draws, color: Color) -> Color:
    """The color, a little off."""
    red, green, blue = (min(max(c + draws.uniform(-0.06, 0.06), 0.0), 1.0) for c in color)
    return red, green, blue


def _scale(color: Color, factor: float) -> Color:
    red, green, blue = (min(c * factor, 1.0) for c in color)
    return red, green, blue


def _different(draws: Draws, names: tuple[str, ...], count: int) -> list[str]:
    """Names, each at most once."""
    rest, chosen = list(names), []
    for _ in range(count):
        chosen.append(rest.pop(draws.integer(0, len(rest) - 1)))
    return chosen
