"""The comparison of denoisers, on shrunk configs."""

import importlib
import json
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from shrink import shrink

from ddmi_toolkit.evaluation import Result
from ddmi_toolkit.registry import MODELS

ARMS = ['ddmi/procedural_chair.py', 'ddmi/procedural_chair_dit.py']
FOLDER = Path(__file__).parents[2] / 'benchmarks'


@pytest.fixture
def bench(monkeypatch, tmp_path):
    """The script, its stage-2 configs shrunk, its stage-1 configs as they are."""
    monkeypatch.syspath_prepend(FOLDER)
    module = importlib.import_module('compare_denoisers')
    load = module.load_config

    def load_config(name, options=None):
        if name not in ARMS:
            return load(name, options)
        place = options.pop('work_dir')
        cfg = shrink(name, tmp_path, **options)
        cfg.work_dir = place
        cfg.custom_hooks = [hook for hook in cfg.custom_hooks if hook.type != 'SampleHook']
        return cfg

    monkeypatch.setattr(module, 'load_config', load_config)
    # mmengine formats the config for every checkpoint, which takes longer than the rest.
    monkeypatch.setattr(Config, 'pretty_text', '')
    return module


def test_equal_iterations_and_equal_time(bench, monkeypatch, tmp_path):
    """The faster arm is trained as long again; what is done is not done twice."""
    seconds = dict(zip(ARMS, (1.0, 2.0), strict=True))
    monkeypatch.setattr(bench, 'seconds_per_iteration', lambda *args: seconds)
    result = Result(metrics={'Any/value': 0.25}, protocol={'Any': dict(num_samples=4)})
    monkeypatch.setattr(bench, 'evaluate', lambda *args: result)  # the ordinary test loop
    report = bench.compare(ARMS, 2, tmp_path / 'runs', {})
    done, longer = report['equal_iterations'], report['equal_time']
    assert [run['iterations'] for run in done.values()] == [2, 2]
    assert [run['iterations'] for run in longer.values()] == [4, 2]
    assert [run['seconds'] for run in longer.values()] == [4.0, 4.0]
    assert longer[ARMS[1]] == done[ARMS[1]]
    assert list(done[ARMS[0]]['held_out']) == ['1', '2']
    assert list(longer[ARMS[0]]['held_out']) == ['1', '2', '3', '4']
    for arm in ARMS:
        assert [i for i, _ in done[arm]['training_loss']] == [1, 2]
    # The same latents, times and noises: networks that start by predicting zero err alike.
    first = [done[arm]['training_loss'][0][1] for arm in ARMS]
    assert first[0] == pytest.approx(first[1], rel=1e-4)

    def never(*args):
        raise AssertionError('done before')

    for name in ('seconds_per_iteration', 'evaluate', 'held_out_errors'):
        monkeypatch.setattr(bench, name, never)
    again = bench.compare(ARMS, 2, tmp_path / 'runs', {})
    assert json.dumps(again) == json.dumps(report)
    text = bench.table(report)
    assert '## Equal time' in text
    assert '| iterations | 4 | 2 |' in text
    assert '| Any/value | 0.25 | 0.25 |' in text
    bench.plot(report, tmp_path / 'curves.png')
    assert (tmp_path / 'curves.png').stat().st_size > 1000


def test_steps_are_timed_in_turn(bench, tmp_path):
    """Whole steps of training, on any batch size."""
    configs = {arm: bench.arm_config(arm, 2, tmp_path, {}) for arm in ARMS}
    channels, tokens = MODELS.build(configs[ARMS[0]].model).first_stage.latent_shape
    data = dict(moments=torch.randn(1, 2 * channels, tokens), seed=torch.zeros(1, dtype=int))
    seconds = bench.seconds_per_iteration(configs, data, 1)
    assert list(seconds) == ARMS
    assert all(0 < s < 60 for s in seconds.values())


def test_held_out_errors_of_a_network_that_says_nothing(bench, tmp_path):
    """Velocity 0 stands for ``alpha * z_t``: its error is known."""
    model = MODELS.build(bench.arm_config(ARMS[1], 2, tmp_path, {}).model).eval()
    channels, tokens = model.first_stage.latent_shape
    mean = 3 * torch.ones(16, channels, tokens)
    moments = torch.cat([mean, torch.full_like(mean, -30)], dim=1)
    errors = bench.held_out_errors(model, dict(moments=moments, seed=torch.arange(16)))
    for level in bench.LEVELS:
        variance = torch.tensor(-2 * level).sigmoid().item()  # sigma^2
        expected = variance * (1 - variance + 9 * variance)
        assert errors[f'x0_{level:+g}'] == pytest.approx(expected, rel=0.05)
    assert errors == bench.held_out_errors(model, dict(moments=moments, seed=torch.arange(16)))


def test_the_mean_of_a_curve_is_unbiased(bench, monkeypatch):
    """A constant loss is its own mean from the first iteration on."""
    log = dict(log_scalars={'train/loss_diffusion': dict(log=[0.5] * 1000)})
    monkeypatch.setattr(bench, 'load_checkpoint', lambda _: dict(message_hub=log))
    curve = bench.training_curve(Path('any'), points=10)
    assert [i for i, _ in curve] == list(range(100, 1001, 100))
    assert all(loss == pytest.approx(0.5) for _, loss in curve)


def test_arms_on_different_latents_are_refused(bench, tmp_path):
    """And those without a first stage, or with a condition."""
    one = bench.arm_config(ARMS[0], 2, tmp_path, {})
    other = bench.arm_config(ARMS[1], 2, tmp_path, {'first_stage.model.latent_channels': 6})
    with pytest.raises(ValueError, match=r'chair.py and .*_dit.py train on different latents'):
        bench.check_arms(dict(zip(ARMS, (one, other), strict=True)))
    with pytest.raises(ValueError, match=r'first\.py has no first stage; arms are stage-2 configs'):
        bench.check_arms({'first.py': {}})
    one.model.conditioner = dict(type='LabelConditioner')
    with pytest.raises(ValueError, match=r'chair\.py has a conditioner; arms are unconditional'):
        bench.check_arms({ARMS[0]: one})
