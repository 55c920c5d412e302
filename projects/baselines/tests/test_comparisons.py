"""Studies of the baselines: rows that build, at every scale, with the data and metrics of each."""

from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ddmi_toolkit.apis import check_config
from ddmi_toolkit.apis.studies import load_study, run_study, with_options
from ddmi_toolkit.apis.studies.cells import make_cells
from ddmi_toolkit.evaluation.directions import direction_of

STUDIES = sorted(Path(__file__).parents[1].glob('*.py'))


@pytest.mark.parametrize('study', STUDIES, ids=lambda p: p.stem)
@pytest.mark.parametrize('scale', ['tiny', 'small', 'long'])
def test_every_row_builds_and_samples_are_measured_alike(study, scale, tmp_path):
    """At its real size, on the meta device; the last stage of every row is tested on the same."""
    study = load_study(study, scale)
    cells = make_cells(study, [0], tmp_path)
    for cell in cells:
        for stage in cell.stages:
            check_config(stage.cfg)
    first, *others = (cell.stages[-1].cfg for cell in cells)
    for cfg in others:
        assert cfg.test_evaluator == first.test_evaluator
        assert cfg.test_dataloader.dataset == first.test_dataloader.dataset
    assert all(column.direction == direction_of(column.metric) for column in study.columns)


@pytest.mark.slow
def test_a_comparison_of_pictures_runs(tmp_path, monkeypatch):
    """Every row, a few iterations on pictures of noise; its table has a line for each."""
    noise = np.random.default_rng(0)
    for i, (split, kind) in enumerate(product(('train', 'test'), ('cat', 'dog'))):
        folder = tmp_path / 'data/cifar10_catdog' / split / kind
        folder.mkdir(parents=True)
        for j in range(8):
            pixels = noise.integers(0, 256, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f'{8 * i + j:04d}.png')
    monkeypatch.setenv('DDMI_DATA', str(tmp_path / 'data'))
    monkeypatch.chdir(tmp_path)  # where features of the references are kept
    study = load_study(STUDIES[0], 'tiny')
    own = {'GEM': {'model.num_items': 16}}
    rows = tuple(replace(r, options={**r.options, **own.get(r.name, {})}) for r in study.rows)
    study = with_options(
        replace(study, rows=rows, stage2={**study.stage2, 'train_dataloader.dataset.stop': 16}),
        {'test_dataloader.dataset.num_samples': 12},
    )
    outcome = run_study(study, [0], tmp_path / 'out', lambda text: None)
    assert not outcome.failures
    lines = (outcome.folder / 'table.md').read_text(encoding='utf-8').splitlines()
    for row in study.rows:
        (line,) = [line for line in lines if line.startswith(f'| {row.name} |')]
        assert all(cell.strip() for cell in line.split('|')[3:6]), line
