"""Annealed weights, averages, the guard, the log and mixed precision."""

import math
from types import SimpleNamespace

import pytest
import torch
from mmengine.optim import OptimWrapper
from tiny_run import build_runner, losses_of
from torch import nn

from ddmi_toolkit.engine import AutocastOptimWrapper, LossWeightHook, SubmoduleEMAHook
from ddmi_toolkit.utils import load_checkpoint

NO_VAL = dict(val_dataloader=None, val_cfg=None, val_evaluator=None)


def weight_at(fraction, **kwargs):
    """Value of a hook at a fraction of a run of 1000 iterations."""
    return LossWeightHook('w', **kwargs).value(round(fraction * 1000), 1000)


@pytest.mark.parametrize('step', [0, 1, 450, 900, 999])
def test_linear_curve_is_the_published_kl_ramp(step):
    """clip(k_min + (k_max - k_min) (s - p_c N) / (p_a N), k_min, k_max)."""
    n, low, high = 1000, 1e-4, 0.5
    published = low + (high - low) * (step - 1e-4 * n) / (0.9 * n)
    ours = LossWeightHook('w', low, high, begin=1e-4, length=0.9).value(step, n)
    assert ours == pytest.approx(min(max(published, low), high), rel=1e-12)


def test_curves_at_given_fractions():
    """Ends are exact, the middle is the arithmetic or geometric mean."""
    assert weight_at(0, start=5.0, end=0.1, curve='exponential') == pytest.approx(5.0)
    assert weight_at(0.45, start=5.0, end=0.1, curve='exponential') == pytest.approx(math.sqrt(0.5))
    assert weight_at(1, start=5.0, end=0.1, curve='exponential') == pytest.approx(0.1)
    assert weight_at(0.225, start=0.0, end=1.0, curve='cosine') == pytest.approx(
        (1 - math.cos(math.pi / 4)) / 2
    )
    assert weight_at(0.3, start=0.0, end=1.0, begin=0.2, length=0.4) == pytest.approx(0.25)
    assert weight_at(0.1, start=2.0, end=1.0, begin=0.2) == 2.0


def fake_runner(model, iteration, max_iters=100):
    """What a hook looks at."""
    hub = SimpleNamespace(update_scalar=lambda name, value: logged.__setitem__(name, value))
    logged = {}
    return SimpleNamespace(
        model=model, iter=iteration, max_iters=max_iters, message_hub=hub
    ), logged


def test_followers_read_what_was_set_in_the_same_iteration():
    """exp((1 - k) log 5 + k log 0.1) with k the KL weight: the published regularizer."""
    model = nn.Module()
    model.kl_weight, model.regularizer = 0.0, SimpleNamespace(weight=0.0)
    leader = LossWeightHook('kl_weight', 1e-4, 0.5, begin=1e-4)
    follower = LossWeightHook(
        'regularizer.weight', 5.0, 0.1, curve='exponential', follow='kl_weight'
    )
    runner, logged = fake_runner(model, 60)
    follower.before_train(runner)
    leader.before_train_iter(runner, 60)
    follower.before_train_iter(runner, 60)
    k = leader.value(60, 100)
    assert model.kl_weight == k == logged['train/kl_weight']
    assert model.regularizer.weight == pytest.approx(5 ** (1 - k) * 0.1**k)


def test_followers_run_after_those_they_follow(tmp_path):
    """Also when the config lists them first."""
    follower = dict(
        type='LossWeightHook', attribute='head.scale', start=2.0, end=1.0, follow='kl_weight'
    )
    leader = dict(type='LossWeightHook', attribute='kl_weight', start=0.1, end=1.0)
    runner = build_runner(tmp_path, custom_hooks=[follower, leader])
    ours = [h for h in runner.hooks if isinstance(h, LossWeightHook)]
    assert [h.attribute for h in ours] == ['kl_weight', 'head.scale']


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(start=0.0, end=1.0, curve='exponential'), 'needs positive ends, got 0.0'),
        (dict(start=0.0, end=1.0, curve='cubic'), "curve 'cubic' is none of"),
        (dict(start=0.0, end=1.0, length=0), 'fractions of the run'),
    ],
)
def test_weight_hook_refuses_nonsense(kwargs, message):
    """Each message names the value."""
    with pytest.raises(ValueError, match=message):
        LossWeightHook('w', **kwargs)


