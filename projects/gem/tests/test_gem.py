"""GEM: neighbors and shares in closed form, the losses, the search, samples, configs."""

from pathlib import Path

import pytest
import torch

from ddmi_toolkit.apis import FieldInferencer, check_config, evaluate, load_config, train
from ddmi_toolkit.registry import DATASETS, MODELS
from ddmi_toolkit.structures import Observations

PROJECT = Path(__file__).parents[1]
CONFIGS = sorted(p.name for p in (PROJECT / 'configs').glob('*.py'))


@pytest.fixture(autouse=True)
def gem(monkeypatch):
    """The project's module, and the one its sounds are from; classes are registered once."""
    for path in (PROJECT, PROJECT.parent / 'audio_1d'):
        monkeypatch.syspath_prepend(str(path))
    import gem

    return gem


def build(**changes):
    """A small GEM of pictures, with weights of seed 0."""
    torch.manual_seed(0)
    config = dict(
        type='GEM',
        layout=dict(axes=[dict(name=a, size=4) for a in 'xy'], planes=['xy'], latent_stride=4),
        latent_channels=5,
        num_items=12,
        generator=dict(
            type='WeightGenerator',
            out_channels=2,
            width=8,
            num_layers=3,
            modulation=dict(type='FactorizedWeights', rank=2),
            hypernetwork=dict(type='MLPHypernetwork', hidden_channels=16, num_layers=1),
        ),
        renderer=dict(type='PointRenderer'),
        losses=dict(recon=dict(type='MSELoss', reduction='mean')),
        distance=dict(type='MeanSquaredDistance'),
        manifold=dict(num_neighbors=3),
    )
    return MODELS.build(config | changes)


def batch(size=4):
    """Numbers of items, places and values."""
    lines = torch.tensor([-0.75, -0.25, 0.25, 0.75]).expand(size, -1)
    values = torch.rand(size, 4, 4, 2, generator=torch.Generator().manual_seed(1))
    return torch.arange(size), dict(y=lines, x=lines), values


def test_shares_reproduce_a_point_inside_of_its_neighbors(gem):
    """Barycentric coordinates of a triangle, in the plane and in units that are tiny."""
    shares = torch.tensor([[0.2, 0.5, 0.3], [1.4, -0.2, -0.2]])
    corners = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]).expand(2, -1, -1) * 1e-2
    point = (shares[..., None] * corners).sum(1)
    found = gem.barycentric_weights(point, corners)
    torch.testing.assert_close(found.sum(1), torch.ones(2))
    torch.testing.assert_close((found[..., None] * corners).sum(1), point, rtol=0, atol=5e-5)
    torch.testing.assert_close(gem.barycentric_weights(100 * point, 100 * corners), found)


def test_shares_do_not_move_with_the_latents(gem):
    """Rotations and shifts of all latents leave them."""
    z, neighbors = torch.randn(4, 6).double(), torch.randn(4, 3, 6).double()
    turn, shift = torch.linalg.qr(torch.randn(6, 6).double())[0], torch.randn(6).double()
    one = gem.barycentric_weights(z, neighbors)
    torch.testing.assert_close(
        gem.barycentric_weights(z @ turn + shift, neighbors @ turn + shift), one
    )


def test_the_nearest_are_found_and_no_item_is_its_own_neighbor(gem):
    """On a line of unequal steps."""
    line = torch.tensor([0.0, 1.0, 3.0, 7.0])[:, None]
    assert gem.nearest(line, line, 2).tolist() == [[1, 2], [0, 2], [1, 0], [2, 1]]


