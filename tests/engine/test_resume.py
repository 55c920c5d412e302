"""A run that was killed goes on as if nothing had happened."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tiny_run import TinyData, build_runner, losses_of

from ddmi_toolkit.utils import find_checkpoint, load_checkpoint

NO_VAL = dict(val_dataloader=None, val_cfg=None, val_evaluator=None)


def flatten(value, name=''):
    """Leaves of nested containers by path."""
    if isinstance(value, dict):
        return {k: v for key in value for k, v in flatten(value[key], f'{name}.{key}').items()}
    if isinstance(value, list | tuple):
        return {k: v for i, x in enumerate(value) for k, v in flatten(x, f'{name}[{i}]').items()}
    return {name: value}


def assert_same_training_state(a, b):
    """Weights, averages, optimizer, schedule and random states agree bit for bit."""
    for key in ('state_dict', 'live_state_dict', 'optimizer', 'param_schedulers', 'rng'):
        left, right = flatten(a[key]), flatten(b[key])
        assert left.keys() == right.keys()
        for name, value in left.items():
            same = torch.equal(value, right[name]) if torch.is_tensor(value) else None
            assert same if same is not None else value == right[name], f'{key}{name} differs'


@pytest.fixture(scope='module')
def straight(tmp_path_factory):
    """Forty iterations in one go: the final state and all losses."""
    folder = tmp_path_factory.mktemp('straight')
    runner = build_runner(folder)
    runner.train()
    return load_checkpoint(folder / 'iter_40.pth'), losses_of(runner)


@pytest.mark.parametrize('num_workers', [0, 2])
def test_resumed_run_equals_an_uninterrupted_one(tmp_path, straight, num_workers):
    """20 iterations, a stop, and 20 more: all states and losses of 40, bit for bit."""
    loader = dict(num_workers=num_workers, persistent_workers=num_workers > 0)
    first = build_runner(tmp_path, loader=loader, hooks=[dict(type='StopAfter', iteration=23)])
    with pytest.raises(KeyboardInterrupt):
        first.train()
    second = build_runner(tmp_path, loader=loader, resume=True)
    second.train()
    assert losses_of(second) == straight[1][20:]
    assert_same_training_state(load_checkpoint(tmp_path / 'iter_40.pth'), straight[0])


def run(command):
    """A finished process with its output."""
    return subprocess.run(command, check=False, capture_output=True, timeout=120)


def test_killed_process_resumes_bit_for_bit(tmp_path, straight):
    """``kill -9`` in the middle of a run with worker processes, then the same command again."""
    script = [sys.executable, str(Path(__file__).with_name('tiny_run.py')), str(tmp_path / 'run')]
    script += ['--workers', '2', '--resume']
    killed = run([*script, '--kill-after', '27'])
    assert killed.returncode == -9, killed.stderr.decode()[-2000:]
    assert find_checkpoint(tmp_path / 'run').name == 'iter_20.pth'
    again = run(script)
    assert again.returncode == 0, again.stderr.decode()[-2000:]
    assert_same_training_state(load_checkpoint(tmp_path / 'run/iter_40.pth'), straight[0])


def test_resuming_reads_no_old_batch(tmp_path):
    """Only the items of the remaining iterations are read."""
    build_runner(
        tmp_path, max_iters=20, val_dataloader=None, val_cfg=None, val_evaluator=None
    ).train()
    TinyData.reads = 0
    runner = build_runner(
        tmp_path, max_iters=30, resume=True, val_dataloader=None, val_cfg=None, val_evaluator=None
    )
    runner.train()
    assert TinyData.reads == 10 * 3


def test_validation_does_not_change_training(tmp_path, straight):
    """Losses are the same without the validation that draws random numbers in between."""
    runner = build_runner(tmp_path, val_dataloader=None, val_cfg=None, val_evaluator=None)
    runner.train()
    assert losses_of(runner) == straight[1]


def test_truncated_newest_checkpoint_is_passed_over(tmp_path, straight):
    """The run goes on from the last good file and ends as if it had never been damaged."""
    first = build_runner(
        tmp_path, state=dict(max_keep=3), hooks=[dict(type='StopAfter', iteration=35)]
    )
    with pytest.raises(KeyboardInterrupt):
        first.train()
    newest = tmp_path / 'iter_30.pth'
    newest.write_bytes(newest.read_bytes()[:-200])
    runner = build_runner(tmp_path, resume=True)
    runner.train()
    assert losses_of(runner) == straight[1][20:]
    assert_same_training_state(load_checkpoint(tmp_path / 'iter_40.pth'), straight[0])


def test_checkpoints_are_plain_and_trimmed(tmp_path):
    """Every file loads without any code, holds a short history and only the newest remain."""
    build_runner(tmp_path, state=dict(interval=10, max_keep=2, keep_every=10, keep_log=6)).train()
    assert sorted(p.name for p in tmp_path.glob('*.pth')) == [
        f'iter_{i}.pth' for i in (10, 20, 30, 40)
    ]
    for path in tmp_path.glob('*.pth'):
        content = torch.load(path, weights_only=True)
        scalars = content['message_hub']['log_scalars']
        assert len(scalars['train/loss']['log']) == 6
        assert content['message_hub']['runtime_info']['max_iters'] == 40
    assert (tmp_path / 'last_checkpoint').read_text().endswith('iter_40.pth')
    assert not list(tmp_path.glob('.*'))


def test_old_checkpoints_are_removed_after_the_new_one_is_written(tmp_path):
    """With one file kept there is never a moment without one."""
    build_runner(tmp_path, max_iters=20, state=dict(max_keep=1)).train()
    assert [p.name for p in tmp_path.glob('*.pth')] == ['iter_20.pth']


def test_another_number_of_samples_per_iteration_is_refused(tmp_path, monkeypatch):
    """Both splits are named; one of the same total goes on in the same order of data."""
    build_runner(tmp_path, max_iters=10, **NO_VAL).train()
    path = tmp_path / 'iter_10.pth'
    saved = torch.load(path, weights_only=True)
    assert (saved['meta']['world_size'], saved['meta']['batch_size']) == (1, 3)
    monkeypatch.setattr('ddmi_toolkit.engine.state_hook.get_world_size', lambda: 2)
    runner = build_runner(tmp_path, max_iters=20, resume=True, **NO_VAL)
    message = r'1 processes with batches of 3 \(3 .*, now 2 with 3 \(6\).*another work_dir'
    with pytest.raises(ValueError, match=message):
        runner.train()
    saved['meta'] |= dict(world_size=6, batch_size=1)
    torch.save(saved, path)
    build_runner(tmp_path, max_iters=20, resume=True, **NO_VAL).train()


def test_files_that_do_not_tell_the_processes_are_resumed(tmp_path):
    """With a warning: they were written by an earlier version."""
    build_runner(tmp_path, max_iters=10, **NO_VAL).train()
    path = tmp_path / 'iter_10.pth'
    saved = torch.load(path, weights_only=True)
    del saved['meta']['world_size']
    torch.save(saved, path)
    runner = build_runner(tmp_path, max_iters=20, resume=True, log_level='WARNING', **NO_VAL)
    runner.train()
    assert runner.iter == 20
    log = ''.join(p.read_text() for p in tmp_path.rglob('*.log'))
    assert 'does not say how many processes' in log


def test_sampler_without_skip_is_refused_before_training(tmp_path):
    """The message says which sampler can be resumed."""
    runner = build_runner(tmp_path, loader=dict(sampler=dict(type='InfiniteSampler')))
    with pytest.raises(ValueError, match=r'InfiniteSampler cannot skip.*SeededInfiniteSampler'):
        runner.train()
