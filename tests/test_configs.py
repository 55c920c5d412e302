"""Every leaf config builds, and trains one step when it is made small."""

import math
from pathlib import Path

import pytest
import torch
from shrink import shrink

from ddmi_toolkit.apis import check_config, configs_root, load_config, run_state, train
from ddmi_toolkit.utils import load_checkpoint

LEAVES = sorted(
    str(p.relative_to(configs_root()))
    for p in configs_root().rglob('*.py')
    if '_base_' not in p.parts and '\nscales = ' not in p.read_text()  # loading all is slow
)


@pytest.mark.parametrize('name', LEAVES)
def test_leaf_builds_without_memory_and_data(name):
    """On the meta device, at its real size."""
    check_config(load_config(name))


@pytest.mark.parametrize('name', LEAVES)
def test_leaf_trains_one_shrunk_step(name, tmp_path):
    """Both stages of a stage-2 leaf; the loss is finite and the weights move."""
    torch.manual_seed(0)
    cfg = shrink(name, tmp_path)
    state = load_checkpoint(train(cfg))
    logged = state['message_hub']['log_scalars']
    losses = [v for k, v in logged.items() if k.startswith('train/loss')]
    assert losses
    assert all(math.isfinite(float(v['log'][-1])) for v in losses)
    assert run_state(cfg)[0] == 'done'


@pytest.mark.parametrize('name', [n for n in LEAVES if n.startswith(('ablations', 'baselines'))])
def test_ablations_and_baselines_are_short(name):
    """What differs fits into five lines."""
    lines = (configs_root() / name).read_text(encoding='utf-8').splitlines()
    code = [line for line in lines if line.strip() and not line.lstrip().startswith('#')]
    assert len(code) <= 5


def test_leaves_say_how_to_run_them():
    """The main leaves state command, hardware, time and the score to reach."""
    for name in LEAVES:
        if name.startswith(('d2c_vae', 'ddmi')):
            text = Path(configs_root() / name).read_text(encoding='utf-8')
            for word in ('python tools/train.py', 'Hardware', 'Score'):
                assert word in text, f'{name} does not state: {word}'


@pytest.mark.parametrize('name', [n for n in LEAVES if n.startswith('ddmi')])
def test_generated_data_is_compared_with_data_of_the_same_kind(name):
    """References of other classes would make the numbers meaningless.

    Shapes are compared with the test split, pictures of the published sets with the training set.
    """
    cfg = load_config(name)
    first = load_config(cfg.first_stage.config)
    tested, trained = first.test_dataloader.dataset, first.train_dataloader.dataset
    for metric in cfg.test_evaluator:
        if 'reference' not in metric:
            continue  # judges each sample by itself
        is_shape = metric.type == 'PointCloudMetrics'
        assert metric.reference.get('root') in {tested.get('root'), trained.get('root')}
        for key in ['type', 'classes', *(['split', 'first_seed', 'num_shapes'] * is_shape)]:
            assert metric.reference.get(key) == tested.get(key), key
