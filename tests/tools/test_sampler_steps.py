"""The measurement of samplers, on a shrunk config."""

import importlib
import json
from pathlib import Path

import pytest
import torch
from shrink import shrink

from ddmi_toolkit.registry import MODELS

FOLDER = Path(__file__).parents[2] / 'benchmarks'
WORDS = '--samples 8 --reference 24 --components 3 --repeats 1 --batch-size 8'.split()
FEW = {
    'DPMSolverPP 3': dict(type='DPMSolverPP', num_steps=3),
    'Heun 2': dict(type='Heun', num_steps=2),
    'DDPM 4': dict(type='DDPM', num_steps=4),
}


@pytest.fixture
def run(monkeypatch, tmp_path):
    """The script with few samplers, on a tiny model with random weights, as rows and a table."""
    monkeypatch.syspath_prepend(FOLDER)
    bench = importlib.import_module('sampler_steps')
    monkeypatch.setattr(bench, 'SAMPLERS', FEW)
    monkeypatch.setattr(bench, 'LIMIT', dict(type='DDIM', num_steps=4))
    monkeypatch.setattr(bench, 'BASELINE', dict(type='DDIM', num_steps=4))
    cfg = shrink('ddmi/procedural_chair.py', tmp_path)
    cfg.train_dataloader.dataset.dataset.num_shapes = 32
    cfg.dump(tmp_path / 'config.py')
    torch.manual_seed(0)
    state = MODELS.build({**cfg.model}).state_dict()
    torch.save(dict(state_dict=state, meta={}), tmp_path / 'model.pth')

    def command(*words):
        files = [tmp_path / 'config.py', tmp_path / 'model.pth']
        arguments = ['sampler_steps.py', *files, *WORDS, '--out', tmp_path / 'out', *words]
        monkeypatch.setattr('sys.argv', [str(a) for a in arguments])
        bench.main()
        text = (tmp_path / 'out' / 'sampler_steps.md').read_text(encoding='utf-8')
        return json.loads((tmp_path / 'out' / 'sampler_steps.json').read_text()), text

    return command


def test_every_sampler_starts_from_the_same_noises(run, tmp_path):
    """The limit is no distance from itself; evaluations of the network are counted."""
    facts, text = run()
    rows = facts['rows']
    assert list(rows) == ['training', 'DDIM 200', *FEW, 'DDIM 200, seeds 1']
    assert rows['DDIM 200']['from_limit'] == 0
    assert rows['DPMSolverPP 3']['from_limit'] > 0
    assert [rows[k]['evaluations'] for k in FEW] == [3, 4, 4]
    assert 'from_limit' not in rows['DDPM 4']  # draws noise of its own
    assert 'from_limit' not in rows['DDIM 200, seeds 1']
    assert rows['DDIM 200, seeds 1']['frechet'] != rows['DDIM 200']['frechet']
    assert '| DDPM 4 | ' in text
    assert len(facts['checkpoint_hash']) == len(facts['config_hash'])
    assert (tmp_path / 'out' / 'sampler_steps.png').stat().st_size > 1000
    few, _ = run('--only', 'Heun 2')
    assert few['rows'] == {name: rows[name] for name in ('training', 'Heun 2')}


def test_what_cannot_be_measured_is_named(run):
    """More training items than there are, and rows that do not exist."""
    with pytest.raises(ValueError, match=r'ask for 48 training items, there are 32; lower one'):
        run('--reference', 40)
    with pytest.raises(ValueError, match=r"--only \['UniPC 7'\]: rows are named \['DDIM"):
        run('--only', 'UniPC 7')
