"""Many ways to ask for a procedural chair, and what each of them asks for."""

import re
from collections.abc import Callable, Mapping

from .captions import NUMBERS, join
from .parts import Draws

Attributes = Mapping[str, str | int | bool]
_NOUNS = dict(
    chair=dict(chair=1),
    armchair=dict(armchair=0.35, chair=0.65),
    stool=dict(stool=1),
    swivel_chair={'swivel chair': 0.5, 'office chair': 0.5},
    rocking_chair={'rocking chair': 1},
    bench=dict(bench=1),
)
_FRAMES = {
    'a {noun} with {features}': 0.5,
    '{noun} with {features}': 0.15,
    'a {noun} that has {features}': 0.15,
    'this {noun} has {features}.': 0.1,
    '{features}: a {noun}': 0.1,
}
_BACK_PARTS = dict(
    slats=('slat', 'a slatted back'),
    spindles=('spindle', 'a spindle back'),
    ladder=('rung', 'a ladder back'),
)
_SINGULARS = dict(
    slats='slats?|slatted', spindles='spindles?', ladder='rungs?|ladder', solid='solid'
)


def phrases(attributes: Attributes, seed: int, num: int = 16) -> tuple[str, ...]:
    """Captions of one chair that say all or some of its attributes, in several wordings.

    Each is true. Legs, arms and the back are said most often; that something is absent is
    sometimes said of arms and backs.

    Args:
        attributes: See ``chair_design.design_seat``.
        seed: Of the wordings.
        num: Number of captions; a few may be equal.
    """
    draws = Draws(seed)
    return tuple(_phrase(attributes, draws) for _ in range(num))


def stated(caption: str) -> dict[str, str | int | bool]:
    """Attributes that a caption asks for; nothing is said about the others.

    The inverse of :func:`phrases`, also of prompts in one's own words as long as they use the
    same nouns. Of legs, ``legs`` is given where their style is said.

    Returns:
        Some of ``kind``, ``seat``, ``back``, ``num_back_parts``, ``legs``, ``num_legs``,
        ``has_arms``, ``has_stretchers``, ``has_cushion``, ``swivel`` and ``rockers``.
    """
    text = caption.lower()
    found: dict[str, str | int | bool] = {}
    for read in (_read_kind, _read_legs, _read_back, _read_rest):
        found |= read(text)
    return found


def _phrase(attributes: Attributes, draws: Draws) -> str:
    noun = draws.pick(_NOUNS[str(attributes['kind'])])
    features = [text for say in (_legs, _back, _arms, _rest) for text in say(attributes, draws)]
    features = _shuffled(features or [_legs_text(attributes, draws)], draws)
    frame = draws.pick(_FRAMES)
    if noun[0] in 'aeiou':
        frame = frame.replace('a {noun}', 'an {noun}')
    return frame.format(noun=noun, features=join(features))


def _shuffled(features: list[str], draws: Draws) -> list[str]:
    order = sorted((draws.uniform(0, 1), i) for i in range(len(features)))
    return [features[i] for _, i in order]


def _legs(attributes: Attributes, draws: Draws) -> list[str]:
    said = [_legs_text(attributes, draws)] if draws.chance(0.8) else []
    return [*said, 'rockers'] if attributes['rockers'] and draws.chance(0.5) else said


def _legs_text(attributes: Attributes, draws: Draws) -> str:
    style = str(attributes['legs'])
    if style == 'star':
        return draws.pick({'a star base': 2, 'a star base on a central column': 1})
    if style == 'pedestal':
        return draws.pick({'a round foot under a central column': 1, 'a pedestal': 1})
    number = _number(int(attributes['num_legs']), draws)
    words = {f'{number} legs': 1.0}
    if style != 'square':
        words[f'{number} {style} legs'] = 1.0
    return draws.pick(words)


def _back(attributes: Attributes, draws: Draws) -> list[str]:
    back, kind = str(attributes['back']), attributes['kind']
    if back == 'none':
        return ['no back'] if draws.chance(0.15 if kind == 'stool' else 0.6) else []
    if not draws.chance(0.65):
        return []
    if back == 'solid':
        return ['a solid back']
    part, short = _BACK_PARTS[back]
    number = _number(int(attributes['num_back_parts']), draws)
    return [
        draws.pick(
            {
                f'a back of {number} {part}s': 0.4,
                f'{number} {part}s in the back': 0.3,
                short: 0.3,
            }
        )
    ]


