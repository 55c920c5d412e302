"""Procedural chairs: exact, frozen, thin, described truthfully."""

import hashlib

import numpy as np
import pytest
import torch
from scipy.sparse.csgraph import connected_components

from ddmi_toolkit.datasets.procedural.captions import describe
from ddmi_toolkit.datasets.procedural.chair_design import KINDS, design_seat
from ddmi_toolkit.registry import DATASETS
from ddmi_toolkit.structures import Draw

SEEDS = [*range(64), *range(10**6, 10**6 + 64)]
DIGEST = '789e27c7c5e48aa749b99b86cbc8cd9c9f2a10c45385614253aaaae76ada5b88'
NUMBERS = dict(one=1, two=2, three=3, four=4, five=5, six=6, seven=7, eight=8, nine=9)


@pytest.fixture(scope='module')
def designs():
    return {seed: design_seat(seed) for seed in SEEDS}


def chairs(**config):
    return DATASETS.build(dict(type='ProceduralChairs', **config))


def test_shapes_of_a_seed_are_frozen():
    """The distribution that results are quoted on; changing it needs a new name."""
    digest = hashlib.sha256()
    for seed in [*range(16), *range(10**6, 10**6 + 16)]:
        solid, attributes = design_seat(seed)
        arrays = (solid.center, solid.rotation, solid.half, solid.taper, solid.is_round)
        for array in arrays:
            digest.update((np.round(array.astype('<f8'), 6) + 0.0).tobytes())
        digest.update(repr(sorted(attributes.items())).encode())
    assert digest.hexdigest() == DIGEST


def test_every_shape_is_normalized_and_thin(designs):
    """Longest side 1, centered, and a part no thicker than 0.04 in each of them."""
    for solid, _ in designs.values():
        assert np.allclose(solid.bounds.sum(axis=0), 0, atol=1e-12)
        assert np.isclose(np.ptp(solid.bounds, axis=0).max(), 1, atol=1e-12)
        assert 0.03 < 2 * solid.half.min() <= 0.04


def test_surface_is_the_boundary_of_every_shape(designs):
    """Parts overlap where they meet: no face is buried and none merely touches another."""
    for seed, (solid, _) in designs.items():
        points, normals = solid.sample_surface(400, np.random.default_rng(seed))
        assert not solid.contains(points + 1e-6 * normals).any(), seed
        assert solid.contains(points - 1e-6 * normals).all(), seed


def test_every_shape_is_in_one_piece(designs):
    """Primitives that share points form one connected graph: no leg hangs in the air."""
    for seed, (solid, _) in designs.items():
        points = solid.sample_primitives(4000, np.random.default_rng(0))[0]
        arrays = (solid.center, solid.rotation, solid.half, solid.taper, solid.is_round)
        parts = [type(solid)(*(a[k : k + 1] for a in arrays)) for k in range(len(solid))]
        inside = np.stack([part.contains(points) for part in parts]).astype(int)  # (K, 4000)
        assert connected_components(inside @ inside.T)[0] == 1, seed


def test_all_kinds_occur_and_stand_on_the_floor(designs):
    kinds = [attributes['kind'] for _, attributes in designs.values()]
    assert set(kinds) == set(KINDS)
    for solid, attributes in designs.values():
        if attributes['num_legs'] == 4 and not attributes['rockers']:
            lowest = np.sort(solid.boxes[:, 0, 1])[:4]
            assert np.ptp(lowest) < 1e-9


def test_captions_agree_with_attributes(designs):
    """What is said is so, and the first form leaves out nothing that matters."""
    for _, attributes in designs.values():
        for variant in range(3):
            caption = describe(attributes, variant)
            words = caption.replace(',', '').replace(':', '').split()
            kind = attributes['kind'].replace('_', ' ').replace('armchair', 'chair')
            assert f'-style {kind}' in caption
            assert ('arms' in words) == attributes['has_arms']
            assert ('office-style' in words) == attributes['swivel']
            assert ('rockers' in words) == attributes['rockers']
            if attributes['num_legs']:
                at = words.index('legs') - (attributes['legs'] != 'square') - 1
                assert NUMBERS[words[at]] == attributes['num_legs']
            if attributes['back'] in ('slats', 'spindles', 'ladder'):
                assert NUMBERS[words[words.index('back') + 2]] == attributes['num_back_parts']
            assert ('solid back' in caption) == (attributes['back'] == 'solid')
        full = describe(attributes, 0)
        assert ('cushion' in full) == attributes['has_cushion']
        assert ('stretchers' in full) == attributes['has_stretchers']
        assert ('round seat' in full) == (attributes['seat'] == 'round')


