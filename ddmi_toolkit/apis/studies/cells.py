"""A row with a seed: its one or two trainings, and what is kept of them."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mmengine.config import Config

from ...evaluation import Result
from ...utils import find_checkpoint, load_checkpoint, replace_atomically
from ..config import load_config
from ..costs import trainable_parameters, training_seconds
from ..evaluating import evaluate, file_hash
from ..hashing import config_hash, evaluation_hash
from ..training import train
from .locks import exclusive
from .options import FIRST, split_options
from .study import Row, Study


@dataclass(frozen=True)
class Record:
    """What is kept of a stage beside its :class:`Result`.

    Args:
        config_hash: Of the training.
        evaluation_hash: Of how it was evaluated.
        checkpoint_hash: Of the weights that were evaluated.
        iterations: Of the training.
        seconds: Of the training without its validations, as iterations times their mean logged
            time (of the last thousand), so that interruptions do not count.
        parameters: Trainable parameters by part.
    """

    config_hash: str
    evaluation_hash: str
    checkpoint_hash: str
    iterations: int
    seconds: float
    parameters: dict[str, int]


@dataclass(frozen=True)
class Stage:
    """A training and its evaluation, in a folder.

    Args:
        number: 1 or 2.
        cfg: Complete config, whose ``work_dir`` is the folder.
    """

    number: int
    cfg: Config

    @property
    def folder(self) -> Path:
        """Where it is kept."""
        return Path(self.cfg.work_dir)

    def move(self, folder: Path, first_stage: Path) -> None:
        """Say where it is kept, and where its first stage is."""
        self.cfg.work_dir = str(folder)
        self.cfg.experiment_name = '_'.join(folder.parts[-3:])
        if 'first_stage' not in self.cfg:
            return
        self.cfg.first_stage.work_dir = str(first_stage)
        self.cfg.first_stage.options['work_dir'] = str(first_stage)
        dataset = self.cfg.train_dataloader.dataset
        if dataset.type == 'LatentCache' and 'cache_dir' not in (self.cfg.latent_cache or {}):
            dataset.cache_dir = str(first_stage / 'latents')  # beside the weights

    @cached_property
    def key(self) -> tuple[str, str]:
        """Hashes of the training and of the evaluation: equal ones give equal numbers."""
        return config_hash(self.cfg), evaluation_hash(self.cfg)

    def read(self) -> tuple[Record, Result] | None:
        """What is kept of this very config; None while it is not done."""
        try:
            record = Record(**json.loads((self.folder / 'record.json').read_text('utf-8')))
            result = Result.load(self.folder / 'result.json')
        except (OSError, ValueError, TypeError):
            return None
        is_ours = (record.config_hash, record.evaluation_hash) == self.key
        is_pair = record.checkpoint_hash == result.checkpoint_hash
        return (record, result) if is_ours and is_pair else None

    def is_done(self) -> bool:
        """Whether it is evaluated, and its checkpoint is the one that was."""
        kept = self.read()
        path = find_checkpoint(self.folder)
        if kept is None or path is None:
            return False
        return file_hash(path) == kept[0].checkpoint_hash

    def complete(self) -> None:
        """Train and evaluate what is not yet.

        Raises:
            BusyError: Another process does it.
            ValueError: The folder holds a training of another config.
        """
        with exclusive(self.folder.with_name(f'.{self.folder.name}.lock')):
            if self.is_done():
                return
            path = train(self.cfg)
            result = evaluate(self.cfg, path)
            state = load_checkpoint(path)
            record = Record(
                *self.key,
                checkpoint_hash=result.checkpoint_hash,
                iterations=state['meta']['iter'],
                seconds=training_seconds(state),
                parameters=trainable_parameters(self.cfg),
            )
            result.save(self.folder / 'result.json')
            save_json(self.folder / 'record.json', asdict(record))


@dataclass(frozen=True)
class Cell:
    """A row with a seed.

    Args:
        row: Of the study.
        seed: Of both trainings.
        folder: Of this cell alone.
        stages: Trainings in their order; a first stage may be in another cell's folder.
    """

    row: Row
    seed: int
    folder: Path
    stages: tuple[Stage, ...]

    @property
    def name(self) -> str:
        """For people."""
        return f'{self.row.name}, seed {self.seed}'

    @property
    def _failure(self) -> Path:
        return self.folder / 'failed.json'

    def is_done(self) -> bool:
        """Whether all stages are."""
        return all(stage.is_done() for stage in self.stages)

    def failure(self, since: float = 0.0) -> str | None:
        """Message of its last attempt if that failed after a time in seconds of the clock."""
        try:
            failure = json.loads(self._failure.read_text('utf-8'))
        except OSError:
            return None
        return failure['message'] if failure['time'] >= since else None

    def fail(self, message: str, time: float) -> None:
        """Keep what went wrong."""
        save_json(self._failure, dict(message=message, time=time))

    def complete(self) -> None:
        """Train and evaluate what is not yet.

        Raises:
            BusyError: Another process works on it or on its first stage.
        """
        for stage in self.stages:
            stage.complete()
        self._failure.unlink(missing_ok=True)


def make_cells(study: Study, seeds: Sequence[int], folder: Path) -> list[Cell]:
    """All cells of a study, one seed of every row after the other.

    Rows whose first stages are one and the same training share it, in the folder of the first.

    Raises:
        ValueError: Two rows are one and the same in all stages, or an option of a row is of a
            stage that the study leaves out.
    """
    leaves = {row.config: load_config(row.config) for row in study.rows}
    cells: list[Cell] = []
    homes: dict[tuple[str, str], Path] = {}
    for seed in seeds:
        known: dict[tuple[tuple[str, str], ...], Row] = {}
        for row in study.rows:
            place = folder / row.slug / f'seed_{seed}'
            stages = _stages(study, row, seed, leaves[row.config])
            home = homes.setdefault(stages[0].key, place / 'stage1')
            for stage, where in zip(stages, (home, place / 'stage2'), strict=False):
                stage.move(where, home)
            key = tuple(stage.key for stage in stages)
            if key in known:
                raise ValueError(
                    f'rows {known[key].name!r} and {row.name!r} are one and the same training of '
                    f'{"stage 1" if len(stages) == 1 else "both stages"}; leave one of them out'
                )
            known[key] = row
            cells.append(Cell(row, seed, place, stages))
    return cells


def _stages(study: Study, row: Row, seed: int, leaf: Config) -> tuple[Stage, ...]:
    """Stages of a cell, in no folder yet."""
    first, second = split_options(leaf, row.options)
    # Another first stage is the one option of a stage-2 config that changes stage 1.
    unused = [key for key in second if key != 'first_stage_config']
    if study.num_stages == 1 and unused:
        raise ValueError(
            f'row {row.name!r}: option {unused[0]} is of stage 2, which --stages 1 leaves out; '
            f'leave the option out too, or write {FIRST}{unused[0]} if it is for stage 1'
        )
    seeded = {'randomness.seed': seed}
    first, second = {**study.stage1, **first, **seeded}, {**study.stage2, **second, **seeded}
    if 'first_stage' not in leaf:
        return (Stage(1, load_config(row.config, first)),)
    cfg = load_config(row.config, {**{f'{FIRST}{k}': v for k, v in first.items()}, **second})
    own = Stage(1, load_config(cfg.first_stage.config, cfg.first_stage.options))
    return (own, Stage(2, cfg))[: study.num_stages]


def save_json(path: Path, content: Any) -> None:
    """Write a json file, whole or not at all."""
    with replace_atomically(path) as file:
        file.write((json.dumps(content, indent=2) + '\n').encode())
