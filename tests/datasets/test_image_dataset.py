"""Which pictures a set has, their classes, splits and ranges."""

import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from ddmi_toolkit.datasets import ImageDataset
from ddmi_toolkit.registry import DATASETS
from ddmi_toolkit.structures import Draw

NAMES = ['cat/0.png', 'cat/1.png', 'dog/0.png', 'fox/a.png', 'fox/b.png']


def write(folder, names=NAMES, size=(12, 12)):
    for i, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new('RGB', size, (i, i, i)).save(folder / name)
    return folder


@pytest.fixture
def root(tmp_path):
    return write(tmp_path / 'set')


def test_first_folder_is_the_class(root):
    data = ImageDataset(str(root))
    records = [data[i] for i in range(len(data))]
    assert [r['name'] for r in records] == NAMES
    assert [r['label'] for r in records] == [0, 0, 1, 2, 2]
    assert [r['class_name'] for r in records] == [n.split('/')[0] for n in NAMES]
    assert data.metainfo == dict(classes=('cat', 'dog', 'fox'))


def test_labels_count_the_chosen_classes(root):
    data = ImageDataset(str(root), classes=['fox', 'cat'])
    assert [data[i]['label'] for i in range(4)] == [1, 1, 0, 0]
    assert data.metainfo['classes'] == ('fox', 'cat')


@pytest.mark.parametrize(
    'start, stop', [(0, None), (0, 3), (3, None), (-2, None), (0, -2), (1, 4), (0, 99)]
)
def test_range_is_that_of_a_slice(root, start, stop):
    """Of the chosen classes, so that complements divide any set."""
    data = ImageDataset(str(root), start=start, stop=stop)
    assert list(data.names) == NAMES[start:stop]
    chosen = [n for n in NAMES if n[:3] != 'dog']
    data = ImageDataset(str(root), classes=['cat', 'fox'], start=1, stop=3)
    assert list(data.names) == chosen[1:3]


def test_pictures_without_folders_have_no_class(tmp_path):
    data = ImageDataset(str(write(tmp_path, ['b.png', 'a.png'])))
    record = data[0]
    assert (record['name'], data.metainfo) == ('a.png', dict(classes=()))
    assert 'label' not in record


@pytest.mark.parametrize('kind', ['folder', 'zip beside', 'folder in zip', 'list', 'list beside'])
def test_split_is_found_where_people_put_it(kind, tmp_path):
    """``train/``, ``train.zip``, ``train/`` inside a zip, or ``train.txt``."""
    root, split, names = tmp_path / 'set', 'train', ['cat/0.png', 'dog/1.png']
    write(root / 'train' if kind == 'folder' else root, names)
    if kind == 'folder':
        write(root / 'test', ['cat/9.png'])
    elif 'zip' in kind:
        path = root / 'train.zip' if kind == 'zip beside' else tmp_path / 'all.zip'
        with zipfile.ZipFile(path, 'w') as archive:
            for name in names:
                inside = name if kind == 'zip beside' else f'train/{name}'
                archive.write(root / name, inside)
        root = root if kind == 'zip beside' else path
    else:
        write(root, ['cat/9.png'])
        split = 'train.txt'
        place = root if kind == 'list' else tmp_path
        (place / split).write_text('\n'.join(names) + '\n\n')
    data = ImageDataset(str(root), split=split)
    assert list(data.names) == names
    assert [data[i]['label'] for i in range(2)] == [0, 1]
    assert data[1]['image'].getpixel((0, 0))[0] == 1


def test_forgotten_split_is_noticed(tmp_path):
    """``train`` and ``test`` are no classes."""
    for part in ('train', 'test'):
        write(tmp_path / part, ['cat/0.png'])
    with pytest.raises(ValueError, match=r"divided into \['test', 'train'\]; choose one by split="):
        ImageDataset(str(tmp_path))


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(split='val'), r"has no split 'val'; it has the folders \['cat', 'dog', 'fox'\]"),
        (dict(split='val.txt'), "list 'val.txt' not found; looked for"),
        (dict(classes=['cow']), r"no class \['cow'\]; it has \['cat', 'dog', 'fox'\]"),
        (dict(classes='cat'), r"classes must be a list, e.g. \['cat'\]"),
        (dict(classes=[]), 'at least one class, each once'),
        (dict(classes=['cat', 'cat']), 'at least one class, each once'),
        (dict(start=5), 'start=5, stop=None leave none of 5 pictures'),
    ],
)
def test_bad_choices_are_answered_with_what_there_is(root, options, message):
    with pytest.raises(ValueError, match=message):
        ImageDataset(str(root), **options)