def test_distances_between_signals(gem):
    """Mean squares of pictures, Chamfer of inner points; a shape without any is infinitely far."""
    _, query, values = batch(3)
    found = gem.MeanSquaredDistance()(query, values)
    assert float(found[0, 2]) == pytest.approx(float((values[0] - values[2]).square().mean()))
    points = torch.tensor([[0.0, 0, 0], [1, 0, 0], [9, 9, 9]])
    moved = points + torch.tensor([0.0, 0, 0.5])
    query = dict(points=torch.stack([points, moved, points]))
    inside = torch.tensor([[1.0, 1, 0], [1, 1, 0], [0, 0, 0]])[..., None]
    found = gem.OccupiedDistance()(query, inside)
    torch.testing.assert_close(found[0, 1], torch.tensor(1.0))
    assert found[0, 2] == torch.inf
    assert torch.equal(found, found.T)
    with pytest.raises(ValueError, match=r"query\['points'\] differs .*OccupiedDistance"):
        gem.MeanSquaredDistance()(query, inside)


def test_isometry_vanishes_where_distances_are_proportional():
    """Latents that are the signals themselves, scaled: loss 0 at the factor, and only there."""
    model = build(manifold=dict(num_neighbors=3, scale=4.0))
    _, query, values = batch()
    z = values.flatten(1) / 2  # mean squares a quarter of the signals'
    torch.testing.assert_close(
        model._isometry(z, query, values), torch.tensor(0.0), rtol=0, atol=1e-5
    )
    assert model._isometry(2 * z, query, values) > 0.1


def test_all_losses_reach_all_parameters():
    """The latents of a batch and of its neighbors, the factor, the weights."""
    model = build()
    losses = model(*batch())
    names = ['recon', 'recon_linear', 'outside', 'isometry']
    assert list(losses) == [f'loss_{n}' for n in names]
    sum(losses.values()).backward()
    assert all(p.grad is not None and p.grad.any() for p in model.parameters())
    off = build(manifold=dict(num_neighbors=3, linear_weight=0.0, isometry_weight=0.0))
    off = off(*batch())
    torch.testing.assert_close(off['loss_recon'], losses['loss_recon'])
    assert off['loss_recon_linear'] == off['loss_isometry'] == 0


def test_samples_lie_between_neighbors_and_depend_on_their_seeds(gem):
    """On the segment from an item to one of its three neighbors; all items are reached."""
    model = build().eval()
    seeds = torch.arange(200)
    z = model.prior(seeds)[..., 0]
    torch.testing.assert_close(model.prior(seeds[7:8])[..., 0], z[7:8])
    weight = model.latents.weight
    neighbors = weight[gem.nearest(weight, weight, 3)]  # (M, K, C)
    ends = neighbors - weight[:, None]
    place = ((z[:, None, None] - weight[:, None]) * ends).sum(-1) / ends.square().sum(-1)
    foot = weight[:, None] + place.clamp(0, 1)[..., None] * ends  # (200, M, K, C)
    gaps = (z[:, None, None] - foot).norm(dim=-1).flatten(1).min(1)
    assert gaps.values.max() < 1e-6
    assert len(set((gaps.indices // 3).tolist())) == 12
    first, second = model(seed=torch.tensor([3, 4]), mode='predict')
    assert (first['seed'], first['pred']) == (3, None)
    assert len(second['field']) == 1


def test_the_search_finds_a_latent_that_explains_a_field():
    """Of a picture that the model can show; a batch changes nothing; the mean does worse."""
    model = build(search=dict(num_steps=150, lr=0.1)).requires_grad_(False).eval()
    truth = torch.randn(3, 5, 1)
    _, query, _ = batch(3)
    shown = model.render(model.decode(truth), query)
    with torch.no_grad():
        z = model.encode(shown.movedim(-1, 1)).mean
    errors = (model.render(model.decode(z), query) - shown).square().flatten(1).mean(1)
    start = (model.render(model.decode(torch.zeros(3, 5, 1)), query) - shown).square().mean()
    assert errors.max() < 0.05 * start
    alone = model.encode(shown[1:2].movedim(-1, 1)).mean
    torch.testing.assert_close(
        model.decode(alone)(_points()), model.decode(z[1:2])(_points()), rtol=1e-2, atol=1e-2
    )


def _points():
    return torch.rand(1, 9, 2, generator=torch.Generator().manual_seed(3)) * 2 - 1


def test_training_items_are_encoded_by_their_number():
    """Reconstructions need no search; other numbers are named."""
    model = build()
    z = model.encode(torch.tensor([11, 0])).mean
    torch.testing.assert_close(z[..., 0], model.latents.weight[[11, 0]])
    with pytest.raises(ValueError, match=r'\[12\] are no numbers of the 12 .*ItemIndex.*num_items'):
        model.encode(torch.tensor([12]))
    with pytest.raises(ValueError, match='no raster'):
        model.encode(torch.zeros(2, 9, 3))


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(num_items=3), 'num_items=3 must be the length of the training set, and more than'),
        (dict(manifold=dict(neighbors=3)), r"manifold has no \['neighbors'\]; it takes"),
        (dict(search=dict(steps=3)), r"search has no \['steps'\]; it takes"),
    ],
)
def test_mistakes_are_named(changes, message):
    """In the config's words."""
    with pytest.raises(ValueError, match=message):
        build(**changes)


