"""Cameras through which generated radiance fields are looked at."""

import pytest
import torch
from mmengine.config import Config

from ddmi_toolkit.apis import configs_root
from ddmi_toolkit.registry import DATASETS

VIEWS = dict(
    type='ProceduralViews',
    num_objects=3,
    size=8,
    num_views=2,
    pipeline=[dict(type='PackViews')],
)


def seeds(**config):
    return DATASETS.build(dict(type='SeedDataset', **config))


def test_orbit_is_the_same_for_all_samples_and_sees_the_origin():
    query = dict(type='orbit', num=4, radius=2.5, elevation_deg=30.0, size=(7, 9), fov=0.6)
    data = seeds(num_samples=2, query=query)
    one, other = data[0]['query'], data[1]['query']
    assert one['origins'].shape == one['dirs'].shape == (4, 7, 9, 3)
    assert torch.equal(one['dirs'], other['dirs'])
    torch.testing.assert_close(one['origins'].norm(dim=-1), torch.full((4, 7, 9), 2.5))
    torch.testing.assert_close(one['origins'][..., 2], torch.full((4, 7, 9), 1.25))
    middle = one['dirs'][:, 3, 4]
    torch.testing.assert_close(middle, -one['origins'][:, 3, 4] / 2.5)
    left, right = one['dirs'][0, 3, 0], one['dirs'][0, 3, 8]
    assert 0.6 * 7 / 9 < float(torch.acos(left @ right)) < 0.6  # between centers of pixels


def test_cameras_of_a_set_are_taken_in_turn():
    """Without what jitters samples; nothing else differs between generated and real views."""
    data = seeds(num_samples=4, query=dict(type='dataset', dataset=VIEWS))
    views = DATASETS.build(VIEWS)
    for i in range(4):
        query = data[i]['query']
        assert set(query) == {'origins', 'dirs'}
        assert torch.equal(query['dirs'], views[i % 3]['query']['dirs'])
    rays = dict(VIEWS, pipeline=[dict(type='SampleRays', num_rays=5)])
    assert 'seed' not in seeds(num_samples=1, query=dict(type='dataset', dataset=rays))[0]['query']


def test_unknown_queries_are_named():
    with pytest.raises(ValueError, match=r"type='spiral'; choose of \['dataset', 'orbit'\]"):
        seeds(num_samples=1, query=dict(type='spiral'))


def test_config_of_procedural_views_keeps_training_and_held_out_objects_apart():
    cfg = Config.fromfile(configs_root() / '_base_/datasets/procedural_nerf.py')
    train, test = (DATASETS.build(cfg[f'{k}_dataloader'].dataset) for k in ('train', 'test'))
    assert train.first_seed + len(train) <= 4096
    assert test.first_seed >= 10**6
    sample = test[0]
    assert sample['meta']['depth'].shape == sample['target'].shape[:-1] == (4, 64, 64)
    assert train[0]['inputs'].shape == sample['inputs'].shape == (2048, 6)
    assert {m.type for m in cfg.test_evaluator} == {'ImageQuality', 'DepthError'}


def test_config_of_srn_cars_reads_the_released_layout(tmp_path, monkeypatch):
    from posed_files import write_srn

    for split in ('cars_train', 'cars_val', 'cars_test'):
        write_srn(tmp_path / 'srn_cars' / split, names=('a',))
    monkeypatch.setenv('DDMI_DATA', str(tmp_path))
    cfg = Config.fromfile(configs_root() / '_base_/datasets/srn_cars_128.py')
    small = dict(num_points=4096, resolution=16, type='carve')
    sets = {}
    for key in ('train', 'val', 'test'):
        config = dict(cfg[f'{key}_dataloader'].dataset, points=small)
        sets[key] = DATASETS.build(config)
        assert sets[key].source.split == f'cars_{key}'
        assert sets[key].scale == 2
    assert sets['val'][0]['inputs'].shape == (4096, 6)
    with pytest.raises(ValueError, match='has 24x24 pixels, 5000 rays are wanted of it'):
        sets['train'][0]
