"""Two processes without a GPU train as one does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tiny_dist import CASES, gradients

from ddmi_toolkit.engine import init_distributed, wrapper_config


@pytest.fixture(scope='module')
def two_processes(tmp_path_factory):
    """Gradients of the cases by two gloo processes, and their folder."""
    folder = tmp_path_factory.mktemp('two')
    script = str(Path(__file__).with_name('tiny_dist.py'))
    command = [sys.executable, '-m', 'torch.distributed.run', '--standalone']
    command += ['--nproc_per_node', '2', script, str(folder)]
    environment = dict(os.environ, OMP_NUM_THREADS='1', CUDA_VISIBLE_DEVICES='')
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return torch.load(folder / 'gradients.pt', weights_only=True), folder


@pytest.mark.parametrize('case', CASES)
def test_two_processes_have_the_gradients_of_one(tmp_path, two_processes, case):
    """On the same samples, in both stages and with a cache that both have filled."""
    theirs, folder = two_processes
    ours = gradients(case, tmp_path, folder / 'latents')
    assert len(ours) == 4
    tolerance = 1e-10 if case == 'float64' else 1e-5
    for step, (one, two) in enumerate(zip(ours, theirs[case], strict=True)):
        for a, b in zip(one, two, strict=True):
            error = float((a - b).abs().max() / a.abs().max())
            assert error < tolerance, f'step {step}: {error}'


def test_two_processes_share_the_filling_of_a_cache(two_processes):
    """One complete cache, found by later runs of any number of processes."""
    caches = list((two_processes[1] / 'latents').iterdir())
    assert len(caches) == 1
    assert (caches[0] / 'complete.json').is_file()


def test_one_process_needs_no_group(monkeypatch):
    """Without ``torchrun`` nothing is initialized."""
    for name in ('RANK', 'WORLD_SIZE'):
        monkeypatch.delenv(name, raising=False)
    assert not init_distributed()
    assert not torch.distributed.is_initialized()


def test_more_processes_than_gpus_are_refused(monkeypatch):
    """The message says how to train on the CPU."""
    for name, value in dict(RANK='3', WORLD_SIZE='4', LOCAL_RANK='3').items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 2)
    with pytest.raises(RuntimeError, match=r'process 3.*there are 2.*CUDA_VISIBLE_DEVICES='):
        init_distributed()
    assert 'device_ids' not in wrapper_config()


def test_wrapper_on_the_cpu_names_no_device(monkeypatch):
    """mmengine's default would ask for GPU ``LOCAL_RANK``."""
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    assert wrapper_config()['device_ids'] is None


def test_launcher_script_says_how_to_use_it():
    """Without arguments, instead of a stack trace."""
    script = Path(__file__).parents[2] / 'tools/dist_train.sh'
    done = subprocess.run(['bash', str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert 'Usage: tools/dist_train.sh CONFIG PROCESSES' in done.stderr