def _arms(attributes: Attributes, draws: Draws) -> list[str]:
    if not attributes['has_arms']:
        can_have = attributes['kind'] != 'stool'
        return ['no arms'] if can_have and draws.chance(0.3) else []
    words = {'two arms': 0.5, 'arms': 0.2, 'two armrests': 0.15, 'armrests': 0.15}
    return [draws.pick(words)] if draws.chance(0.85) else []


def _rest(attributes: Attributes, draws: Draws) -> list[str]:
    said: list[str] = []
    if draws.chance(0.7 if attributes['seat'] == 'round' else 0.15):
        said.append(f'a {attributes["seat"]} seat')
    if attributes['has_cushion'] and draws.chance(0.6):
        said.append(draws.pick({'a cushion': 0.7, 'a cushion on the seat': 0.3}))
    if attributes['has_stretchers'] and draws.chance(0.5):
        words = {'stretchers': 1, 'stretchers between the legs': 1, 'bars between the legs': 1}
        said.append(draws.pick(words))
    return said


def _number(value: int, draws: Draws) -> str:
    return str(value) if draws.chance(0.15) else NUMBERS[value]


def _count(text: str, noun: str) -> int | None:
    """The number before a noun, with at most one word between them."""
    names = '|'.join(NUMBERS)
    match = re.search(rf'\b(\d+|{names})(?: \w+)? (?:{noun})\b', text)
    if match is None:
        return None
    return int(match[1]) if match[1].isdigit() else NUMBERS.index(match[1])


def _says(text: str, words: str) -> bool | None:
    """Whether something is said to be there (True) or absent (False)."""
    if re.search(rf'\b(?:no|without) (?:{words})\b', text):
        return False
    return True if re.search(rf'\b(?:{words})\b', text) else None


def _read_kind(text: str) -> dict[str, str | int | bool]:
    nouns: list[tuple[str, dict[str, str | int | bool]]] = [
        ('armchair', dict(kind='armchair', has_arms=True)),
        ('swivel chair|office chair|swivels', dict(kind='swivel_chair', swivel=True)),
        ('rocking chair|rocker|rockers', dict(kind='rocking_chair', rockers=True)),
        ('stool', dict(kind='stool', back='none')),
        ('bench', dict(kind='bench')),
    ]
    return next((dict(found) for words, found in nouns if _says(text, words)), {})


def _read_legs(text: str) -> dict[str, str | int | bool]:
    found: dict[str, str | int | bool] = {}
    if _says(text, 'star base'):
        return dict(legs='star', num_legs=0)
    if _says(text, 'pedestal|round foot'):
        return dict(legs='pedestal', num_legs=0)
    if (number := _count(text, 'legs?')) is not None:
        found['num_legs'] = number
    if style := re.search(r'\b(square|round|tapered|panel) legs?\b', text):
        found['legs'] = style[1]
    return found


def _read_back(text: str) -> dict[str, str | int | bool]:
    if _says(text, 'back') is False:
        return dict(back='none', num_back_parts=0)
    for style, words in _SINGULARS.items():
        if _says(text, words):
            number = 1 if style == 'solid' else _count(text, words)
            return dict(back=style) | ({} if number is None else dict(num_back_parts=number))
    return {}


def _read_rest(text: str) -> dict[str, str | int | bool]:
    found: dict[str, str | int | bool] = {}
    readers: dict[str, Callable[[], bool | None]] = dict(
        has_arms=lambda: _says(text, 'arms?|armrests?'),
        has_cushion=lambda: _says(text, 'cushion'),
        has_stretchers=lambda: _says(text, 'stretchers?|bars? between'),
    )
    for name, read in readers.items():
        if (value := read()) is not None:
            found[name] = value
    if seat := re.search(r'\b(square|round) seat\b', text):
        found['seat'] = seat[1]
    return found
