"""The model: fields of seeds, one command for training, one for evaluation."""

from pathlib import Path

import pytest
import torch
from gasp_project import FieldGAN, PlainHypernetwork

from ddmi_toolkit.apis import (
    FieldInferencer,
    check_config,
    evaluate,
    load_config,
    load_field,
    save_field,
    train,
)
from ddmi_toolkit.apis.observing import invert
from ddmi_toolkit.engine import AdversarialOptimWrapperConstructor
from ddmi_toolkit.registry import MODELS
from ddmi_toolkit.structures import Observations, PlaneLayout
from ddmi_toolkit.utils import load_checkpoint

CONFIGS = Path(__file__).parents[1] / 'configs'
LEAVES = sorted(p.name for p in CONFIGS.glob('*.py'))
LAYERS = [
    dict(channels=4, num_neighbors=4),
    dict(num_points=8, num_neighbors=4),
    dict(channels=4, num_neighbors=4),
]
LINES = dict(
    type='FieldGAN',
    latent_channels=4,
    layout=dict(axes=[dict(name='x', size=8)], planes=['x'], latent_stride=8),
    generator=dict(
        type='WeightGenerator',
        out_channels=1,
        width=16,
        num_layers=3,
        network=dict(
            type='RandomFourierMLP', num_frequencies=4, frequency_std=0.5, is_bounded=True
        ),
        hypernetwork=dict(type='PlainHypernetwork', widths=(16, 16)),
    ),
    renderer=dict(type='PointRenderer'),
    adversarial=dict(
        set=dict(
            type='SetAdversarialLoss',
            weight_channels=(8, 8),
            norm='none',
            layers=[
                dict(channels=8, num_neighbors=3),
                dict(num_points=4, num_neighbors=3),
                dict(channels=8, num_neighbors=3),
            ],
        )
    ),
)
IMAGES = dict(type='ProceduralImages', num_images=6, size=16)
CHAIRS = dict(type='ProceduralChairs', num_shapes=4, num_points=64, num_inputs=8)
DATA = dict(
    gasp_catdog_32=(
        dict(
            IMAGES,
            pipeline=[
                dict(type='MultiScaleCrop', input_size=16, magnifications=[1], probabilities=[1])
            ],
        ),
        dict(
            type='GenerativeQuality',
            reference=dict(IMAGES, pipeline=[dict(type='PackImage', input_size=16, image_size=16)]),
            size=16,
            extractor=dict(type='RandomExtractor', num_features=4),
            cache_dir=None,
        ),
    ),
    gasp_modelnet10_chair=(
        CHAIRS,
        dict(
            type='PointCloudMetrics',
            reference=dict(CHAIRS, surface_points=64),
            resolution=16,
            num_points=64,
        ),
    ),
)


def small(name, work_dir, max_iters=1):
    """A leaf on procedural data with a tiny network."""
    data, metric = DATA[name]
    return load_config(
        CONFIGS / f'{name}.py',
        {
            'work_dir': str(work_dir),
            'model.generator.width': 8,
            'model.generator.hypernetwork.widths': (8, 8),
            'model.adversarial.set.layers': LAYERS,
            'train_cfg.max_iters': max_iters,
            'train_dataloader.batch_size': 2,
            'train_dataloader.dataset': dict(data, _delete_=True),
            'test_dataloader.dataset.num_samples': 6,
            'test_evaluator': [metric],
            'default_hooks.checkpoint.interval': 2,
            'visualizer.vis_backends': [],
            'custom_hooks': [],
            'log_level': 'WARNING',
        },
    )


def model(name='gasp_catdog_32'):
    torch.manual_seed(0)
    return MODELS.build(small(name, 'unused').model)


@pytest.mark.parametrize('name', LEAVES)
def test_leaves_build_at_their_real_size(name):
    """They are evaluated as generation of their data is."""
    cfg = load_config(CONFIGS / name)
    check_config(cfg)
    assert cfg.test_dataloader.dataset.type == 'SeedDataset'
    assert cfg.test_evaluator == cfg.generation.test_evaluator
    assert cfg.model.type == 'FieldGAN'


@pytest.mark.parametrize('name', DATA)
def test_a_field_depends_on_its_seed_alone(name, tmp_path):
    """Not on the batch; at any resolution; and files need nothing of this project."""
    net = model(name).eval()
    pair = [o['field'] for o in net(seed=torch.tensor([7, 3]), mode='predict')]
    alone = net(seed=torch.tensor([3]), mode='predict')[0]['field']
    other = net(seed=torch.tensor([4]), mode='predict')[0]['field']
    size = (5,) * net.layout.dim
    torch.testing.assert_close(pair[1].render(size), alone.render(size))
    assert not torch.allclose(other.render(size), alone.render(size))
    whole, parts = alone.render((24,) * net.layout.dim), None
    parts = alone.render((24,) * net.layout.dim, max_queries=100)
    torch.testing.assert_close(whole, parts)
    loaded = load_field(save_field(alone, tmp_path / 'one.safetensors'))
    torch.testing.assert_close(loaded.render(size), alone.render(size))
    assert not loaded.spec['type'].startswith('gasp')


def test_pictures_are_bounded_and_shapes_are_logits():
    """The level of a mesh is any probability only if logits are unbounded."""
    for name, is_bounded in dict(gasp_catdog_32=True, gasp_modelnet10_chair=False).items():
        net = model(name)
        net.generator.base[-1].bias.data += 100
        with torch.no_grad():
            field = net(seed=torch.arange(2), mode='predict')[0]['field']
            assert (field.render((4,) * net.layout.dim).max() <= 1) == is_bounded