def test_unknown_attribute_is_an_error_before_training():
    """A misspelt path would otherwise anneal nothing, silently."""
    model = nn.Module()
    model.kl_weight, model.regularizer = 1.0, None
    runner, _ = fake_runner(model, 0)
    with pytest.raises(ValueError, match=r"no 'kl_wieght'.*did you mean 'kl_weight'"):
        LossWeightHook('kl_wieght', 0, 1).before_train(runner)
    with pytest.raises(ValueError, match=r"no 'regularizer.weight': it is None"):
        LossWeightHook('regularizer.weight', 0, 1).before_train(runner)


def test_averages_follow_the_recursion(tmp_path):
    """a <- a + m (w - a) every second iteration, for the named children only."""
    seen = []

    class Record(SubmoduleEMAHook):
        def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
            seen.append(runner.model.denoiser[0].weight.detach().clone())
            super().after_train_iter(runner, batch_idx)

    runner = build_runner(tmp_path, max_iters=6, **NO_VAL)
    start = []
    record = Record(modules=('denoiser',), momentum=0.3, interval=2)
    runner._hooks = [h for h in runner.hooks if not isinstance(h, SubmoduleEMAHook)]
    runner.register_hook(record, priority='HIGH')
    original = record.before_train
    record.before_train = lambda r: (
        start.append(r.model.denoiser[0].weight.detach().clone()), original(r)
    )  # fmt: skip
    runner.train()
    average = start[0]
    for weight in seen[1::2]:
        average = average + 0.3 * (weight - average)
    saved = load_checkpoint(tmp_path / 'iter_6.pth')
    assert torch.allclose(saved['state_dict']['denoiser.0.weight'], average, atol=1e-6)
    assert torch.equal(saved['live_state_dict']['denoiser.0.weight'], seen[-1])
    assert all(k.startswith('denoiser.') for k in saved['live_state_dict'])


@pytest.mark.parametrize('gamma', [1.0, 5.0])
def test_warmup_is_that_of_ema_pytorch(gamma):
    """Copies at first, then 1 - decay = n ** (-2/3) until the momentum is reached."""
    hook = SubmoduleEMAHook(momentum=1e-3, warmup=dict(begin=100, power=2 / 3, inv_gamma=gamma))
    assert hook.momentum_at(100) == hook.momentum_at(101) == 1
    for step in (102, 150, 1000):
        epoch = step - 100 - 1
        decay = min(1 - (1 + epoch / gamma) ** -(2 / 3), 1 - 1e-3)
        assert hook.momentum_at(step) == pytest.approx(1 - decay)
    assert hook.momentum_at(10**7) == 1e-3


def test_validation_sees_the_averages_and_training_the_weights(tmp_path):
    """Weights are exchanged for validation and put back bit for bit."""
    runner = build_runner(tmp_path, max_iters=7)
    ema = next(h for h in runner.hooks if isinstance(h, SubmoduleEMAHook))
    seen, predict = {}, runner.model.val_step

    def val_step(data):
        seen['val'] = runner.model.denoiser[0].weight.detach().clone()
        return predict(data)

    runner.model.val_step = val_step
    runner.train()
    saved = load_checkpoint(tmp_path / 'iter_7.pth')
    assert torch.equal(seen['val'], saved['state_dict']['denoiser.0.weight'])
    live = saved['live_state_dict']['denoiser.0.weight']
    assert torch.equal(runner.model.denoiser[0].weight, live)
    assert not torch.equal(live, seen['val'])
    with ema.averaged(runner):
        assert torch.equal(runner.model.denoiser[0].weight, seen['val'])
    assert torch.equal(runner.model.denoiser[0].weight, live)


def test_unknown_submodule_is_named(tmp_path):
    """The message lists the model's parts."""
    runner = build_runner(
        tmp_path, custom_hooks=[dict(type='SubmoduleEMAHook', modules=['unet'])], **NO_VAL
    )
    with pytest.raises(ValueError, match=r"TinyModel has no \['unet'\]; its parts are.*denoiser"):
        runner.train()


def test_all_trained_parts_are_averaged_unless_named():
    """A frozen first stage is not, and neither is a frozen part of a trained one."""
    model = nn.Module()
    for name in ('first_stage', 'denoiser', 'conditioner'):
        model.add_module(name, nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2, bias=False)))
    model.first_stage.requires_grad_(False)
    model.conditioner[0].requires_grad_(False)
    hook, runner = SubmoduleEMAHook(momentum=0.5), SimpleNamespace(model=model, iter=0)
    hook.before_train(runner)
    hook.after_train_iter(runner, 0)
    checkpoint = dict(state_dict=model.state_dict())
    hook.before_save_checkpoint(runner, checkpoint)
    assert sorted(checkpoint['live_state_dict']) == [
        'conditioner.1.weight',
        'denoiser.0.bias',
        'denoiser.0.weight',
        'denoiser.1.weight',
    ]


