"""Systems side by side, each measured once or with several seeds."""

import json
import math
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Any

from .directions import ARROWS, Direction, direction_of
from .protocol import COSTS, Protocol, Result, compare, owner_of

Runs = Mapping[str, Sequence[Result]]
"""Results of every system, one per seed."""


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds and how uncertain it is.

    Args:
        values: One per seed, at least one.
    """

    values: tuple[float, ...]

    @property
    def n(self) -> int:
        """Number of seeds."""
        return len(self.values)

    @property
    def mean(self) -> float:
        """Mean over seeds."""
        return math.fsum(self.values) / self.n

    @property
    def standard_error(self) -> float | None:
        """Sample standard deviation (``n - 1``) over the root of ``n``; None for one seed."""
        if self.n < 2:
            return None
        squares = math.fsum((v - self.mean) ** 2 for v in self.values)
        return math.sqrt(squares / (self.n - 1) / self.n)

    def __str__(self) -> str:
        error = self.standard_error
        if error is None or not math.isfinite(error):
            return f'{self.mean:.4g}'
        if error == 0:
            return f'{self.mean:.4g} ± 0'
        # Two digits of the error, and of the mean no more than those say.
        digits = min(max(0, 1 - math.floor(math.log10(error))), 12)
        return f'{self.mean:.{digits}f} ± {error:.{digits}f}'


Table = dict[str, dict[str, Estimate]]
"""``{metric: {system: estimate}}``."""


def aggregate(runs: Runs) -> Table:
    """Means over seeds of every metric of every system.

    A metric that a system lacks is left out for it.

    Raises:
        ProtocolError: Results, of one system or of two, were not measured in the same way.
    """
    single = {s for s, results in runs.items() if len(results) == 1}
    labels = {
        (s, i): s if s in single else f'{s} (result {i + 1})'
        for s, results in runs.items()
        for i in range(len(results))
    }
    flat = compare({label: runs[s][i] for (s, i), label in labels.items()})
    table: Table = {}
    for metric, values in flat.items():
        for system in runs:
            mine = [labels[key] for key in labels if key[0] == system]
            if found := tuple(values[label] for label in mine if label in values):
                table.setdefault(metric, {})[system] = Estimate(found)
    return table


def best(values: Mapping[str, Estimate], direction: Direction | None) -> set[str]:
    """Systems with the best mean: none where no way is better, or nothing to compare with."""
    means = {s: v.mean for s, v in values.items() if math.isfinite(v.mean)}
    if direction is None or len(means) < 2:
        return set()
    top = (max if direction == 'higher' else min)(means.values())
    return {s for s, mean in means.items() if mean == top}


def estimate_cells(
    values: Mapping[str, Estimate], direction: Direction | None, is_counted: bool
) -> dict[str, str]:
    """Text of a column by system, the best in bold.

    Args:
        values: Estimates by system.
        direction: Which way is better.
        is_counted: Whether the number of seeds follows in parentheses.
    """
    top = best(values, direction)
    cells = {}
    for system, value in values.items():
        text = f'**{value}**' if system in top else str(value)
        cells[system] = f'{text} ({value.n})' if is_counted else text
    return cells


def leaderboard(runs: Runs, metrics: Sequence[str] = ('*',)) -> str:
    """Markdown: systems (rows) by metrics with their directions and costs, then the protocols.

    Args:
        runs: Results by system.
        metrics: Which ones in which order, as patterns of names (``'generation/*'``).

    Raises:
        ProtocolError: As :func:`aggregate` does.
        ValueError: A pattern is of no metric.
    """
    table = _selected(aggregate(runs), metrics)
    is_counted = any(v.n > 1 for values in table.values() for v in values.values())
    columns = {
        m + ARROWS[direction_of(m)]: estimate_cells(v, direction_of(m), is_counted)
        for m, v in table.items()
    }
    columns |= _cost_columns(runs)
    rows = [['system', *columns]]
    rows += [[s, *(cells.get(s, '') for cells in columns.values())] for s in runs]
    lines = [markdown(rows), '']
    if is_counted:
        lines += ['Mean ± standard error over seeds (number of seeds).', '']
    shown = {owner_of(metric) for metric in table}
    protocols = protocol_lines([r for rs in runs.values() for r in rs], shown)
    return '\n'.join([*lines, *protocols])


def _selected(table: Table, patterns: Sequence[str]) -> Table:
    """Metrics by pattern, each once."""
    chosen: Table = {}
    for pattern in patterns:
        found = {name: values for name, values in table.items() if fnmatchcase(name, pattern)}
        if not found and table:
            raise ValueError(f'no metric is called {pattern!r}; there are {", ".join(table)}')
        chosen |= found
    return chosen


def _cost_columns(runs: Runs) -> dict[str, dict[str, str]]:
    """Cells by heading and system of the costs that any result states; means over seeds."""
    columns: dict[str, dict[str, str]] = {}
    for cost, heading in COSTS.items():
        write = count if cost == 'parameters' else duration
        for system, results in runs.items():
            if known := [r.costs[cost] for r in results if cost in r.costs]:
                columns.setdefault(heading, {})[system] = write(math.fsum(known) / len(known))
    return columns


def count(number: float) -> str:
    """``'1,234,567'``."""
    return f'{round(number):,}'


def duration(seconds: float) -> str:
    """``'0.8 s'``, ``'0:02:05'`` or ``'3 days, 0:00:00'``."""
    if not seconds >= 60:
        return f'{seconds:.2g} s'
    return str(timedelta(seconds=round(seconds)))


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """A table whose first row is the head."""
    head, *body = rows
    lines = [head, ['---'] * len(head), *body]
    return '\n'.join('| ' + ' | '.join(_escaped(c) for c in line) + ' |' for line in lines)


def protocol_lines(results: Sequence[Result], owners: Container[str] | None = None) -> list[str]:
    """How each metric was measured, a line per metric; the results agree about it.

    Args:
        results: Of all systems.
        owners: Prefixes of the metrics that are told of; None is all.
    """
    protocols: dict[str, Protocol] = {
        k: v for r in results for k, v in r.protocol.items() if owners is None or k in owners
    }
    return [f'- `{owner}`: {", ".join(_facts(p))}' for owner, p in protocols.items()]


def _facts(protocol: Protocol) -> Iterator[str]:
    for key, value in protocol.items():
        yield f'{key} {_short(value)}'


def _short(value: Any) -> str:
    if isinstance(value, str):
        return value
    return f'{value:.6g}' if isinstance(value, float) else json.dumps(value)


def _escaped(text: str) -> str:
    return text.replace('|', r'\|')
