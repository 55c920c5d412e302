"""What a result says of costs."""

import math

import pytest
import torch

from ddmi_toolkit.apis import load_config
from ddmi_toolkit.apis.costs import costs, trainable_parameters, training_seconds
from ddmi_toolkit.registry import MODELS

FIRST, SECOND = 'd2c_vae/procedural_image.py', 'ddmi/procedural_image.py'


def state(iterations: int, *times: float) -> dict:
    """Of a checkpoint, as far as costs look."""
    log = torch.tensor(times)
    scalars = {'train/time': dict(log=log)} if times else {}
    return dict(meta=dict(iter=iterations), message_hub=dict(log_scalars=scalars), state_dict={})


def test_time_is_iterations_times_their_logged_mean():
    """A resumed run's log goes on, so its time is that of an uninterrupted one."""
    assert training_seconds(state(1000, 0.5, 1.5, 1.0)) == pytest.approx(1000.0)
    assert math.isnan(training_seconds(state(1000)))
    assert math.isnan(training_seconds(dict(meta=dict(iter=3))))  # converted weights


def test_parameters_are_those_of_the_built_models():
    """What is frozen does not count: of stage 2 its whole first stage."""
    model = MODELS.build(load_config(FIRST).model)
    sizes = {name: sum(p.numel() for p in m.parameters()) for name, m in model.named_children()}
    first = trainable_parameters(load_config(FIRST))
    assert first == dict(model=sizes['encoder'] + sizes['generator'], generator=sizes['generator'])
    second = MODELS.build(load_config(SECOND).model)
    trained = sum(p.numel() for p in second.parameters() if p.requires_grad)
    assert trainable_parameters(load_config(SECOND)) == dict(denoiser=trained)


def test_a_model_without_a_generator_is_counted_as_a_whole():
    counts = trainable_parameters(load_config('classifiers/procedural_chair.py'))
    assert list(counts) == ['model']
    assert counts['model'] > 0


def test_costs_of_a_second_stage_contain_the_first(tmp_path):
    """Unless the checkpoint of the first is gone: then the time is not known."""
    options = {'work_dir': str(tmp_path / '2'), 'first_stage.work_dir': str(tmp_path / '1')}
    first = load_config(FIRST, {'work_dir': str(tmp_path / '1')})
    second = load_config(SECOND, options)
    parts = trainable_parameters(first)['model'], trainable_parameters(second)['denoiser']
    assert costs(first, state(10, 0.5)) == dict(parameters=parts[0], training_seconds=5.0)
    alone = costs(second, state(10, 0.5))
    assert alone['parameters'] == sum(parts)
    assert math.isnan(alone['training_seconds'])
    (tmp_path / '1').mkdir()
    torch.save(state(4, 2.0), tmp_path / '1/iter_4.pth')
    assert costs(second, state(10, 0.5)) == dict(parameters=sum(parts), training_seconds=13.0)
