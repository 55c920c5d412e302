"""All cells of a study, done by as many processes as are started."""

import io
import os
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from logging import FileHandler
from pathlib import Path
from traceback import format_exc

from mmengine.logging import MMLogger

from ...evaluation import ProtocolError
from ...evaluation.leaderboard import duration
from ...utils import replace_atomically
from ..training import check_config
from .cells import Cell, make_cells, save_json
from .locks import BusyError, exclusive
from .plot import save_plot
from .report import Report, as_json, as_markdown, make_report
from .samples import save_samples
from .study import Study

Say = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """How a study ended.

    Args:
        folder: Holds ``table.md``, ``table.json`` and ``table.png``, ``samples.png`` if it was
            asked for, and a folder per row and seed with the ``result.json`` of each stage.
        failures: Message by name of each cell that failed, and of the table if it could not be
            written.
    """

    folder: Path
    failures: dict[str, str]


def run_study(
    study: Study,
    seeds: Sequence[int],
    folder: str | Path,
    say: Say,
    patience: float = 2.0,
    num_samples: int = 0,
) -> Outcome:
    """Train and evaluate every cell that is not done yet, and keep the table up to date.

    Each process that runs the same study takes the next cell that no other one works on; all end
    when every cell is done or has failed. A process that is killed leaves its cell to the others,
    and to the next call. A cell that fails does not stop the others; it is tried again by the next
    call. What trainings print goes to ``output.txt`` in the cell's folder.

    Args:
        study: Rows and columns.
        seeds: Of every row.
        folder: Where everything is kept.
        say: Receives a line per cell that is done or has failed.
        patience: Seconds between looks at cells that other processes work on.
        num_samples: Fields of each row that ``samples.png`` shows, see :func:`save_samples`.

    Raises:
        ValueError: Two rows are one and the same, or this is one of several processes of one
            training (torchrun).
        ValueError, TypeError, KeyError, FileNotFoundError: A row's config cannot be built. This is
            so before anything is trained.
    """
    if int(os.environ.get('WORLD_SIZE', '1')) > 1:
        raise ValueError(
            'a study is not run by torchrun: start the command several times, and each process '
            'takes cells of its own'
        )
    folder = Path(folder)
    output = _Output(folder / 'output.txt')
    with redirect_stdout(output), redirect_stderr(output):
        cells = make_cells(study, seeds, folder)
        # The seeds of a row differ in nothing that can be wrong, and rows may share a first stage.
        stages = [s for cell in cells if cell.seed == seeds[0] for s in cell.stages]
        for cfg in {stage.folder: stage.cfg for stage in stages}.values():
            check_config(cfg, with_files=True)
        work = _Work(study, cells, folder, say, output)
        while work.open:
            if not work.step():
                time.sleep(patience)
        if num_samples > 0:
            output.path = folder / 'output.txt'
            save_samples(cells, folder / 'samples.png', num_samples)
    return Outcome(folder, work.failures)


@dataclass
class _Work:
    """One process's share of a study."""

    study: Study
    cells: list[Cell]
    folder: Path
    say: Say
    output: '_Output'
    failures: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.start = time.time()
        self.open = list(self.cells)

    def step(self) -> bool:
        """Do what can be done of the open cells; returns whether that was any."""
        before = len(self.open)
        for cell in list(self.open):
            try:
                with exclusive(cell.folder / '.lock'):
                    word = self._settle(cell)
            except BusyError:
                continue
            self.open.remove(cell)
            report = self._write_table()
            done = len(self.cells) - len(self.open)
            self.say(f'[{done}/{len(self.cells)}] {cell.name}: {word or _summary(report, cell)}')
        return len(self.open) < before

    def _settle(self, cell: Cell) -> str:
        """Do a cell unless it is done or has failed since we started; what there is to say."""
        self.output.path = cell.folder / 'output.txt'
        message = cell.failure(since=self.start)
        if message is None:
            try:
                if cell.is_done():
                    return ''
                cell.complete()
                return ''
            except BusyError:
                raise
            except Exception as error:  # whatever it is, the other cells go on
                message = f'{type(error).__name__}: {error}'
                self.output.write(format_exc())
                cell.fail(message, time.time())
            finally:
                _close_logs()
        self.failures[cell.name] = message
        return f'failed: {message} ({self.output.path})'

    def _write_table(self) -> Report:
        """Write the table of what is done so far, by this process or another."""
        report = make_report(self.study, self.cells)
        try:
            text = as_markdown(report)
        except ProtocolError as error:
            if self.failures.get('table') != str(error):
                self.say(f'the table could not be written: {error}')
            self.failures['table'] = str(error)
            return report
        self.failures.pop('table', None)
        with replace_atomically(self.folder / 'table.md') as file:
            file.write(text.encode())
        save_json(self.folder / 'table.json', as_json(report))
        save_plot(report, self.folder / 'table.png')
        return report


def _summary(report: Report, cell: Cell) -> str:
    """Values of a cell's columns and how long its trainings took."""
    words, seconds = [], 0.0
    is_mixed = any(c.stage is None for c in report.study.columns)  # with rows of one stage
    for stage in cell.stages:
        record, result = report.kept[stage.number][cell.row.name][cell.seed]
        seconds += record.seconds
        ours = {stage.number, None} if stage is cell.stages[-1] else {stage.number}
        wanted = {c.title: c.metric for c in report.study.columns if c.stage in ours}
        for title, metric in (wanted or {m: m for m in result.metrics}).items():
            if is_mixed and metric not in result.metrics:
                continue
            missing = f'missing ({metric} is none of {", ".join(result.metrics)})'
            value = result.metrics.get(metric)
            words.append(f'{title} {missing if value is None else f"{value:.4g}"}')
    return f'{", ".join(words)}; trained in {duration(seconds)}'


def _close_logs() -> None:
    """Close the log files of trainings that have ended; mmengine keeps them open for good."""
    for logger in MMLogger._instance_dict.values():
        for handler in logger.handlers:
            if isinstance(handler, FileHandler):
                handler.close()


class _Output(io.TextIOBase):
    """Appends what is printed to a file that may change; holds none open."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, text: str) -> int:
        """Append."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path, 'a', encoding='utf-8') as file:
            return file.write(text)

    def writable(self) -> bool:
        """Always."""
        return True
