"""What a study is: rows to train and the columns of its table."""

import ast
import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mmengine.config import Config

from ...evaluation.directions import Direction, direction_of
from ..config import config_name, find_config, package_bases
from .options import Options

_KEYS = {
    'study': {'rows', 'scales', 'columns'},
    'row': {'name', 'paper', 'options'},
    'column': {'title', 'stage', 'metric', 'direction'},
    'scale': {'configs', 'note', 'stage1', 'stage2', 'metrics'},
}


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
        return re.sub(r'[^a-z0-9.]+', '_', self.name.lower()).strip('_.') or 'row'


@dataclass(frozen=True)
class Column:
    """A metric of the table.

    Args:
        title: In the table.
        stage: Whose evaluation gives it, 1 or 2.
        metric: Its name in a :class:`Result`.
        direction: Which way is better; None if neither is.
    """

    title: str
    stage: int
    metric: str
    direction: Direction | None = None


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
        ValueError: There are no rows, or two of them would share a folder.
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


def is_study(path: str | Path) -> bool:
    """Whether a config file defines a study (``scales`` of rows) and not a model.

    A study that inherits must state its own ``scales``; the file is read, not run.
    """
    tree = ast.parse(Path(path).read_text(encoding='utf-8'))
    targets = [t for node in tree.body if isinstance(node, ast.Assign) for t in node.targets]
    return any(isinstance(t, ast.Name) and t.id == 'scales' for t in targets)


def load_study(name: str | Path, scale: str = 'small') -> Study:
    """Read a study file at one of its scales.

    Args:
        name: A config file with ``rows`` (``dict(name[, paper, options])``), ``columns``
            (``dict(title, stage, metric[, direction])``) and ``scales``, by name
            ``dict(configs[, stage1, stage2, note, metrics])``: a config per row, overrides of
            either stage, and metrics by title that differ from the columns'.
        scale: Which of the scales.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is not a study, has no such scale, or as many configs as it has not rows.
        KeyError: A key is unknown.
    """
    path = find_config(name)
    with package_bases():
        content = Config.fromfile(path).to_dict()
    if 'scales' not in content or 'rows' not in content:
        raise ValueError(f'{path} is not a study; it needs rows and scales')
    _check_keys(path, 'study', content)
    if scale not in content['scales']:
        raise ValueError(f'{path.name} has no scale {scale!r}; it has {sorted(content["scales"])}')
    chosen = _check_keys(path, 'scale', content['scales'][scale])
    rows, configs = content['rows'], chosen['configs']
    if len(configs) != len(rows):
        raise ValueError(
            f'{path.name}: scale {scale!r} has {len(configs)} configs for {len(rows)} rows'
        )
    metrics = chosen.get('metrics', {})
    columns = [_check_keys(path, 'column', c) for c in content.get('columns', [])]
    return Study(
        name=f'{path.stem}_{scale}',
        rows=tuple(
            Row(config=str(find_config(config, near=path)), **_check_keys(path, 'row', row))
            for row, config in zip(rows, configs, strict=True)
        ),
        columns=tuple(
            _column({**c, 'metric': metrics.get(c['title'], c['metric'])}) for c in columns
        ),
        stage1=chosen.get('stage1', {}),
        stage2=chosen.get('stage2', {}),
        note=chosen.get('note', ''),
    )


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


def _check_keys(path: Path, what: str, content: Mapping[str, Any]) -> dict[str, Any]:
    if unknown := sorted(set(content) - _KEYS[what]):
        raise KeyError(
            f'{path.name}: unknown key {unknown[0]!r} of a {what}; known are {sorted(_KEYS[what])}'
        )
    return dict(content)
