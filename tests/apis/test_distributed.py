"""Two processes by the shipped script: both stages train, and evaluation gives the same numbers."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LEAF = """
_base_ = 'ddmi_toolkit::ddmi/procedural_chair.py'
train_cfg = dict(max_iters=2)
model = dict(diffuser=dict(sampler=dict(num_steps=3)))
test_dataloader = dict(batch_size=2, dataset=dict(num_samples=5))
test_evaluator = [dict(
    type='PointCloudMetrics', resolution=32, threshold=0.001, num_points=64, distances=['cd'],
    reference=dict(type='ProceduralChairs', num_shapes=4, surface_points=64))]
"""
FIRST = {
    'train_cfg.max_iters': 2,
    'train_cfg.val_interval': 100,
    'train_dataloader.dataset.num_shapes': 8,
}


def run(*command: str) -> str:
    """Output of a command that must succeed, with one thread per process."""
    env = {**os.environ, 'PYTHON': sys.executable, 'OMP_NUM_THREADS': '1'}
    done = subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.mark.slow
def test_two_processes_train_both_stages_and_measure_as_one_does(tmp_path):
    """The sample of a seed is the same on either process, and none is counted twice."""
    leaf = tmp_path / 'leaf.py'
    leaf.write_text(LEAF)
    options = [f'first_stage.{k}={v}' for k, v in FIRST.items()]
    options.append(f'first_stage.work_dir={tmp_path}/first')
    common = ['--work-dir', f'{tmp_path}/second', '--cfg-options', *options]
    run('bash', 'tools/dist_train.sh', str(leaf), '2', *common)
    assert (tmp_path / 'second/iter_2.pth').is_file()
    results = []
    torchrun = [sys.executable, '-m', 'torch.distributed.run', '--standalone']
    for processes, start in ((1, [sys.executable]), (2, [*torchrun, '--nproc_per_node', '2'])):
        out = tmp_path / f'{processes}.json'
        run(*start, 'tools/test.py', str(leaf), '--out', str(out), *common)
        results.append(json.loads(out.read_text()))
    one, two = results
    assert one['protocol'] == two['protocol']
    assert one['protocol']['generation']['num_samples'] == 5
    assert one['metrics'] == pytest.approx(two['metrics'], rel=1e-5)
