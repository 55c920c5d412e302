"""The Occupancy-Networks format: read in full, its faults named."""

import numpy as np
import pytest
import torch

from ddmi_toolkit.datasets import shapenet
from ddmi_toolkit.datasets.occnet_format import (
    find_fault,
    read_metadata,
    unpack_occupancies,
    write_metadata,
    write_split,
)
from ddmi_toolkit.registry import DATASETS
from ddmi_toolkit.structures import Draw

NUM_POINTS = 21  # not a multiple of 8


def inside(points):
    """A ball."""
    return np.linalg.norm(points, axis=1) < 0.4


def write_shape(folder, packed=True, dtype=np.float16, seed=0):
    """A ball's files."""
    rng = np.random.default_rng(seed)
    points = rng.uniform(-0.55, 0.55, (NUM_POINTS, 3)).astype(dtype)
    occupancies = inside(points.astype(np.float64))
    normals = rng.standard_normal((12, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    folder.mkdir(parents=True)
    stored = np.packbits(occupancies) if packed else occupancies
    for name in ('points', 'near_surface'):
        np.savez(folder / f'{name}.npz', points=points, occupancies=stored)
    surface = dict(points=(0.4 * normals).astype(dtype), normals=normals.astype(dtype))
    np.savez_compressed(folder / 'pointcloud.npz', **surface)


@pytest.fixture
def root(tmp_path):
    """Two classes of octal digits with three shapes each."""
    for class_id in ('02691156', '03001627'):
        names = [f'shape{i}' for i in range(3)]
        for i, name in enumerate(names):
            write_shape(tmp_path / class_id / name, seed=i)
        write_split(tmp_path / class_id / 'train.lst', names)
    write_metadata(tmp_path, {'02691156': 'airplane', '03001627': 'chair'})
    return tmp_path


def shapes(root, **config):
    return DATASETS.build(dict(type='ShapeNetOccupancy', root=str(root), **config))


def raw(root, **config):
    """Records before the pipeline."""
    return shapes(root, pipeline=[], **config)


@pytest.mark.parametrize('num', [1, 7, 8, 9, 21])
def test_packed_bits_round_trip(num):
    truth = np.random.default_rng(num).random(num) < 0.5
    assert np.array_equal(unpack_occupancies(np.packbits(truth), num), truth)
    assert np.array_equal(unpack_occupancies(truth, num), truth)
    assert np.array_equal(unpack_occupancies(truth.astype(np.float32), num), truth)


def test_occupancies_of_another_size_are_named():
    with pytest.raises(ValueError, match=r'uint8 \(4,\); expected \(21,\) values or \(3,\) uint8'):
        unpack_occupancies(np.zeros(4, dtype=np.uint8), 21)


@pytest.mark.parametrize('packed', [True, False])
@pytest.mark.parametrize('dtype', [np.float16, np.float32])
def test_record_is_what_was_written(tmp_path, packed, dtype):
    write_shape(tmp_path / 'c' / 's', packed, dtype)
    record = raw(tmp_path, split=None)[0]
    assert np.array_equal(record['occupancies'], inside(record['points'].astype(np.float64)))
    assert np.allclose(np.linalg.norm(record['surface_normals'], axis=1), 1, atol=2e-3)
    assert np.allclose(record['surface_points'], 0.4 * record['surface_normals'], atol=1e-3)


def test_only_float16_points_are_dithered(tmp_path):
    """By 1e-4, differently at every visit, and equally at equal visits."""
    for dtype in (np.float16, np.float32):
        write_shape(tmp_path / dtype.__name__ / 's', dtype=dtype)
    data = raw(tmp_path, split=None)
    stored = np.load(tmp_path / 'float16/s/points.npz')['points'].astype(np.float32)
    first, again, later = (data[Draw(0, v)]['points'] for v in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, later)
    assert 0.5e-4 < (first - stored).std() < 2e-4
    assert np.array_equal(data[Draw(1, 0)]['points'], data[Draw(1, 5)]['points'])


def test_memory_holds_the_same_items(root):
    config = dict(near_surface=True, pipeline=[dict(type='SubsamplePoints', num_points=9)])
    on_disk, held = shapes(root, **config), shapes(root, in_memory=True, **config)
    for draw in (Draw(0, 1, 2), Draw(5, 0, 0)):
        assert np.array_equal(on_disk[draw]['points'], held[draw]['points'])
        assert np.array_equal(on_disk[draw]['near_points'], held[draw]['near_points'])


def test_labels_follow_the_chosen_classes(root):
    """All classes by default, in order; a class may be called by its name."""
    data = raw(root)
    assert data.metainfo == dict(class_ids=('02691156', '03001627'), classes=('airplane', 'chair'))
    assert [data[i]['label'] for i in range(6)] == [0, 0, 0, 1, 1, 1]
    chairs = raw(root, classes=['chair'])
    assert [chairs[i]['name'] for i in range(3)] == [f'03001627/shape{i}' for i in range(3)]
    assert chairs[0]['label'] == 0
    assert chairs[0]['class_name'] == 'chair'


@pytest.mark.parametrize('quote', ['', "'"])
def test_identifiers_of_octal_digits_stay_text(tmp_path, quote):
    """Unquoted 03001627 is the integer 787351 to a YAML parser."""
    text = f'{quote}03001627{quote}:\n  id: 03001627\n  name: chair\n'
    (tmp_path / 'metadata.yaml').write_text(text)
    assert read_metadata(tmp_path) == {'03001627': 'chair'}


def test_written_metadata_is_quoted(tmp_path):
    """So that other readers see text, too."""
    write_metadata(tmp_path, {'03001627': 'chair'})
    assert "'03001627':" in (tmp_path / 'metadata.yaml').read_text()


def test_default_pipeline_draws_the_published_numbers(root):
    """3000 input points and 2048 queries, drawn afresh at every visit."""
    data = shapes(root)
    sample, later = data[Draw(0, 0)], data[Draw(0, 1)]
    assert sample['inputs'].shape == (3000, 3)
    assert sample['target'].shape == (2048, 1)
    assert not torch.equal(sample['inputs'], later['inputs'])
    assert sample['meta']['name'] == '02691156/shape0'


def test_reference_surface_is_clean(root):
    """Jitter touches the inputs, not the samples that metrics compare with."""
    meta = shapes(root, surface_points=10)[0]['meta']
    assert torch.allclose(meta['surface_points'], 0.4 * meta['surface_normals'], atol=1e-3)
    assert len(torch.unique(meta['surface_points'], dim=0)) == 10
    with pytest.raises(ValueError, match=r'surface_points=99, but 02691156/shape0 stores 12'):
        shapes(root, surface_points=99)[0]


def break_shapes(root):
    """One broken file of each sort; returns the expected words."""
    folder = root / '02691156'
    (folder / 'shape0' / 'points.npz').unlink()
    truncated = folder / 'shape1' / 'pointcloud.npz'
    truncated.write_bytes(truncated.read_bytes()[:-40])
    wrong = root / '03001627' / 'shape2' / 'points.npz'
    np.savez(wrong, points=np.zeros((9, 3)), occupancies=np.zeros(5, dtype=np.uint8))
    return {
        folder / 'shape0' / 'points.npz': 'missing',
        truncated: 'not a zip file',
        wrong: r'9 points have uint8 occupancies of shape \(5,\)',
    }


def test_broken_shapes_are_named_once_and_end_the_run(root):
    """All of them, each with its file and what is wrong, before anything is read."""
    faults = break_shapes(root)
    with pytest.raises(ValueError, match=r'3 of 6 shapes are broken.*skip_broken=True') as error:
        shapes(root)
    for path, words in faults.items():
        assert str(error.value).count(str(path)) == 1
        error.match(words)


def test_skipped_shapes_are_counted(root, monkeypatch):
    break_shapes(root)
    logged = []
    monkeypatch.setattr(shapenet, 'print_log', lambda text, *_: logged.append(text))
    data = shapes(root, skip_broken=True)
    assert len(data) == 3
    assert len(logged) == 1
    assert logged[0].startswith('skipped 3 of 6 shapes')
    assert {data[i]['meta']['name'] for i in range(3)} == {
        '02691156/shape2', '03001627/shape0', '03001627/shape1',
    }  # fmt: skip


def test_skipping_everything_is_an_error(root):
    for file in root.rglob('points.npz'):
        file.unlink()
    with pytest.raises(ValueError, match='6 of 6 shapes are broken'):
        shapes(root, skip_broken=True)


def test_file_that_breaks_later_is_named(root):
    """Bits that flip inside an archive are found when they are read."""
    data = shapes(root)
    path = root / '02691156' / 'shape0' / 'pointcloud.npz'
    content = bytearray(path.read_bytes())
    content[100:120] = bytes(20)
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r'shape0/pointcloud.npz: cannot be read'):
        data[0]


@pytest.mark.parametrize(
    ('arrays', 'fault'),
    [
        (dict(points=np.zeros((4, 3))), "has no array 'normals'"),
        (dict(points=np.zeros((4, 2)), normals=np.zeros((4, 2))), r'shape \(4, 2\), expected'),
        (dict(points=np.zeros((4, 3)), normals=np.zeros((3, 3))), r'4 points have normals of'),
        (dict(points=np.zeros((0, 3)), normals=np.zeros((0, 3))), r'shape \(0, 3\), expected'),
        (dict(points=np.array([['a'] * 3]), normals=np.zeros((1, 3))), 'expected numbers'),
    ],
)
def test_faults_are_explained(tmp_path, arrays, fault):
    np.savez(tmp_path / 'pointcloud.npz', **arrays)
    with pytest.raises(AssertionError, match=fault):
        raise AssertionError(find_fault(tmp_path / 'pointcloud.npz'))


@pytest.mark.parametrize(
    ('config', 'message'),
    [
        (dict(classes=['chiar']), r"no class \['chiar'\]; it has \['02691156 \(airplane\)'"),
        (dict(classes='chair'), r"classes must be a list, e.g. \['chair'\]"),
        (dict(classes=[]), 'expected at least one class'),
        (dict(split='test'), r"test.lst does not exist; .* has the splits \['train'\]"),
    ],
)
def test_wrong_choices_are_explained(root, config, message):
    with pytest.raises(ValueError, match=message):
        shapes(root, **config)


def test_missing_root_says_how_to_make_one(tmp_path):
    with pytest.raises(ValueError, match=r'nowhere does not exist; .*prepare_shapes.py'):
        shapes(tmp_path / 'nowhere')


def test_empty_split_is_an_error(root):
    write_split(root / '02691156' / 'train.lst', [])
    with pytest.raises(ValueError, match="split 'train' lists no shapes"):
        shapes(root)


def test_real_set_in_the_published_format(data_root):
    """Chairs and tables: all sound, unit-sized, with occupancies on the right side."""
    folder = data_root / 'occnet_format'
    if not folder.is_dir():
        pytest.skip(f'{folder} does not exist')
    data = raw(folder, split=None)
    assert len(data) == len(list(folder.glob('*/*/points.npz')))
    assert data.metainfo['classes'] == ('chair', 'table')
    assert len(raw(folder, split='train')) + len(raw(folder, split='val')) == len(data)
    for index in range(0, len(data), 12):
        record = data[index]
        assert np.abs(record['points']).max() < 0.551
        size = np.ptp(record['surface_points'], axis=0)
        assert abs(size.max() - 1) < 0.02
        low, high = record['surface_points'].min(axis=0), record['surface_points'].max(axis=0)
        occupied = record['points'][record['occupancies']]
        assert (occupied > low - 0.01).all()
        assert (occupied < high + 0.01).all()
