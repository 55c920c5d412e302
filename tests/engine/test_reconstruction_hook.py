"""Pictures of reconstructions while stage 1 learns; the training is the same without them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.runner import Runner
from PIL import Image
from shrink import shrink

from ddmi_toolkit.apis import load_model, train
from ddmi_toolkit.engine import ReconstructionHook
from ddmi_toolkit.registry import DATASETS
from ddmi_toolkit.utils import load_checkpoint
from ddmi_toolkit.visualization import as_picture


def runs(name, folder, **hook):
    """Config of three iterations, with the hook added to the config's own."""
    cfg = shrink(f'd2c_vae/{name}.py', folder, train_cfg__max_iters=3)
    hooks = [h for h in cfg.get('custom_hooks', []) if h.type != 'ReconstructionHook']
    cfg.custom_hooks = [*hooks, dict(type='ReconstructionHook', **hook)] if hook else hooks
    cfg.visualizer.vis_backends = [dict(type='LocalVisBackend')]
    cfg.visualizer |= dict(size=32, resolution=8)
    return cfg


def test_pictures_are_drawn_and_training_is_the_same(tmp_path):
    plain = train(runs('procedural_image', tmp_path / 'plain'))
    cfg = runs('procedural_image', tmp_path / 'drawn', interval=2, num_items=3)
    drawn = train(cfg)
    first, second = (load_checkpoint(p)['state_dict'] for p in (plain, drawn))
    assert all(torch.equal(first[k], second[k]) for k in first)
    folder = Path(cfg.work_dir) / 'reconstructions'
    assert sorted(p.name for p in folder.iterdir()) == ['iter_0000002.png', 'iter_0000003.png']

    model, items = load_model(cfg, drawn, 'cpu'), DATASETS.build(cfg.val_dataloader.dataset)
    picture = np.asarray(Image.open(folder / 'iter_0000003.png'))
    size = items[0]['target'].shape[0]
    for i in range(3):  # two pairs in the first row, one in the second
        y, x = i // 2 * (size + 2), i % 2 * 2 * (size + 2)
        given = picture[y : y + size, x : x + size]
        assert np.array_equal(given, as_picture(items[i]['target']))
        field = model.decode(model.encode(items[i]['inputs'][None]).mean)
        expected = as_picture(field.render((size, size))[0])
        made = picture[y : y + size, x + size + 2 : x + 2 * size + 2]
        assert np.abs(made.astype(int) - expected).max() <= 1


def test_shapes_are_drawn_as_surfaces(tmp_path):
    cfg = runs('procedural_chair', tmp_path, interval=3, num_items=2)
    train(cfg)
    with Image.open(Path(cfg.work_dir) / 'reconstructions/iter_0000003.png') as picture:
        assert picture.size == (2 * 32 + 2, 32)


def test_mistakes_are_named_early(tmp_path):
    with pytest.raises(ValueError, match='num_items must be at least 1, got 0'):
        ReconstructionHook(5, num_items=0)
    with pytest.raises(ValueError, match='ReconstructionHook: interval must be at least 1, got 0'):
        ReconstructionHook(0)
    cfg = runs('procedural_image', tmp_path, interval=2)
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    with pytest.raises(ValueError, match='add a val_dataloader'):
        Runner.from_cfg(cfg).train()
