"""Two processes without a GPU train the real models, made small, as one does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from real_dist import CASES, train

TOLERANCE = dict(float64=1e-10, float32=1e-5)


def errors(one, two):
    """Relative difference of all gradients together, and the worst of single ones.

    Some vanish but for rounding, e.g. those of biases before a normalization: differences count
    relative to 1e-4 of the largest gradient at least.
    """
    largest = max(float(g.abs().max()) for g in one.values())
    single = {
        name: float((g - two[name]).abs().max()) / max(float(g.abs().max()), 1e-4 * largest)
        for name, g in one.items()
    }
    ours, theirs = (torch.cat([gs[name].flatten() for name in one]) for gs in (one, two))
    return float((ours - theirs).norm() / ours.norm()), max((e, n) for n, e in single.items())


@pytest.fixture(scope='module')
def two_processes(tmp_path_factory):
    """Gradients and buffers of the cases by each of two gloo processes."""
    folder = tmp_path_factory.mktemp('two')
    script = Path(__file__).with_name('real_dist.py')
    command = [sys.executable, '-m', 'torch.distributed.run', '--standalone']
    command += ['--nproc_per_node', '2', str(script), str(folder)]
    environment = dict(
        os.environ,
        OMP_NUM_THREADS='1',
        CUDA_VISIBLE_DEVICES='',
        PYTHONPATH=os.pathsep.join(filter(None, (str(script.parents[1]), os.getenv('PYTHONPATH')))),
    )
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [torch.load(folder / f'{rank}.pt', weights_only=True) for rank in (0, 1)]


@pytest.mark.slow
@pytest.mark.parametrize(('stage', 'dtype'), CASES)
def test_two_processes_have_the_gradients_of_one(tmp_path, two_processes, stage, dtype):
    """On the same samples, in three steps; buffers agree although they are not broadcast.

    Among them are the vectors of the spectral regularizer's power iteration.
    """
    steps, buffers = train(stage, dtype, tmp_path)
    (theirs, kept), (_, others) = (found[f'{stage}-{dtype}'] for found in two_processes)
    for number, (one, two) in enumerate(zip(steps, theirs, strict=True)):
        together, (worst, name) = errors(one, two)
        assert together < TOLERANCE[dtype], f'step {number}: {together}'
        if dtype == 'float64':
            assert worst < TOLERANCE[dtype], f'step {number}, {name}: {worst}'
    assert buffers.keys() == kept.keys()
    assert (stage == 'first') == any(name.startswith('regularizer.u_') for name in kept)
    for name, buffer in buffers.items():
        assert torch.equal(kept[name], others[name]), name
        torch.testing.assert_close(kept[name], buffer, rtol=0, atol=TOLERANCE[dtype], msg=name)
