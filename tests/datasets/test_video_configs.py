"""The config bases of videos read their sets in the layouts that docs/data.md states."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from PIL import Image
from torch.utils.data import default_collate

from ddmi_toolkit.apis import configs_root
from ddmi_toolkit.registry import DATASETS

CONFIGS = configs_root() / '_base_/datasets'


def write_clip(folder, num, height=270, width=480):
    folder.mkdir(parents=True)
    frame = Image.new('RGB', (width, height), (200, 100, 50))
    for k in range(num):
        frame.save(folder / f'image-{k + 1}.jpg')


def test_skytimelapse_is_read_as_distributed(tmp_path, monkeypatch):
    """Two levels of folders; widescreen frames become centered squares."""
    for split, clips in dict(train=('a/a_1', 'a/a_2', 'b/b_1'), test=('c/c_1',)).items():
        for clip in clips:
            write_clip(tmp_path / 'sky_timelapse' / split / clip, 16 if clip == 'a/a_2' else 18)
    monkeypatch.setenv('DDMI_DATA', str(tmp_path))
    cfg = Config.fromfile(CONFIGS / 'skytimelapse_256.py')
    sets = {k: DATASETS.build(cfg[f'{k}_dataloader'].dataset) for k in ('train', 'val', 'test')}
    assert sets['train'].names == ['a/a_1', 'a/a_2', 'b/b_1']
    assert sets['test'].names == ['c/c_1']
    for name, data in sets.items():
        batch = default_collate([data[0], data[-1]])
        assert batch['inputs'].shape == (2, 3, 16, 256, 256)
        assert batch['target'].shape == (2, 16, 256, 256, 3)
        assert ('frame' in batch['query']) == (name == 'train')
    (metric,) = cfg.generation.test_evaluator
    reference = DATASETS.build(metric.reference)
    assert reference.names == sets['train'].names
    assert sets['test'][0]['meta']['clip'].shape == (*metric.size, 3)  # a baseline of true data
    clip = reference[1]['meta']['clip']
    assert clip.shape == (*metric.size, 3)
    color = torch.tensor([200, 100, 50]) / 127.5 - 1
    assert torch.allclose(clip.mean((0, 1, 2)), color, atol=0.02)


@pytest.mark.parametrize('name', ['procedural_video', 'sky_64', 'weizmann_64'])
def test_small_sets_keep_training_and_held_out_clips_apart(name):
    cfg = Config.fromfile(CONFIGS / f'{name}.py')
    if name != 'procedural_video' and not Path(cfg.data_root).exists():
        pytest.skip(f'{cfg.data_root} does not exist; set DDMI_DATA to the folder that holds it')
    train, test = (DATASETS.build(cfg[f'{k}_dataloader'].dataset) for k in ('train', 'test'))
    shown = [default_collate([data[0], data[1]])['inputs'] for data in (train, test)]
    assert shown[0].shape == shown[1].shape
    if name == 'procedural_video':
        assert train.first_seed + len(train) <= 4096
        assert test.first_seed >= 10**6
    else:
        assert not {c.path for c in train.clips} & {c.path for c in test.clips}
    for metric in [*cfg.test_evaluator, *cfg.generation.test_evaluator]:
        if metric.type == 'ClipQuality':
            reference = DATASETS.build(metric.reference)
            assert reference[0]['meta']['clip'].shape == (*metric.size, 3)
            num_samples = cfg.generation.test_dataloader.dataset.num_samples
            assert len(reference) == (len(test) if 'prefix' in metric else num_samples)


def test_halves_of_the_sky_do_not_overlap(data_root):
    cfg = Config.fromfile(CONFIGS / 'sky_64.py')
    if not (data_root / 'skytimelapse_mdgan').exists():
        pytest.skip('the sky clips are not there')
    data = DATASETS.build({**cfg.test_dataloader.dataset, 'pipeline': []})
    first, second = ([np.asarray(f) for f in data[k]['frames']] for k in (0, 1))
    assert not any(np.array_equal(a, b) for a in first for b in second)
