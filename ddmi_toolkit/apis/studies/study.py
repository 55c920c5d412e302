"""What a study is: rows to train and the columns of its table."""

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ...evaluation.directions import ARROWS, Direction, direction_of
from ..config import config_name, find_config, read_config
from .options import FIRST, Options

# Keys of each part of a file: those that it needs, and those that it may have.
_KEYS = {
    'study': ({'rows', 'scales'}, {'columns'}),
    'row': ({'name'}, {'paper', 'options'}),
    'column': ({'title', 'metric'}, {'stage', 'direction'}),
    'scale': ({'configs'}, {'options', 'note', 'stage1', 'stage2', 'metrics'}),
}
# What a study gives to every training itself, and how that is said.
_OURS = {'randomness.seed': '--seeds', 'work_dir': '--out'}


@dataclass(frozen=True)
class Row:
    """A config that is trained, once per seed.

    Args:
        name: In the table.
        config: Name of a config of either stage.
        options: Overrides by dotted key, see :func:`split_options`.
        paper: Published values by the column's title.
    """

    name: str
    config: str
    options: Options = field(default_factory=dict)
    paper: Mapping[str, float] = field(default_factory=dict)

    @property
    def slug(self) -> str:
        """Name of its folder."""
        return re.sub(r'[^a-z0-9.-]+', '_', self.name.lower()).strip('_.') or 'row'


@dataclass(frozen=True)
class Column:
    """A metric of the table.

    Args:
        title: In the table.
        metric: Its name in a :class:`Result`.
        stage: Whose evaluation gives it, 1 or 2; None is the last one of each row, so that models
            of one stage stand beside those of two.
        direction: Which way is better; None if neither is.

    Raises:
        ValueError: There is no such stage or direction.
    """

    title: str
    metric: str
    stage: int | None = None
    direction: Direction | None = None

    def __post_init__(self) -> None:
        if self.stage not in (1, 2, None):
            raise ValueError(f'column {self.title!r}: stage={self.stage!r}; expected 1, 2 or None')
        if self.direction not in ARROWS:
            raise ValueError(
                f'column {self.title!r}: direction={self.direction!r}; expected one of '
                f'{", ".join(map(repr, ARROWS))}'
            )


@dataclass(frozen=True)
class Study:
    """Rows, trained and evaluated alike.

    Args:
        name: Of its folder of results.
        rows: With different names.
        columns: Of the table; none shows every metric.
        stage1: Overrides of every stage-1 config, by dotted key.
        stage2: Overrides of every stage-2 config.
        note: What the reader of the table must know.
        num_stages: 1 leaves stage 2 out, of stage-2 configs as well.

    Raises:
        ValueError: There are no rows, two of them would share a folder, two columns a title, a
            published value is of no column, or an option is given by the study itself.
    """

    name: str
    rows: tuple[Row, ...]
    columns: tuple[Column, ...] = ()
    stage1: Options = field(default_factory=dict)
    stage2: Options = field(default_factory=dict)
    note: str = ''
    num_stages: int = 2

    def __post_init__(self) -> None:
        if not self.rows:
            raise ValueError(f'study {self.name!r} has no rows')
        names: dict[str, str] = {}
        for row in self.rows:
            if row.slug in names:
                raise ValueError(
                    f'rows {names[row.slug]!r} and {row.name!r} of study {self.name!r} would both '
                    f'be kept in the folder {row.slug!r}; name one of them differently'
                )
            names[row.slug] = row.name
        titles = [column.title for column in self.columns]
        if repeated := [title for i, title in enumerate(titles) if title in titles[:i]]:
            raise ValueError(f'two columns of study {self.name!r} have the title {repeated[0]!r}')
        for row in self.rows if titles else ():
            _check_titles(f'paper of row {row.name!r}', row.paper, titles)
        for key in itertools.chain(self.stage1, self.stage2, *(row.options for row in self.rows)):
            if way := _OURS.get(key.removeprefix(FIRST)):
                raise ValueError(f'option {key} is what a study gives to each training; use {way}')


def is_study(path: str | Path) -> bool:
    """Whether a config file defines a study (has ``scales`` of rows, maybe of a base), not a model.

    Raises:
        FileNotFoundError: A base does not exist.
        ValueError: The file or one of its bases is no Python.
    """
    return 'scales' in read_config(Path(path))