def test_nan_stops_the_run_and_keeps_the_last_good_checkpoint(tmp_path):
    """The message names the iteration, the loss and the samples; nothing is saved after."""
    runner = build_runner(tmp_path, model=dict(type='TinyModel', nan_at=20), **NO_VAL)
    with pytest.raises(FloatingPointError) as error:
        runner.train()
    record = next(h for h in runner.hooks if type(h).__name__ == 'RecordLosses')
    text = str(error.value)
    assert 'iteration 20: loss = nan, loss_fit = nan' in text
    assert 'batch: item' in text
    assert len(record.losses) == 19
    assert [p.name for p in tmp_path.glob('*.pth')] == ['iter_10.pth']
    weights = load_checkpoint(tmp_path / 'iter_10.pth')['state_dict']
    assert all(torch.isfinite(w).all() for w in weights.values())


def test_weights_that_are_not_finite_are_not_saved(tmp_path):
    """A finite loss whose step breaks the weights just before a checkpoint."""
    runner = build_runner(tmp_path, hooks=[dict(type='BreakWeights', iteration=20)], **NO_VAL)
    with pytest.raises(FloatingPointError, match=r"iteration 20: 1 weights.*'head.bias'"):
        runner.train()
    assert [p.name for p in tmp_path.glob('*.pth')] == ['iter_10.pth']


def test_log_line_tells_rate_and_remaining_time(tmp_path):
    """Losses, ETA, samples per second and the annealed weight are in the log."""
    runner = build_runner(tmp_path, max_iters=10, log_level='INFO', **NO_VAL)
    runner.train()
    text = next(tmp_path.rglob('*.log')).read_text()
    line = next(x for x in text.splitlines() if '[ 5/10]' in x)
    for part in ('eta: 0:00:0', 'samples_per_second: ', 'loss: ', 'kl_weight: ', 'lr: '):
        assert part in line
    times = runner.message_hub.get_scalar('train/time').mean(50)
    rate = runner.message_hub.get_scalar('train/samples_per_second').current()
    assert rate == pytest.approx(3 / times)


@pytest.mark.parametrize('dtype', ['bfloat16', 'float16'])
def test_half_precision_trains_and_resumes_on_the_cpu(tmp_path, dtype):
    """Losses are near float32's but not equal; a resumed run is exact, its scale included."""

    def train(folder, **changes):
        wrapper = dict(optimizer=dict(type='SGD', lr=1e-3), clip_grad=dict(max_norm=10.0))
        wrapper |= changes.pop('wrapper', dict(type='AutocastOptimWrapper', dtype=dtype))
        runner = build_runner(tmp_path / folder, optim_wrapper=wrapper, **NO_VAL, **changes)
        runner.train()
        return losses_of(runner), load_checkpoint(tmp_path / folder / 'iter_40.pth')

    half, state = train('half')
    full, _ = train('full', wrapper=dict(type='OptimWrapper'))
    assert half == pytest.approx(full, rel=0.1)
    assert half != full
    scaler = state['optimizer']['loss_scaler']
    assert bool(scaler) == (dtype == 'float16')
    with pytest.raises(KeyboardInterrupt):
        train('resumed', hooks=[dict(type='StopAfter', iteration=25)])
    losses, again = train('resumed', resume=True)
    assert losses == half[20:]
    assert again['optimizer']['loss_scaler'] == scaler


def test_half_precision_refuses_other_types():
    """The message offers the two that there are."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1)
    with pytest.raises(ValueError, match="'bfloat16' or 'float16', got 'float8'"):
        AutocastOptimWrapper(dtype='float8', optimizer=optimizer)
    assert issubclass(AutocastOptimWrapper, OptimWrapper)


def test_checkpoints_between_accumulated_gradients_are_refused(tmp_path):
    """Resuming there would lose what was accumulated."""
    wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1), accumulative_counts=4)
    runner = build_runner(tmp_path, optim_wrapper=wrapper, **NO_VAL)
    with pytest.raises(ValueError, match=r'interval=10 is no multiple.*accumulative_counts=4'):
        runner.train()