def test_attributes_agree_with_the_kind(designs):
    for _, attributes in designs.values():
        kind = attributes['kind']
        assert attributes['swivel'] == (kind == 'swivel_chair')
        assert attributes['rockers'] == (kind == 'rocking_chair')
        assert (attributes['back'] == 'none') == (kind == 'stool') or kind == 'bench'
        if kind in ('armchair', 'chair', 'stool'):
            assert attributes['has_arms'] == (kind == 'armchair')


def test_targets_are_the_exact_occupancy():
    """Of the float32 coordinates that the model sees."""
    sample = chairs(num_shapes=3, num_points=4096)[1]
    solid, _ = design_seat(1)
    inside = torch.from_numpy(solid.contains(sample['query']['points'].numpy()))
    assert torch.equal(sample['target'][:, 0].bool(), inside)
    assert inside.any()


def test_queries_are_uniform_in_the_padded_cube():
    """Mean 0 and variance 0.55²/3 per axis within 5 errors, nothing outside."""
    points = chairs(num_points=40_000, num_inputs=1)[0]['query']['points'].double()
    variance = 0.55**2 / 3
    assert points.abs().max() <= 0.55
    assert points.mean(0).abs().max() < 5 * (variance / 40_000) ** 0.5
    spread = (0.8 * variance**2 / 40_000) ** 0.5  # of a uniform variable's squares
    assert (points.square().mean(0) - variance).abs().max() < 5 * spread


def test_near_share_lies_near_the_surface():
    """Inside about as often as outside, against a few percent of uniform queries."""
    data = chairs(num_points=2000, near_share=0.5, near_std=0.002)
    target = data[0]['target'][:, 0]
    assert 0.4 < target[1000:].mean() < 0.6
    assert target[:1000].mean() < 0.15
    assert len(target) == 2000


def test_shape_of_an_item_is_fixed_and_its_draws_are_not():
    data = chairs(num_shapes=4, first_seed=10**6, surface_points=32)
    first, later = data[Draw(2, 0)], data[Draw(2, 1)]
    assert first['meta']['name'] == later['meta']['name'] == 'chair-1000002'
    assert first['meta']['caption'] == later['meta']['caption']
    assert not torch.equal(first['query']['points'], later['query']['points'])
    assert torch.equal(data[Draw(2, 1)]['query']['points'], later['query']['points'])


def test_reference_surface_is_on_the_boundary():
    """In float32, hence the larger step."""
    meta = chairs(surface_points=500)[7]['meta']
    solid, _ = design_seat(7)
    points, normals = (meta[k].double().numpy() for k in ('surface_points', 'surface_normals'))
    assert len(points) == 500
    assert not solid.contains(points + 1e-5 * normals).any()
    assert solid.contains(points - 1e-5 * normals).all()


def test_labels_name_the_class():
    data = chairs(num_shapes=16, num_points=4, num_inputs=4)
    for i in range(16):
        meta = data[i]['meta']
        assert data.metainfo['classes'][meta['label']] == meta['class_name']
        assert meta['class_name'].replace(' ', '_') == meta['attributes']['kind']


def test_batches_collate():
    """Metadata included, whatever the kinds of the shapes."""
    data = chairs(num_shapes=8, num_points=4, num_inputs=4)
    batch = torch.utils.data.default_collate([data[i] for i in range(8)])
    assert batch['inputs'].shape == (8, 4, 3)
    assert len(batch['meta']['caption']) == 8


@pytest.mark.parametrize(
    ('config', 'message'),
    [
        (dict(num_shapes=0), 'num_shapes must be at least 1, got 0'),
        (dict(near_share=2), r'near_share is a fraction in \[0, 1\], got 2'),
    ],
)
def test_wrong_arguments_are_named(config, message):
    with pytest.raises(ValueError, match=message):
        chairs(**config)
