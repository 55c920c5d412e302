"""Conventions hold on real files: what is said of cameras is checked by reprojection."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from mmengine.config import Config

from ddmi_toolkit.apis import configs_root
from ddmi_toolkit.datasets import PosedViews
from ddmi_toolkit.datasets.posed_views.carving import silhouette
from ddmi_toolkit.registry import DATASETS


def share_on_object(record, points, mask_of):
    """Share of points that project onto silhouettes, the mean over the views."""
    shares = []
    for view in record['views']:
        column, row = view.camera.project(torch.from_numpy(points))[0].floor().long().unbind(-1)
        mask = mask_of(view)
        height, width = mask.shape
        inside = (row >= 0) & (column >= 0) & (row < height) & (column < width)
        shares.append(mask[row[inside], column[inside]].mean())
    return float(np.mean(shares))


def test_clouds_of_npz_project_onto_the_pictures(data_root):
    """And hardly any other convention of axes would let them."""
    cars = PosedViews(str(data_root / 'nerf_kenney/cars/sampled'), views='::10')
    for index in (0, 7, 14):
        record = cars[index]
        points = record['points'][:, :3]
        assert share_on_object(record, points, lambda v: v.mask()) > 0.985
        assert share_on_object(record, points * [1, 1, -1], lambda v: v.mask()) < 0.97
        assert np.linalg.norm(points, axis=1).max() < 1


def test_one_car_in_two_formats_agrees(data_root):
    """OpenGL's and OpenCV's poses, two focal lengths and two scales: one cloud fits both."""
    root = data_root / 'nerf_kenney'
    cars = PosedViews(str(root / 'cars/sampled'), views='::8')
    srn = PosedViews(str(root / 'srn_format'), split='cars_train', views='::6', scale=2.0)
    sedan, same = cars[cars.names.index('50_sedan')], srn[srn.names.index('sedan')]
    points = sedan['points'][:, :3]
    for record in (sedan, same):
        assert share_on_object(record, points, lambda v: v.mask()) > 0.985
    assert share_on_object(same, points * 1.15, lambda v: v.mask()) < 0.93


def test_hull_of_a_scene_projects_onto_held_out_views(data_root):
    """The cloud carved of training views lies on the silhouettes of others."""
    points = dict(type='carve', split='train', views='::10', num_points=500, resolution=32)
    root = str(data_root / 'nerf_lego')
    record = PosedViews(root, split='val', views='::5', scale=0.7, points=points)[0]
    alpha = [silhouette(v) for v in record['views']]
    assert all(0.05 < a.mean() < 0.6 for a in alpha)
    share = share_on_object(record, record['points'][:, :3], lambda v: v.mask())
    assert share > 0.9
    flipped = record['points'][:, :3] * np.float32([1, 1, -1])
    assert share_on_object(record, flipped, lambda v: v.mask()) < share - 0.1


def test_lens_of_the_photographs_is_used(data_root):
    """Rays bend by some pixels at the corners, and project back to where they came from."""
    camera = PosedViews(str(data_root / 'nerf_fox'))[0]['cameras'][0]
    assert camera.distortion[:2] == (0.0578421, -0.0805099)
    assert (camera.width, camera.height) == (135, 240)
    pixels = torch.tensor([[0.5, 0.5], [134.5, 0.5], [67.5, 120.0], [0.5, 239.5]])
    origins, dirs = camera.rays(pixels)
    back, depth = camera.project(origins + 3 * dirs)
    torch.testing.assert_close(back, pixels, atol=1e-2, rtol=0)
    torch.testing.assert_close(depth, torch.full((4,), 3.0))
    straight = replace(camera, distortion=()).project(origins + 3 * dirs)[0]
    assert (straight - pixels).norm(dim=-1).max() > 0.3


def test_photographs_without_silhouettes_cannot_be_carved(data_root):
    data = PosedViews(str(data_root / 'nerf_fox'), points='carve', scale=0.15)
    with pytest.raises(ValueError, match=r'0001\.jpg shows no silhouette: .* ply_file_path'):
        data[0]


def test_config_of_the_cars_holds_views_out(data_root, monkeypatch):
    """Test views are of the training cars but none of theirs; the 3 last cars are never seen."""
    monkeypatch.setenv('DDMI_DATA', str(data_root))
    cfg = Config.fromfile(configs_root() / '_base_/datasets/kenney_cars.py')
    train, test = (DATASETS.build(cfg[f'{k}_dataloader'].dataset) for k in ('train', 'test'))
    assert train.names == test.names
    assert len(train) == 12
    numbers = [{v.name for v in data._object(data.names[0]).views} for data in (train, test)]
    assert numbers[0] == numbers[1]
    chosen = [{v.name for v in data.read(0, None)['views']} for data in (train, test)]
    assert not chosen[0] & chosen[1]
    assert chosen[0] | chosen[1] == numbers[0]
    assert test[0]['target'].shape == (5, 100, 100, 3)
    generated = DATASETS.build(cfg.generation.test_dataloader.dataset)
    reference = DATASETS.build(cfg.generation.test_evaluator[0].reference)
    assert torch.equal(generated[7]['query']['dirs'], reference[7]['query']['dirs'])
