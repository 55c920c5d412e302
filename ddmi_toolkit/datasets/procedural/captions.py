"""Sentences about procedural chairs that say only what their attributes say."""

from collections.abc import Mapping

NUMBERS = ('no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten')
_NOUNS = dict(slats='slat', spindles='spindle', ladder='rung')


def describe(attributes: Mapping[str, str | int | bool], variant: int = 0) -> str:
    """A caption, e.g. "a wooden-style chair with four legs and two arms".

    Args:
        attributes: See ``chair_design.design_seat``.
        variant: Chooses how much is said: everything, or only what is most visible.
    """
    kind = str(attributes['kind']).replace('_', ' ')
    kind = {'armchair': 'chair'}.get(kind, kind)
    style = 'an office-style' if attributes['swivel'] else 'a wooden-style'
    features = [_base(attributes)]
    if attributes['back'] != 'none':
        features.append(_back(attributes))
    elif kind != 'stool':
        features.append('no back')
    if attributes['has_arms']:
        features.append('two arms')
    if variant % 3 == 1:
        features = [f for f in features if f != 'no back']
        return f'{style} {kind} with {join(features)}'
    if attributes['seat'] == 'round':
        features.insert(0, 'a round seat')
    if attributes['has_cushion']:
        features.append('a cushion')
    if attributes['has_stretchers']:
        features.append('stretchers between the legs')
    if variant % 3 == 2:
        return f'{join(features)}: {style} {kind}'
    return f'{style} {kind} with {join(features)}'


def _base(attributes: Mapping[str, str | int | bool]) -> str:
    if attributes['legs'] == 'star':
        return 'a star base on a central column'
    if attributes['legs'] == 'pedestal':
        return 'a round foot under a central column'
    number = NUMBERS[int(attributes['num_legs'])]
    style = {'square': '', 'panel': 'panel '}.get(str(attributes['legs']), f'{attributes["legs"]} ')
    legs = f'{number} {style}legs'
    return f'{legs} on rockers' if attributes['rockers'] else legs


def _back(attributes: Mapping[str, str | int | bool]) -> str:
    back = str(attributes['back'])
    if back == 'solid':
        return 'a solid back'
    number = NUMBERS[int(attributes['num_back_parts'])]
    return f'a back of {number} {_NOUNS[back]}s'


def join(features: list[str]) -> str:
    """Features as part of a sentence: "a, b and c"."""
    if len(features) == 1:
        return features[0]
    return f'{", ".join(features[:-1])} and {features[-1]}'