def test_empty_folder_and_foreign_list(root, tmp_path):
    (tmp_path / 'empty').mkdir()
    with pytest.raises(ValueError, match=r'empty holds no pictures; expected .*\.png'):
        ImageDataset(str(tmp_path / 'empty'))
    (root / 'list.txt').write_text('cat/0.png\ncat/77.png\n')
    with pytest.raises(ValueError, match=r"lists 1 pictures .* such as \['cat/77.png'\]"):
        ImageDataset(str(root), split='list.txt')
    with pytest.raises(ValueError, match=r"no class \['cat'\]; its pictures do not all lie"):
        ImageDataset(str(write(tmp_path / 'flat', ['a.png'])), classes=['cat'])


def test_zips_of_splits_are_named_when_no_split_is_chosen(root, tmp_path):
    (tmp_path / 'zips').mkdir()
    for split in ('train', 'test'):
        with zipfile.ZipFile(tmp_path / f'zips/{split}.zip', 'w') as archive:
            archive.write(root / NAMES[0], NAMES[0])
    with pytest.raises(ValueError, match=r"no pictures; .* of its zips \['test', 'train'\]"):
        ImageDataset(str(tmp_path / 'zips'))
    assert len(ImageDataset(str(tmp_path / 'zips'), split='test')) == 1


def test_empty_list_is_named(root):
    (root / 'none.txt').write_text('\n')
    with pytest.raises(ValueError, match=r'none\.txt lists no pictures'):
        ImageDataset(str(root), split='none.txt')


def test_broken_picture_is_named_when_read(root):
    (root / 'dog/0.png').write_bytes(b'oops')
    data = ImageDataset(str(root))
    with pytest.raises(ValueError, match=r'set/dog/0\.png: cannot be read as a picture'):
        data[2]


def test_workers_give_the_batches_of_one_process(tmp_path):
    """Each worker opens the zip for itself; crops follow the draw alone."""
    folder = tmp_path / 'set'
    rng = np.random.default_rng(0)
    with zipfile.ZipFile(tmp_path / 'set.zip', 'w') as archive:
        for i in range(6):
            folder.mkdir(exist_ok=True)
            pixels = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f'{i}.png')
            archive.write(folder / f'{i}.png', f'{i}.png')
    crop = dict(type='MultiScaleCrop', input_size=8, magnification_range=(1, 2))
    data = DATASETS.build(
        dict(
            type='ImageDataset', root=str(tmp_path / 'set.zip'), pipeline=[dict(type='Flip'), crop]
        )
    )
    draws = [Draw(i, 3, 5) for i in range(6)]
    batches = [
        next(iter(torch.utils.data.DataLoader(data, 6, sampler=draws, num_workers=n)))
        for n in (0, 2)
    ]
    for key in ('inputs', 'target', 'seed'):
        assert torch.equal(batches[0][key], batches[1][key])
    assert torch.equal(batches[0]['query']['x'], batches[1]['query']['x'])
    assert 'index' not in batches[0]
    assert 'visit' not in batches[0]


def test_real_zips_of_cats_and_dogs(data_root):
    """2000 training pictures, of which 1400 are cats and dogs."""
    root = data_root / 'cifar10_catdog'
    if not root.is_dir():
        pytest.skip(f'{root} does not exist')
    assert len(ImageDataset(str(root), split='train')) == 2000
    data = ImageDataset(str(root), split='test', classes=['cat', 'dog'])
    assert len(data) == 340
    assert data[0]['image'].size == (32, 32)


def test_real_animals_are_divided_by_range(data_root):
    root = data_root / 'imagenet_animals256' / 'train'
    if not root.is_dir():
        pytest.skip(f'{root} does not exist')
    parts = [ImageDataset(str(root), stop=216), ImageDataset(str(root), start=216)]
    assert [len(p) for p in parts] == [216, 24]
    assert not set(parts[0].names) & set(parts[1].names)
