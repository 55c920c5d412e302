"""The config bases read their sets in the layouts that docs/data.md states."""

import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from PIL import Image
from torch.utils.data import default_collate

from ddmi_toolkit.apis import configs_root
from ddmi_toolkit.registry import DATASETS

COLOR = (250, 120, 10)


def encoded(height, width, format='png'):
    buffer = io.BytesIO()
    Image.new('RGB', (width, height), COLOR).save(buffer, format)
    return buffer.getvalue()


def write_celebahq(root):
    with zipfile.ZipFile(root / 'celebahq.zip', 'w') as archive:
        for i in range(1003):
            archive.writestr(f'{i:05d}.png', encoded(512, 512) if i in (0, 3) else b'')


def write_afhq(root):
    for split in ('train', 'test'):
        for name in ('cat', 'dog', 'wild'):
            folder = root / 'afhq_v2' / split / name
            folder.mkdir(parents=True)
            (folder / 'flickr_0.png').write_bytes(encoded(512, 512))


def write_cifar(root):
    (root / 'cifar10').mkdir()
    rows = np.zeros((2, 3073), np.uint8)
    with tarfile.open(root / 'cifar10' / 'cifar-10-binary.tar.gz', 'w:gz') as archive:
        for name in [f'data_batch_{i}' for i in range(1, 6)] + ['test_batch']:
            info = tarfile.TarInfo(f'cifar-10-batches-bin/{name}.bin')
            info.size = rows.nbytes
            archive.addfile(info, io.BytesIO(rows.tobytes()))


def write_church(root):
    lmdb = pytest.importorskip('lmdb')
    for split in ('train', 'val'):
        path = str(root / f'church_outdoor_{split}_lmdb')
        with lmdb.open(path, map_size=2**20) as database, database.begin(write=True) as put:
            put.put(b'0a', encoded(256, 341, 'webp'))


SETS = dict(
    celebahq_256=(write_celebahq, 3, 1000, 256),
    afhqv2_cat=(write_afhq, 1, 1, 256),
    afhqv2_dog=(write_afhq, 1, 1, 256),
    cifar10_32=(write_cifar, 10, 2, 32),
    lsun_church_256=(write_church, 1, 1, 256),
)


@pytest.mark.parametrize('name', list(SETS))
def test_published_set_is_read_as_distributed(name, tmp_path, monkeypatch):
    """All loaders and references give batches of the stated size."""
    write, num_train, num_test, size = SETS[name]
    write(tmp_path)
    monkeypatch.setenv('DDMI_DATA', str(tmp_path))
    cfg = Config.fromfile(configs_root() / '_base_/datasets' / f'{name}.py')
    sets = {k: DATASETS.build(cfg[f'{k}_dataloader'].dataset) for k in ('train', 'val', 'test')}
    assert (len(sets['train']), len(sets['test'])) == (num_train, num_test)
    for data in sets.values():
        batch = default_collate([data[0]])
        assert batch['inputs'].shape == (1, 3, size, size)
        assert batch['target'].shape == (1, size, size, 3)
    for metric in cfg.generation.test_evaluator:
        reference = DATASETS.build(metric.reference)
        assert len(reference) == num_train
        image = reference[0]['meta']['image']
        assert image.shape[0] == image.shape[1] >= metric.size  # reduced where larger
        if name != 'cifar10_32':
            assert torch.allclose(image.mean((0, 1)), torch.tensor(COLOR) / 127.5 - 1, atol=0.02)


@pytest.mark.parametrize('name', ['afhqv2_cat', 'afhqv2_dog'])
def test_animals_are_of_the_class_that_the_config_names(name, tmp_path, monkeypatch):
    write_afhq(tmp_path)
    monkeypatch.setenv('DDMI_DATA', str(tmp_path))
    cfg = Config.fromfile(configs_root() / '_base_/datasets' / f'{name}.py')
    configs = [cfg[f'{k}_dataloader'].dataset for k in ('train', 'val', 'test')]
    configs += [metric.reference for metric in cfg.generation.test_evaluator]
    for config in configs:
        assert DATASETS.build(config).metainfo['classes'] == (name.removeprefix('afhqv2_'),)


@pytest.mark.parametrize('name', ['procedural_image', 'animals_64', 'catdog_32'])
def test_small_sets_keep_training_and_held_out_pictures_apart(name):
    cfg = Config.fromfile(configs_root() / '_base_/datasets' / f'{name}.py')
    if name != 'procedural_image' and not Path(cfg.data_root).exists():
        pytest.skip(f'{cfg.data_root} does not exist; set DDMI_DATA to the folder that holds it')
    train, test = (DATASETS.build(cfg[f'{k}_dataloader'].dataset) for k in ('train', 'test'))
    shown = default_collate([train[0], train[1]])['inputs'], test[0]['inputs']
    assert shown[0].shape[1:] == shown[1].shape
    if name == 'procedural_image':
        assert train.first_seed + len(train) <= 4096
        assert test.first_seed >= 10**6
    elif name == 'animals_64':
        assert not set(train.names) & set(test.names)
    else:
        assert train.source.path != test.source.path
