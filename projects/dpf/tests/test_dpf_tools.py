"""The configs of the project, with the tools that other configs are used with."""

import math
from pathlib import Path

import pytest
import torch

from ddmi_toolkit.apis import (
    FieldInferencer,
    channels_of,
    check_config,
    evaluate,
    layout_of,
    load_config,
    load_field,
    make_writer,
    train,
    write_samples,
)
from ddmi_toolkit.apis.studies import run_study, study_of, with_options
from ddmi_toolkit.registry import MODELS
from ddmi_toolkit.structures import seeded_normal
from ddmi_toolkit.utils import load_checkpoint

CONFIGS = Path(__file__).parents[1] / 'configs'
LEAVES = sorted(CONFIGS.glob('*.py'))
IMAGES = dict(type='ProceduralImages', num_images=6, size=32)
CHAIRS = dict(type='ProceduralChairs', num_shapes=4, num_points=64, num_inputs=64)
PACK = [dict(type='PackImage', input_size=16, image_size=32)]
SMALL = {
    'model.num_context': 12,
    'model.num_queries': 4,
    'model.denoiser.hidden_channels': 16,
    'model.denoiser.num_latents': 4,
    'model.denoiser.depth': 1,
    'model.diffuser.sampler.num_steps': 2,
    'train_cfg.max_iters': 1,
    'custom_hooks.1.seeds': 1,
    'default_hooks.checkpoint.interval': 1,
    'train_dataloader.batch_size': 2,
    'train_dataloader.num_workers': 0,
    'train_dataloader.persistent_workers': False,
    'test_dataloader.batch_size': 2,
    'test_dataloader.dataset.num_samples': 6,
    'visualizer.vis_backends': [],
    'visualizer.size': 16,
    'visualizer.resolution': 16,
    'log_level': 'WARNING',
}
PICTURES = {
    'train_dataloader.dataset': dict(IMAGES, pipeline=PACK, _delete_=True),
    'test_evaluator': [
        dict(
            type='GenerativeQuality',
            reference=dict(IMAGES, pipeline=PACK),
            size=16,
            extractor=dict(type='RandomExtractor', num_features=4),
            cache_dir=None,
        )
    ],
}
SHAPES = {
    'train_dataloader.dataset': dict(CHAIRS, _delete_=True),
    'test_evaluator': [
        dict(
            type='PointCloudMetrics',
            reference=dict(CHAIRS, surface_points=64),
            resolution=32,
            num_points=64,
            num_workers=1,
        )
    ],
}
DATA = {'x': PICTURES, 'y': PICTURES, 'z': SHAPES}


def small(leaf, folder):
    """A leaf that trains in a moment, on procedural data."""
    letters = list(layout_of(load_config(leaf)).axes)
    return SMALL | DATA[letters[-1]] | {'work_dir': str(folder)}


@pytest.mark.parametrize('leaf', LEAVES, ids=lambda p: p.stem)
def test_leaf_builds_and_is_evaluated_as_generation(leaf):
    cfg = load_config(leaf)
    check_config(cfg)
    assert cfg.test_dataloader.dataset.type == 'SeedDataset'
    assert list(cfg.test_evaluator) == list(cfg.generation.test_evaluator)
    assert cfg.work_dir.endswith(leaf.stem)


@pytest.mark.parametrize('leaf', LEAVES, ids=lambda p: p.stem)
def test_the_loss_is_the_squared_error_of_the_velocity(leaf):
    """Of a network that says ``v = 0``: the velocity ``alpha eps - sigma x0`` itself."""
    cfg = load_config(leaf)
    diffuser = MODELS.build(
        cfg.model.diffuser, default_args=dict(layout=layout_of(cfg), channels=channels_of(cfg))
    )
    seeds, x0 = torch.arange(20), torch.randn(20, 3, 7)
    found = diffuser.loss(lambda z, level, cond: torch.zeros_like(z), x0, seeds=seeds)
    alpha, sigma = diffuser.schedule(diffuser.schedule.sample_t(20, seeds), 3)
    eps = seeded_normal(seeds, (3, 7), 'noise')
    expected = (alpha * eps - sigma * x0).square().mean((1, 2))
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize('leaf', LEAVES, ids=lambda p: p.stem)
def test_leaf_trains_tests_and_generates(leaf, tmp_path):
    """A sample of the test loop is the one that the inferencer makes from its seed."""
    cfg = load_config(leaf, small(leaf, tmp_path / 'run'))
    state = load_checkpoint(train(cfg))
    assert math.isfinite(state['message_hub']['log_scalars']['train/loss_diffusion']['log'][-1])
    result = evaluate(cfg)
    assert result.metrics
    assert all(name.startswith('generation/') for name in result.metrics)
    options = dict(resolution=16) if layout_of(cfg).dim == 3 else {}
    inferencer = FieldInferencer(cfg)
    writer = make_writer(layout_of(cfg), options, channels_of(cfg))
    samples = zip([0, 1], inferencer.sample([0, 1]), strict=True)
    write_samples(samples, tmp_path / 'samples', writer)
    saved = load_field(tmp_path / 'samples/seed_000001.safetensors')
    direct = inferencer.model(seed=torch.tensor([1]), mode='predict')[0]['field']
    assert saved.state['noise'].equal(direct.state['noise'])
    between = list(inferencer.interpolate(0, 1, 3))
    assert between[-1].state['noise'].equal(saved.state['noise'])
    with pytest.raises(ValueError, match='DiffusionField only generates: it has no encoder'):
        inferencer.encode([torch.zeros(3, 16, 16)])


def test_a_study_of_it_has_a_row(tmp_path):
    leaf = CONFIGS / 'catdog_32_dpf.py'
    options = {k: v for k, v in small(leaf, '').items() if k != 'work_dir'}
    study = with_options(study_of([str(leaf)]), options)
    outcome = run_study(study, [0], tmp_path, lambda text: None)
    assert not outcome.failures
    assert 'generation/fid' in (tmp_path / 'table.md').read_text(encoding='utf-8')