def load_study(name: str | Path, scale: str = 'small') -> Study:
    """Read a study file at one of its scales.

    Args:
        name: A config file with ``rows`` (``dict(name[, paper, options])``), ``columns``
            (``dict(title, stage, metric[, direction])``) and ``scales``, by name
            ``dict(configs[, options, stage1, stage2, note, metrics])``: a config per row,
            overrides row by row, overrides of either stage of all rows, and metrics by title that
            differ from the columns'.
        scale: Which of the scales.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no study, has no such scale, or has not one config per row in it.
        KeyError: A key is unknown or missing.
    """
    path = find_config(name)
    content = read_config(path).to_dict()
    if 'scales' not in content:
        raise ValueError(f'{path} is not a study; it needs rows and scales')
    _check_keys(path, 'study', content)
    chosen = _scale(path, content, scale)
    metrics = chosen.get('metrics', {})
    columns = [_check_keys(path, 'column', c) for c in content.get('columns', [])]
    _check_titles(
        f'{path.name}: metrics of scale {scale!r}', metrics, [c['title'] for c in columns]
    )
    rows = [Row(config='', **_check_keys(path, 'row', row)) for row in content['rows']]
    options = chosen.get('options', [{}] * len(rows))
    return Study(
        name=f'{path.stem}_{scale}',
        rows=tuple(
            replace(
                row, config=str(find_config(config, near=path)), options={**row.options, **more}
            )
            for row, config, more in zip(rows, chosen['configs'], options, strict=True)
        ),
        columns=tuple(
            _column({**c, 'metric': metrics.get(c['title'], c['metric'])}) for c in columns
        ),
        stage1=chosen.get('stage1', {}),
        stage2=chosen.get('stage2', {}),
        note=chosen.get('note', ''),
    )


def _scale(path: Path, content: Mapping[str, Any], scale: str) -> dict[str, Any]:
    if scale not in content['scales']:
        raise ValueError(f'{path.name} has no scale {scale!r}; it has {sorted(content["scales"])}')
    chosen = _check_keys(path, 'scale', content['scales'][scale])
    for key in {'configs', 'options'} & set(chosen):
        given, rows = chosen[key], content['rows']
        if not isinstance(given, list | tuple):
            raise ValueError(
                f'{path.name}: {key} of scale {scale!r} is {given!r}; expected a list, one per row'
            )
        if len(given) != len(rows):
            raise ValueError(
                f'{path.name}: scale {scale!r} has {len(given)} {key} for {len(rows)} rows'
            )
    return chosen


def study_of(configs: Sequence[str | Path]) -> Study:
    """A study of a list of configs; the table shows every metric.

    Raises:
        FileNotFoundError: A config does not exist.
        ValueError: There is none, one twice, or a study among several configs.
    """
    paths = [find_config(config) for config in configs]
    if studies := [p for p in paths if is_study(p)]:
        raise ValueError(f'{studies[0]} is a study: give it alone, and the configs without it')
    if repeated := [p for i, p in enumerate(paths) if p in paths[:i]]:
        raise ValueError(f'{repeated[0]} is given twice')
    stems = [p.stem for p in paths]
    names = stems if len(set(stems)) == len(stems) else [config_name(p) for p in paths]
    title = '_and_'.join(stems[:2]) + (f'_and_{len(stems) - 2}_more' if len(stems) > 2 else '')
    rows = tuple(Row(name, str(path)) for name, path in zip(names, paths, strict=True))
    return Study(title, rows)


def with_options(study: Study, options: Mapping[str, Any]) -> Study:
    """A study with overrides of every row."""
    rows = [replace(row, options={**row.options, **options}) for row in study.rows]
    return replace(study, rows=tuple(rows))


def with_stages(study: Study, num_stages: int) -> Study:
    """A study up to a stage."""
    return replace(study, num_stages=num_stages)


def with_grid(study: Study, grid: Mapping[str, Sequence[Any]]) -> Study:
    """A study with every row at every combination of values; nothing of it is published.

    Args:
        study: Its rows are the outer loop.
        grid: Values by dotted key; the last key changes fastest.
    """
    if not grid:
        return study
    short = {key: _short_key(key, grid) for key in grid}
    rows = []
    for row, values in itertools.product(study.rows, itertools.product(*grid.values())):
        point = dict(zip(grid, values, strict=True))
        words = [f'{short[key]}={value}' for key, value in point.items()]
        name = ', '.join(words if len(study.rows) == 1 else [row.name, *words])
        rows.append(Row(name, row.config, {**row.options, **point}))
    return replace(study, name='_by_'.join([study.name, *short.values()]), rows=tuple(rows))


def _short_key(key: str, grid: Mapping[str, Any]) -> str:
    """The last words of a key that no other key of the grid ends with; never ``type`` alone."""
    parts = key.split('.')
    for count in range(1 + (parts[-1] == 'type'), len(parts)):
        tail = '.'.join(parts[-count:])
        if not any(k != key and f'.{k}'.endswith(f'.{tail}') for k in grid):
            return tail
    return key


def _column(column: dict[str, Any]) -> Column:
    return Column(**{'direction': direction_of(column['metric']), **column})


def _check_keys(path: Path, what: str, content: Any) -> dict[str, Any]:
    needed, optional = _KEYS[what]
    if not isinstance(content, Mapping):
        raise ValueError(f'{path.name}: {content!r} is no {what}; expected a dict')
    if unknown := sorted(set(content) - needed - optional):
        raise KeyError(
            f'{path.name}: unknown key {unknown[0]!r} of a {what}; known are '
            f'{sorted(needed | optional)}'
        )
    if missing := sorted(needed - set(content)):
        raise KeyError(f'{path.name}: no {missing[0]!r} in the {what} {dict(content)}; add it')
    return dict(content)


def _check_titles(where: str, values: Mapping[str, Any], titles: Sequence[str]) -> None:
    if unknown := [title for title in values if title not in titles]:
        raise ValueError(f'{where}: {unknown[0]!r} is no title of a column; these are {titles}')
