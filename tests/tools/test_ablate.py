"""The command: real trainings of tiny models, and mistakes that end in one line."""

import importlib.util
import json
import os
import re
import sys
from collections import OrderedDict
from pathlib import Path

import pytest
from mmengine.logging import MMLogger
from PIL import Image
from shrink import data, runtime, sizes

from ddmi_toolkit.apis import load_config, readable_errors
from ddmi_toolkit.apis.studies import Row, Study, run_study
from ddmi_toolkit.evaluation import Result, aggregate

TOOL = Path(__file__).parents[2] / 'tools' / 'ablate.py'
FIRST, SECOND = 'd2c_vae/procedural_image.py', 'ddmi/procedural_image.py'
SHORT = {'train_cfg.max_iters': 3, 'default_hooks.checkpoint.interval': 10}


@pytest.fixture
def ablate(monkeypatch, tmp_path):
    """Runs the tool in this process as a user does; returns its exit code or last message."""
    spec = importlib.util.spec_from_file_location('ablate_tool', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def run(*arguments) -> int | str:
        monkeypatch.setattr(sys, 'argv', ['ablate.py', *map(str, arguments)])
        with pytest.raises(SystemExit) as end, readable_errors():
            module.main()
        return end.value.code

    return run


def tiny(name: str, prefix: str = '') -> dict:
    """Overrides that make a config train in a second."""
    cfg = load_config(name)
    model = {k: v for k, v in cfg.model.items() if k != 'first_stage'}
    small = {**sizes(model, 'model.'), **runtime('none'), **data(cfg), **SHORT}
    del small['work_dir']
    return {f'{prefix}{k}': v for k, v in small.items()}


def test_two_rows_on_one_first_stage_for_real(tmp_path, monkeypatch):
    """Trained, evaluated, in the table; their files are results; nothing is done twice."""
    # As in a process of its own: loggers of earlier tests print where those printed.
    monkeypatch.setattr(MMLogger, '_instance_dict', OrderedDict())
    rows = (Row('raw', SECOND), Row('normal', SECOND, {'model.normalize_latents': True}))
    second = tiny(SECOND)
    for metric in second['test_evaluator']:
        metric['values'] = ['precision', 'recall']  # of four pictures
    study = Study('real', rows, stage1=tiny(FIRST), stage2=second)
    said = []
    assert run_study(study, [5], tmp_path, said.append).failures == {}
    for place in ('raw/seed_5/stage1', 'raw/seed_5/stage2', 'normal/seed_5/stage2'):
        record = json.loads((tmp_path / place / 'record.json').read_text())
        assert record['iterations'] == 3
        assert record['seconds'] > 0
        assert Result.load(tmp_path / place / 'result.json').config == place.replace('/', '_')
    assert not (tmp_path / 'normal/seed_5/stage1').exists()  # the first stages are the same
    files = sorted(tmp_path.glob('*/seed_5/stage2/result.json'))
    runs = {p.parts[-4]: [Result.load(p)] for p in files}
    generated = {k: v for k, v in aggregate(runs).items() if '/recall_random' in k}
    assert generated
    assert all(set(values) == {'raw', 'normal'} for values in generated.values())
    assert 'training from the start' in (tmp_path / 'raw/seed_5/output.txt').read_text()
    table = (tmp_path / 'table.md').read_text()
    assert 'image_32/psnr ↑' in table
    descriptors = Path('/proc/self/fd')
    if descriptors.is_dir():  # a study of a thousand trainings must not run out of them
        opened = [os.readlink(f) for f in descriptors.iterdir() if f.exists()]
        assert not [f for f in opened if f.startswith(str(tmp_path)) and f.endswith('.log')]
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob('*.pth')}
    run_study(study, [5], tmp_path, said.append, num_samples=3)
    with Image.open(tmp_path / 'samples.png') as picture:  # two rows of three fields
        assert picture.width > 3 * 96
        assert 2 * 96 <= picture.height < 3 * 96
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob('*.pth')} == before
    assert len(said) == 4


def test_the_command_trains_a_grid(ablate, tmp_path, capsys, monkeypatch):
    """What fails is named at the end and is the exit code."""
    monkeypatch.chdir(tmp_path)
    load_config(FIRST, tiny(FIRST)).dump('resolved.py')
    code = ablate(
        *('resolved.py', '--seeds', '2-2', '--out', 'out'),
        *('--grid', 'optim_wrapper.optimizer.type=AdamW,Neither'),
    )
    out, err = capsys.readouterr()
    assert code == 1
    assert '[1/2] optimizer.type=AdamW, seed 2: image_32/psnr' in out
    assert '[2/2] optimizer.type=Neither, seed 2: failed: TypeError: ' in out
    assert err == 'failed: optimizer.type=Neither, seed 2\n'  # the reason stands above
    assert out.rstrip().endswith('out/table.md')


@pytest.mark.parametrize(
    'arguments, message',
    [
        ((FIRST, '--scale', 'tiny'), 'only a study has scales'),
        (('ablations/table8.py', '--scale', 'huge'), "no scale 'huge'"),
        ((FIRST, '--grid', 'a'), 'expected key=value'),
        ((FIRST, '--seeds', '0'), 'expected a count'),
        (('d2c_vae/absent.py',), 'does not exist'),
        ((FIRST, '--cfg-options', 'data_root=x'), '^KeyError: option data_root: the bases have'),
        ((FIRST, '--cfg-options', 'model.latent_chanels=4'), 'latent_chanels'),
        ((SECOND, '--stages', '1', '--cfg-options', 'train_cfg.max_iters=3'), 'is of stage 2'),
        (
            (FIRST, '--grid', 'model.generator.readout.combine=sum,neither'),
            'combine_neither_seed_0_stage1: .*neither',
        ),
    ],
)
def test_mistakes_are_named_before_anything_is_trained(
    arguments, message, ablate, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    text = ablate(*arguments)
    assert re.search(message, text)
    assert 'Traceback' not in text
    assert not list(tmp_path.rglob('seed_*'))
