"""What a command line says about a study, and which of the two stages an option is for."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.config import Config, DictAction

from ...registry import MODELS
from ..commands import is_number, parse_seeds

FIRST = 'first_stage.'
Options = dict[str, Any]


def parse_seed_list(text: str) -> list[int]:
    """Seeds of ``'3'`` (a count: 0, 1, 2), of ``'1-2'`` or of ``'0,4'``.

    Raises:
        ValueError: Anything else, no seed, or a seed twice.
    """
    expected = 'expected a count like 3, or different seeds like 0,4 or 1-2'
    try:
        seeds = list(range(int(text))) if is_number(text.strip()) else parse_seeds(text)
    except ValueError as error:
        raise ValueError(f'{error}; {expected}') from error
    if not seeds or len(set(seeds)) < len(seeds):
        raise ValueError(f'--seeds {text!r} gives {seeds}; {expected}')
    return seeds


def parse_grid(axes: Sequence[str]) -> dict[str, list[Any]]:
    """Values by key of ``['key=a,b', ...]``, read as ``--cfg-options`` reads them.

    A value may be a tuple or list: ``key=(4,2,1),(1,)`` has two.

    Raises:
        ValueError: An axis has no key or no value, a value twice, or brackets that do not match.
    """
    grid: dict[str, list[Any]] = {}
    for axis in axes:
        key, _, text = axis.partition('=')
        try:
            values = DictAction._parse_iterable(f'[{text}]')
        except AssertionError:
            values = []
        if not (key and text and values) or key in grid:
            raise ValueError(f'--grid {axis!r}: expected key=value,value,... and each key once')
        if repeated := [v for i, v in enumerate(values) if v in values[:i]]:
            raise ValueError(f'--grid {axis!r}: the value {repeated[0]!r} stands there twice')
        grid[key] = values
    return grid


def split_options(cfg: Config, options: Mapping[str, Any]) -> tuple[Options, Options]:
    """Divide options of a config between its stages.

    Those of ``first_stage.`` are the first stage's, and so are those of parts that only its model
    has: of a stage-2 config, ``model.generator.readout.type`` is one. A stage-1 config takes all,
    so that one set of options serves configs of both stages.

    Args:
        cfg: Complete config of either stage.
        options: Overrides by dotted key.

    Returns:
        Those of stage 1 and those of stage 2, by keys of the config of that stage.
    """
    if 'first_stage' not in cfg:
        return {k.removeprefix(FIRST): v for k, v in options.items()}, {}
    own = {*cfg.model, *inspect.signature(MODELS.get(cfg.model.type)).parameters}
    first: Options = {}
    second: Options = {}
    for key, value in options.items():
        parts = key.split('.')
        if key.startswith(FIRST):
            first[key.removeprefix(FIRST)] = value
        elif parts[0] == 'model' and len(parts) > 1 and parts[1] not in own:
            first[key] = value
        else:
            second[key] = value
    return first, second
