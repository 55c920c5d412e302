"""A picture of a study's table."""

import math
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from ...evaluation.directions import ARROWS
from ...evaluation.leaderboard import Estimate
from ...utils import replace_atomically
from .report import Report
from .study import Column

_MAX_PANELS = 6


def save_plot(report: Report, path: Path) -> None:
    """Draw a panel per column: means with standard errors, seeds as dots, and the paper's below.

    Of a study without columns, the first metrics with a direction are drawn. Published values have
    panels of their own: they are of other data wherever the scale is not the paper's.

    Args:
        report: What is known; nothing is written while that is no value.
        path: A png.
    """
    from matplotlib.figure import Figure

    columns = [c for c in report.columns if report.values(c)]
    if not report.study.columns:
        columns = [c for c in columns if c.direction is not None]
    columns = columns[:_MAX_PANELS]
    if not columns:
        return
    papers = {c.title: _paper(report, c) for c in columns}
    lines = 2 if any(papers.values()) else 1
    names = [row.name for row in report.study.rows]
    size = (2 + 3 * len(columns), lines * (1 + 0.35 * len(names)) + 0.4)
    figure = Figure(figsize=size, layout='constrained')
    panels = figure.subplots(lines, len(columns), squeeze=False, sharey=True)
    for i, column in enumerate(columns):
        title = column.title + ARROWS[column.direction]
        _draw(panels[0][i], title, names, report.values(column))
        if lines == 2 and papers[column.title]:
            _draw(panels[1][i], f'{title}, paper', names, papers[column.title])
        elif lines == 2:
            panels[1][i].set_axis_off()
    figure.suptitle(report.study.note or report.study.name, fontsize=9, wrap=True)
    buffer = BytesIO()
    figure.savefig(buffer, dpi=120, format='png')
    with replace_atomically(path) as file:
        file.write(buffer.getvalue())


def _paper(report: Report, column: Column) -> dict[str, Estimate]:
    rows = report.study.rows
    return {r.name: Estimate((r.paper[column.title],)) for r in rows if column.title in r.paper}


def _draw(axes: Any, title: str, names: Sequence[str], values: Mapping[str, Estimate]) -> None:
    for y, name in enumerate(names):
        value = values.get(name)
        if value is None or not math.isfinite(value.mean):
            continue
        axes.plot(value.values, [y] * value.n, '.', color='0.6', markersize=5)
        axes.errorbar(
            value.mean, y, xerr=value.standard_error, fmt='o', color=f'C{y % 10}', capsize=3
        )
    axes.set(title=title, yticks=range(len(names)), yticklabels=names)
    axes.set_ylim(len(names) - 0.5, -0.5)  # the first row on top
    axes.title.set_fontsize(10)
    axes.locator_params(axis='x', nbins=5)
    axes.grid(axis='x', alpha=0.3)