def test_generated_weights_differ_between_latents_at_the_start():
    """Numbers start with the deviation asked for, most of it between latents."""
    torch.manual_seed(0)
    layout = PlaneLayout([dict(name='x', size=8)], ['x'], latent_stride=8)
    net = PlainHypernetwork(layout, 64, [(5, 9), (3, 6)], widths=(256, 512), initial_std=0.5)
    numbers = torch.cat([n.flatten(1) for n in net(torch.randn(500, 64, 1))], dim=1)
    assert numbers.std().item() == pytest.approx(0.5, rel=0.1)
    assert (numbers.std(0) > 0.2).all()
    assert [n.shape for n in net(torch.zeros(2, 64, 1))] == [(2, 5, 9), (2, 3, 6)]


def test_a_step_moves_both_sides():
    net, cfg = model(), small('gasp_catdog_32', 'unused')
    constructor = AdversarialOptimWrapperConstructor
    wrapper = constructor({k: v for k, v in cfg.optim_wrapper.items() if k != 'constructor'})(net)
    before = {k: v.clone() for k, v in net.named_parameters()}
    axis = torch.linspace(-1, 1, 6).expand(2, -1)
    data = dict(query=dict(y=axis, x=axis), target=torch.rand(2, 6, 6, 3), seed=torch.arange(2))
    log = net.train_step(data, wrapper)
    assert log.keys() == {'loss', 'loss_set', 'loss_set_discriminator'}
    moved = {k.split('.')[0] for k, v in net.named_parameters() if not torch.equal(v, before[k])}
    assert moved == {'generator', 'adversarial'}
    with pytest.raises(TypeError, match='one optimizer'):
        net.train_step(data, wrapper['autoencoder'])


def test_the_distribution_of_the_data_is_learned():
    """Lines through zero whose slopes are uniform in [0.3, 0.7]."""
    torch.manual_seed(0)
    net = MODELS.build(LINES)
    sides = dict(optimizer=dict(type='Adam', lr=2e-3, betas=(0.5, 0.999)))
    discriminator = dict(optimizer=dict(type='Adam', lr=8e-3, betas=(0.5, 0.999)))
    wrapper = AdversarialOptimWrapperConstructor(dict(sides, discriminator=discriminator))(net)
    x, g = torch.linspace(-1, 1, 12), torch.Generator().manual_seed(1)
    query = dict(x=x.expand(16, -1))
    for i in range(200):
        slopes = 0.3 + 0.4 * torch.rand(16, 1, 1, generator=g)
        seed = 16 * i + torch.arange(16)
        net.train_step(dict(query=query, target=slopes * x[:, None], seed=seed), wrapper)
    outputs = net(seed=torch.arange(64), query=dict(x=x.expand(64, -1)), mode='predict')
    values = torch.stack([o['pred'][:, 0].detach() for o in outputs])
    slopes = values @ x / (x @ x)
    assert slopes.mean().item() == pytest.approx(0.5, abs=0.1)
    assert 0.02 < slopes.std() < 0.2
    assert (values - slopes[:, None] * x).square().mean().sqrt() < 0.1


def test_no_game_is_an_error():
    with pytest.raises(ValueError, match='FieldGAN learns from its games alone'):
        FieldGAN(layout={}, latent_channels=1, generator={}, renderer={}, adversarial={})


def test_what_is_asked_to_reconstruct_says_that_it_cannot():
    with pytest.raises(TypeError, match='FieldGAN generates and has no encoder'):
        model().encode(torch.zeros(1, 3, 16, 16))


def test_inversion_says_what_it_lacks():
    """A game of sets does not say how far a value may be from an observation."""
    known = Observations(torch.zeros(3, 1), torch.zeros(3, 1))
    with pytest.raises(ValueError, match='FieldGAN is trained with no loss of values: nothing'):
        invert(MODELS.build(LINES), known)


@pytest.mark.parametrize('name', DATA)
def test_training_resumes_bit_for_bit_and_is_evaluated(name, tmp_path, monkeypatch):
    """Killed after 3 of 4 iterations; then fields of the inferencer are those of the test loop."""
    straight = load_checkpoint(train(small(name, tmp_path / 'straight', 4)))
    original, calls = FieldGAN.train_step, []

    def stop(self, *args, **kwargs):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return original(self, *args, **kwargs)

    cfg = small(name, tmp_path / 'killed', 4)
    with monkeypatch.context() as patch:
        patch.setattr(FieldGAN, 'train_step', stop)
        with pytest.raises(KeyboardInterrupt):
            train(cfg)
    checkpoint = train(cfg)
    resumed = load_checkpoint(checkpoint)
    for key, value in straight['state_dict'].items():
        assert torch.equal(value, resumed['state_dict'][key]), key
    result = evaluate(cfg)
    assert all(key.startswith('generation/') for key in result.metrics)
    inferencer = FieldInferencer(cfg, device='cpu')
    sampled = list(inferencer.sample([5, 2], batch_size=1))
    outputs = inferencer.model(seed=torch.tensor([5, 2]), mode='predict')
    size = (4,) * inferencer.layout.dim
    for one, output in zip(sampled, outputs, strict=True):
        torch.testing.assert_close(one.render(size), output['field'].render(size))