@pytest.mark.parametrize('name', CONFIGS)
def test_configs_build(name):
    """On the meta device, at their real sizes; they test samples, or held-out items."""
    cfg = load_config(PROJECT / 'configs' / name)
    check_config(cfg)
    is_held_out = name.endswith('_held_out.py')
    assert (cfg.test_dataloader.dataset.type == 'SeedDataset') != is_held_out


def test_sounds_are_items_of_one_latent_each(tmp_path, monkeypatch):
    """A third kind of signal; its samples are judged as those of the domain's own config."""
    monkeypatch.syspath_prepend(str(PROJECT.parents[1] / 'tests'))
    from shrink import runtime, sizes

    path = PROJECT / 'configs/gem_audio_tones.py'
    leaf = load_config(path)
    judge = leaf.generation.test_evaluator[0]
    options = {**sizes(leaf.model, 'model.'), **runtime(str(tmp_path))}
    options |= {
        'model.layout.latent_stride': 256,
        'model.layout.axes': [dict(name='t', size=256, low=0.0, high=0.256)],
        'model.num_items': 12,
        'train_dataloader.batch_size': 4,
        'train_dataloader.dataset.num_sounds': 12,
        'test_dataloader.dataset.num_samples': 6,
        'test_evaluator': [{**judge, 'reference': {**judge.reference, 'num_sounds': 6}}],
    }
    cfg = load_config(path, options)
    result = evaluate(cfg, train(cfg))
    assert result.metrics['sound/fid_pixels_12x12'] > 0


def test_train_sample_and_invert(tmp_path, monkeypatch):
    """A shrunk run of shapes: fields of seeds alone, and the package's inversion."""
    monkeypatch.syspath_prepend(str(PROJECT.parents[1] / 'tests'))
    from shrink import runtime, sizes

    data = dict(
        type='ProceduralChairs',
        num_shapes=12,
        num_points=64,
        num_inputs=64,
        pipeline=[dict(type='PackShape'), dict(type='ItemIndex')],
    )
    path = PROJECT / 'configs/gem_modelnet10_chair.py'
    options = {**sizes(load_config(path).model, 'model.'), **runtime(str(tmp_path))}
    options |= {
        'model.layout.latent_stride': 16,
        'model.num_items': 12,
        'train_dataloader.batch_size': 4,
        'train_dataloader.dataset': dict(data, _delete_=True),
    }
    cfg = load_config(path, options)
    inferencer = FieldInferencer(cfg, train(cfg), device='cpu')
    one, two = inferencer.sample([3, 4])
    (again,) = inferencer.sample([4])
    for key, value in two.state.items():
        torch.testing.assert_close(again.state[key], value)
    assert any(not torch.equal(one.state[k], two.state[k]) for k in one.state)
    (field,) = inferencer.reconstruct([torch.tensor(5)])
    assert len(field) == 1
    sample = DATASETS.build(data)[0]
    known = Observations(sample['query']['points'], sample['target'])
    assert inferencer.invert(known, num_steps=2).latent.shape == (1, 4, 1)
