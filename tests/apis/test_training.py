"""The main job at a tiny size: train both stages, resume, sample, mesh, evaluate."""

import json
from unittest import mock

import numpy as np
import pytest
import torch
import trimesh
from mmengine.hooks import Hook
from PIL import Image
from shrink import shrink

from ddmi_toolkit.apis import (
    FieldInferencer,
    evaluate,
    load_config,
    load_field,
    load_model,
    make_writer,
    parse_seeds,
    run_state,
    save_field,
    train,
    training,
    write_samples,
)
from ddmi_toolkit.evaluation import Result
from ddmi_toolkit.registry import HOOKS
from ddmi_toolkit.utils import load_checkpoint

LEAF = 'ddmi/procedural_chair.py'


class Killed(RuntimeError):
    """Stands for a kill between two iterations."""


@HOOKS.register_module()
class KillHook(Hook):
    """Ends the process' run after some iterations."""

    priority = 'VERY_HIGH'

    def __init__(self, after: int) -> None:
        self.after = after

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        """Raise before the checkpoint of this iteration is written."""
        if runner.iter + 1 == self.after:
            raise Killed


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """A shrunk config of stage 2, trained for three iterations of each stage."""
    folder = tmp_path_factory.mktemp('run')
    cfg = shrink(LEAF, folder, train_cfg__max_iters=3, first_stage__train_cfg__max_iters=3)
    return cfg, train(cfg)


def tensors(value, path=''):
    """All tensors and numbers of a checkpoint, by path."""
    if isinstance(value, dict):
        return {k: v for name, x in value.items() for k, v in tensors(x, f'{path}/{name}').items()}
    if isinstance(value, list | tuple):
        return {k: v for i, x in enumerate(value) for k, v in tensors(x, f'{path}/{i}').items()}
    return {path: value}


def test_both_stages_are_trained_once(trained):
    cfg, checkpoint = trained
    assert run_state(cfg) == ('done', checkpoint)
    first = load_config(cfg.first_stage.config, cfg.first_stage.options)
    state, path = run_state(first)
    assert state == 'done'
    written = path.stat().st_mtime_ns
    assert train(cfg) == checkpoint
    assert path.stat().st_mtime_ns == written


def test_stage_two_holds_the_first_stage_it_was_trained_on(trained):
    cfg, checkpoint = trained
    first = load_config(cfg.first_stage.config, cfg.first_stage.options)
    own = load_checkpoint(run_state(first)[1])['state_dict']
    held = load_checkpoint(checkpoint)['state_dict']
    assert all(torch.equal(v, held[f'first_stage.{k}']) for k, v in own.items())


def test_an_interrupted_run_equals_one_in_one_go(trained, tmp_path):
    """Both stages, with the cache of latents: weights, averages, optimizer and losses."""
    reference = load_checkpoint(trained[1])
    options = dict(train_cfg__max_iters=3, first_stage__train_cfg__max_iters=3)
    cfg = shrink(LEAF, tmp_path, **options)
    kill = dict(type=KillHook, after=2)
    for killed in (1, 2):
        interrupted = shrink(LEAF, tmp_path, **options)
        with pytest.raises(Killed):
            _train_with_hook(interrupted, kill, first_stage=killed == 1)
    again = load_checkpoint(train(cfg))
    assert 'live_state_dict' in again
    for part in ('state_dict', 'live_state_dict', 'optimizer', 'param_schedulers'):
        ours, theirs = tensors(again[part]), tensors(reference[part])
        assert ours.keys() == theirs.keys()
        for key, value in ours.items():
            both = value, theirs[key]
            assert torch.equal(*both) if torch.is_tensor(value) else both[0] == both[1], key
    losses = [c['message_hub']['log_scalars']['train/loss']['log'] for c in (again, reference)]
    assert torch.equal(*losses)


