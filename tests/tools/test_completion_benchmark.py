"""The measurement of completions, on clouds whose distances are known."""

import importlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from shrink import shrink

from ddmi_toolkit.registry import MODELS

FOLDER = Path(__file__).parents[2] / 'benchmarks'


@pytest.fixture
def bench(monkeypatch):
    """The script, measuring few points on coarse meshes."""
    monkeypatch.syspath_prepend(FOLDER)
    module = importlib.import_module('completion')
    monkeypatch.setattr(module, 'NUM_SURFACE', 256)
    monkeypatch.setattr(module, 'RESOLUTION', 16)
    return module


def test_half_of_the_surface_is_observed(bench):
    """All observed points lie on one side; planes differ; normals belong to the points."""
    first, second = bench.cut(2, 64)
    for half in (first, second):
        assert half.is_observed(half.surface).mean() == pytest.approx(0.5, abs=0.01)
        assert half.is_observed(half.observed).all()
        assert half.observed.shape == half.normals.shape == (64, 3)
        np.testing.assert_allclose(np.linalg.norm(half.normals, axis=1), 1, atol=1e-5)
        assert len(np.unique(half.observed, axis=0)) == 64
    assert abs(first.direction @ second.direction) < np.prod(
        [np.linalg.norm(h.direction) for h in (first, second)]
    )


def test_distances_by_side(bench):
    """Completions that keep the observed half and move the hidden one by 0.01 and 0.03."""
    # so far apart that the nearest point is the same one after a small move
    lattice = 0.2 * np.stack(np.meshgrid(*[np.arange(6)] * 3), -1).reshape(-1, 3)
    seen = lattice[:, 0] < 0.5
    some = lattice[seen][:8]
    half = bench.Half(torch.zeros(8, 3), lattice, np.array([1.0, 0, 0]), 0.5, some, some)
    moved = [lattice + np.outer(~seen, [0, 0, step]) for step in (0.01, 0.03)]
    found = bench.measure(half, moved)
    assert found['observed'] == pytest.approx(0, abs=1e-9)
    assert found['hidden'] == pytest.approx(0.02)
    assert found['observed_between'] == pytest.approx(0, abs=1e-9)
    assert found['hidden_between'] == pytest.approx(0.02)
    assert set(bench.measure(half, moved[:1])) == {'observed', 'hidden'}
    assert bench.measure(half, []) == {}


@pytest.mark.parametrize('name', ['procedural_chair_completion', 'procedural_chair'])
def test_both_ways_write_numbers_and_a_picture(bench, name, monkeypatch, tmp_path):
    """By the conditioner and by the posterior of an unconditional model."""
    cfg = shrink(f'ddmi/{name}.py', tmp_path)
    cfg.dump(tmp_path / f'{name}.py')
    torch.manual_seed(0)
    model = MODELS.build({**cfg.model})
    torch.save(dict(state_dict=model.state_dict(), meta={}), tmp_path / 'model.pth')
    words = [tmp_path / f'{name}.py', tmp_path / 'model.pth', '--out', tmp_path]
    words += '--num-chairs 2 --num 2 --num-points 16 --num-steps 2 --num-drawn 1'.split()
    monkeypatch.setattr('sys.argv', ['completion.py', *map(str, words)])
    bench.main()
    facts = json.loads((tmp_path / f'completion_{name}.json').read_text())
    assert set(facts['rows']) == {'reconstructed', 'completed', 'unconditional'}
    assert (tmp_path / f'completion_{name}.png').stat().st_size > 1000
