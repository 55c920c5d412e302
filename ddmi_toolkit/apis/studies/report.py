"""The table of a study, from what its cells have kept."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ...evaluation import Result, aggregate, direction_of
from ...evaluation.directions import ARROWS
from ...evaluation.leaderboard import (
    Estimate,
    Table,
    count,
    duration,
    estimate_cells,
    markdown,
    protocol_lines,
)
from ...evaluation.protocol import Protocol
from ..config import configs_root
from .cells import Cell, Record
from .study import Column, Study

Kept = dict[str, dict[int, tuple[Record, Result]]]
"""By row and seed."""

PARTS = {1: ('model', 'generator'), 2: ('denoiser',)}
HEADINGS = dict(
    model='parameters of stage 1', generator='of its generator', denoiser='of the denoiser'
)


@dataclass(frozen=True)
class Report:
    """What is known of a study so far.

    Args:
        study: Its rows and columns.
        kept: What is kept, by stage.
        open_cells: Names of the cells that are not done.
        failures: Messages of those that failed, by name.
    """

    study: Study
    kept: Mapping[int, Kept]
    open_cells: tuple[str, ...] = ()
    failures: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def tables(self) -> dict[int, Table]:
        """Means over seeds by stage.

        Raises:
            ProtocolError: Numbers of one column were not measured in the same way.
        """
        return {
            stage: aggregate({row: [r for _, r in seeds.values()] for row, seeds in kept.items()})
            for stage, kept in self.kept.items()
        }

    @cached_property
    def last(self) -> Table:
        """Means over seeds of the last stage of each row.

        Raises:
            ProtocolError: Numbers of one column were not measured in the same way.
        """
        ends = {row: seeds for _, kept in sorted(self.kept.items()) for row, seeds in kept.items()}
        return aggregate({row: [r for _, r in seeds.values()] for row, seeds in ends.items()})

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """Those of the study, or every metric there is."""
        if self.study.columns:
            return tuple(c for c in self.study.columns if (c.stage or 1) <= self.study.num_stages)
        return tuple(
            Column(metric, metric, stage, direction_of(metric))
            for stage, table in self.tables.items()
            for metric in table
        )

    def values(self, column: Column) -> dict[str, Estimate]:
        """Estimates of a column by row."""
        table = self.last if column.stage is None else self.tables.get(column.stage, {})
        return table.get(column.metric, {})

    def seconds(self, stage: int) -> dict[str, Estimate]:
        """Time of a training by row."""
        return {
            row: Estimate(tuple(record.seconds for record, _ in seeds.values()))
            for row, seeds in self.kept.get(stage, {}).items()
        }

    def parameters(self, part: str) -> dict[str, int]:
        """Trainable parameters of a part by row."""
        return {
            row: record.parameters[part]
            for kept in self.kept.values()
            for row, seeds in kept.items()
            for record, _ in list(seeds.values())[:1]
            if part in record.parameters
        }


def make_report(study: Study, cells: Sequence[Cell]) -> Report:
    """What the cells have kept so far."""
    kept: dict[int, Kept] = {}
    missing = []
    for cell in cells:
        found = [(stage.number, stage.read()) for stage in cell.stages]
        for number, pair in found:
            if pair is not None:
                kept.setdefault(number, {}).setdefault(cell.row.name, {})[cell.seed] = pair
        if any(pair is None for _, pair in found):
            missing.append(cell)
    failures = {c.name: message for c in missing if (message := c.failure()) is not None}
    return Report(study, kept, tuple(c.name for c in missing), failures)


def as_markdown(report: Report) -> str:
    """The table, how its numbers were measured, and what is missing.

    Raises:
        ProtocolError: Numbers of one column were not measured in the same way.
    """
    study = report.study
    columns = list(_columns(report))
    rows = [['', *(heading for heading, _ in columns)]]
    rows += [[r.name, *(cells.get(r.name, '') for _, cells in columns)] for r in study.rows]
    lines = [f'# {study.name}', '']
    lines += [f'**{study.note}**', ''] if study.note else []
    lines += [markdown(rows), '', 'Mean ± standard error over seeds (number of seeds).', '']
    for stage, kept in report.kept.items():
        lines += [f'Stage {stage} was measured by', '']
        lines += [*protocol_lines([r for seeds in kept.values() for _, r in seeds.values()]), '']
    if waiting := [name for name in report.open_cells if name not in report.failures]:
        lines += [f'Not done yet: {"; ".join(waiting)}.', '']
    lines += [f'Failed: {name}: {message}' for name, message in report.failures.items()]
    return '\n'.join(lines).rstrip() + '\n'


def _columns(report: Report) -> Iterator[tuple[str, dict[str, str]]]:
    """Heading and cells by row of every column of the table."""
    for column in report.columns:
        yield (
            column.title + ARROWS[column.direction],
            estimate_cells(report.values(column), column.direction, is_counted=True),
        )
        paper = {
            r.name: r.paper[column.title] for r in report.study.rows if column.title in r.paper
        }
        if paper:
            yield f'{column.title}, paper', {row: f'{value:g}' for row, value in paper.items()}
    for part, heading in HEADINGS.items():
        if counts := report.parameters(part):
            yield heading, {row: count(n) for row, n in counts.items()}
    for stage in report.kept:
        times = report.seconds(stage)
        yield f'time of stage {stage}', {row: duration(t.mean) for row, t in times.items()}


def as_json(report: Report) -> dict[str, Any]:
    """The same for programs, with the value of every seed; None is what is no finite number."""
    study = report.study
    rows = []
    for row in study.rows:
        values = {c.title: report.values(c).get(row.name) for c in report.columns}
        rows.append(
            dict(
                name=row.name,
                config=_short_name(row.config),
                options=row.options,
                paper=row.paper,
                metrics={k: _estimate(v) for k, v in values.items() if v is not None},
                parameters={
                    part: counts[row.name]
                    for part in HEADINGS
                    if row.name in (counts := report.parameters(part))
                },
                seconds={
                    f'stage{n}': _estimate(times[row.name])
                    for n in report.kept
                    if row.name in (times := report.seconds(n))
                },
            )
        )
    protocol = {f'stage{n}': _protocols(kept) for n, kept in report.kept.items()}
    table = dict(
        study=study.name,
        note=study.note,
        columns=[vars(c) for c in report.columns],
        rows=rows,
        protocol=protocol,
        open=list(report.open_cells),
        failures=dict(report.failures),
    )
    return _finite(table)


def _protocols(kept: Kept) -> dict[str, Protocol]:
    """Of all metrics that any row has; rows that share a metric agree about it."""
    results = [result for seeds in kept.values() for _, result in seeds.values()]
    return {owner: p for result in results for owner, p in result.protocol.items()}


def _short_name(config: str) -> str:
    """Below the shipped configs if it lies there: the same on every machine."""
    path = Path(config)
    root = configs_root()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else config


def _finite(value: Any) -> Any:
    """The same with None for numbers that JSON does not know."""
    if isinstance(value, Mapping):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _estimate(value: Estimate) -> dict[str, Any]:
    return dict(
        mean=value.mean,
        standard_error=value.standard_error,
        n=value.n,
        values=list(value.values),
    )