def _train_with_hook(cfg, hook, *, first_stage):
    """Train with a hook that is not part of the config, so that its hash stays."""
    original = training.Runner.from_cfg

    def build(run_cfg):
        runner = original(run_cfg)
        if ('first_stage' not in run_cfg.model) == first_stage:
            runner.register_hook(HOOKS.build(hook))
        return runner

    with mock.patch.object(training.Runner, 'from_cfg', build):
        return train(cfg)


def test_a_run_of_another_config_is_refused(trained):
    cfg, _ = trained
    other = cfg.copy()
    other.model.diffuser.sampler.num_steps = 9
    with pytest.raises(ValueError, match='trained with another config'):
        train(other)


def test_results_carry_their_protocol(trained, tmp_path):
    cfg, _ = trained
    first = load_config(cfg.first_stage.config, cfg.first_stage.options)
    reconstruction = evaluate(first)
    assert 0 <= reconstruction.metrics['iou/mean'] <= 1
    generated = evaluate(cfg)
    path = generated.save(tmp_path / 'result.json')
    assert json.loads(path.read_text())['config_hash'] == generated.config_hash
    assert Result.load(path) == generated
    assert generated.protocol['generation']['num_samples'] == 4


def test_fields_are_written_and_read_back(trained, tmp_path):
    cfg, checkpoint = trained
    model = load_model(cfg, checkpoint, 'cpu')
    field = model.first_stage.decode(model.sample(torch.arange(3)))
    path = save_field(field, tmp_path / 'fields.safetensors')
    again = load_field(path)
    x = torch.rand(3, 50, 3) - 0.5
    assert torch.equal(again(x), field(x))
    assert again.layout.config == field.layout.config
    (tmp_path / 'other').touch()
    assert path.stat().st_mode == (tmp_path / 'other').stat().st_mode, 'readable by others'
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match='not a readable safetensors'):
        load_field(path)
    with pytest.raises(FileNotFoundError, match='save_field writes such files'):
        load_field(tmp_path / 'absent.safetensors')


def test_samples_become_meshes_and_a_picture(trained, tmp_path):
    """A ball in place of the untrained fields, which have no surface worth writing."""
    cfg, checkpoint = trained
    model = load_model(cfg, checkpoint, 'cpu')
    fields = model.first_stage.decode(model.sample(torch.tensor([3, 5])))
    bias = fields.evaluator.readout.mlp.head.linear.bias
    level = float(fields(torch.rand(2, 500, 3) - 0.5).detach().median())
    torch.nn.init.constant_(bias, float(bias) - level)
    samples = zip([3, 5], (fields[0], fields[1]), strict=True)
    writer = make_writer(fields.layout, dict(resolution=32, format='ply'))
    paths = write_samples(samples, tmp_path, writer)
    mesh = trimesh.load(tmp_path / 'seed_000003.ply')
    assert len(mesh.faces)
    assert np.abs(mesh.vertices).max() <= 0.55 + 1e-6
    with Image.open(paths[-1]) as picture:
        assert picture.size[0] > 100
    assert load_field(tmp_path / 'seed_000005.safetensors').out_channels == 1


def test_the_inferencer_finds_the_newest_checkpoint_and_keeps_seeds_apart(trained):
    cfg, _ = trained
    inferencer = FieldInferencer(cfg, device='cpu')
    x = torch.rand(1, 20, 3) - 0.5
    together = [f(x) for f in inferencer.sample([4, 5, 6], batch_size=2)]
    alone = next(iter(inferencer.sample([5])))(x)
    torch.testing.assert_close(together[1], alone, atol=1e-5, rtol=1e-5)


def test_a_missing_checkpoint_is_named(tmp_path):
    cfg = shrink(LEAF, tmp_path)
    with pytest.raises(FileNotFoundError, match='holds no checkpoint; train one by'):
        load_model(cfg)


def test_seeds_are_parsed():
    assert parse_seeds('0-3') == [0, 1, 2, 3]
    assert parse_seeds('7, 2-3') == [7, 2, 3]
    for text in ('a', '3-', '5-2', '-1', ''):
        with pytest.raises(ValueError, match='--seeds'):
            parse_seeds(text)
