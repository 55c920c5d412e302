"""``kill -9`` in both stages: the same command, again and again, equals one that ran through."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from shrink import shrink

from ddmi_toolkit.utils import load_checkpoint

ROOT = Path(__file__).parents[2]
ITERATIONS, INTERVAL, KILL_AFTER = 40, 10, 24
RUNTIME = dict(
    train_cfg__max_iters=ITERATIONS,
    default_hooks__checkpoint__interval=INTERVAL,
    default_hooks__logger__interval=1,
    train_dataloader__num_workers=2,
    visualizer__vis_backends=[dict(type='LocalVisBackend')],
)


def write_leaf(folder):
    """A config of both stages that writes everything, the cache included, below a folder."""
    first = {f'first_stage__{key}': value for key, value in RUNTIME.items()}
    cache = dict(latent_cache__cache_dir=f'{folder}/latents')
    cfg = shrink('ddmi/procedural_chair.py', folder, **RUNTIME, **first, **cache)
    folder.mkdir()
    path = folder / 'leaf.py'
    cfg.dump(path)
    return path


def start(leaf):
    """``tools/train.py`` in a session of its own, its workers included."""
    environment = dict(os.environ, OMP_NUM_THREADS='1', CUDA_VISIBLE_DEVICES='')
    with open(leaf.with_suffix('.log'), 'ab') as log:
        return subprocess.Popen(
            [sys.executable, 'tools/train.py', str(leaf)],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def train(leaf):
    """Let the command come to its end."""
    process = start(leaf)
    assert process.wait(120) == 0, leaf.with_suffix('.log').read_text()[-3000:]


def train_and_kill(leaf, work_dir):
    """Kill the command after some iterations of the stage that writes into a folder."""
    process = start(leaf)
    deadline = time.monotonic() + 120
    while iterations_logged(work_dir) < KILL_AFTER:
        text = leaf.with_suffix('.log').read_text()
        assert process.poll() is None, text[-3000:]
        assert time.monotonic() < deadline, text[-3000:]
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait(10) == -signal.SIGKILL
    assert not (work_dir / f'iter_{ITERATIONS}.pth').exists(), 'the machine stalled; kill earlier'
    assert (work_dir / 'last_checkpoint').is_file()


def iterations_logged(work_dir):
    """Lines of the scalars that all starts of a run have written."""
    return sum(p.read_text().count('\n') for p in work_dir.glob('*/vis_data/scalars.json'))


def leaves(value, path=''):
    """Tensors and numbers of a checkpoint by path."""
    items = enumerate(value) if isinstance(value, list | tuple) else ()
    items = value.items() if isinstance(value, dict) else items
    found = {k: v for name, x in items for k, v in leaves(x, f'{path}/{name}').items()}
    return found or {path: value}


@pytest.mark.slow
def test_a_run_killed_in_both_stages_equals_one_in_one_go(tmp_path):
    """Weights, averages, optimizer, schedule, random states and all losses, bit for bit."""
    straight, killed = tmp_path / 'straight', tmp_path / 'killed'
    train(write_leaf(straight))
    leaf = write_leaf(killed)
    for stage in ('first', 'run'):
        train_and_kill(leaf, killed / stage)
    train(leaf)
    for stage in ('first', 'run'):
        ours, theirs = (
            load_checkpoint(f / stage / f'iter_{ITERATIONS}.pth') for f in (killed, straight)
        )
        parts = {'state_dict', 'optimizer', 'param_schedulers', 'rng'}
        parts |= {'live_state_dict'} if stage == 'run' else set()
        assert len(theirs['message_hub']['log_scalars']['train/loss']['log']) == ITERATIONS
        losses = [
            {k: v for k, v in c['message_hub']['log_scalars'].items() if 'loss' in k}
            for c in (ours, theirs)
        ]
        compare(*losses)
        for part in parts:
            compare(ours[part], theirs[part])


def compare(ours, theirs):
    """Assert that nested containers agree bit for bit."""
    ours, theirs = leaves(ours), leaves(theirs)
    assert ours.keys() == theirs.keys()
    for key, value in ours.items():
        is_same = (
            torch.equal(value, theirs[key]) if torch.is_tensor(value) else value == theirs[key]
        )
        assert is_same, key
