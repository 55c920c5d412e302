"""What stands beside a model's numbers and pictures in the report of images."""

import runpy
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config

from ddmi_toolkit.evaluation import GenerativeQuality

ROOT = Path(__file__).parents[2]
PIPELINE = [dict(type='PackImage', input_size=8, image_size=16)]


@pytest.fixture(scope='module')
def tool():
    return runpy.run_path(str(ROOT / 'tools/report_images.py'))


def pictures(first_seed, num_images=6):
    return dict(
        type='ProceduralImages',
        num_images=num_images,
        first_seed=first_seed,
        size=16,
        pipeline=PIPELINE,
    )


def quality(reference):
    return GenerativeQuality(
        reference, 8, dict(type='PixelExtractor', grid=2), values=['fid'], cache_dir=None
    )


def stage_1(train, test):
    return Config(dict(train_dataloader=dict(dataset=train), test_dataloader=dict(dataset=test)))


@pytest.mark.parametrize('reference, num_pictures', [(0, 4), (100, 3)])
def test_true_pictures_are_no_references(tool, reference, num_pictures):
    """A set compared with itself would have a distance of 0, which nothing could reach."""
    first = stage_1(pictures(0), pictures(100, num_images=4))
    if reference == 100:
        first.train_dataloader.dataset.num_images = 3
    metric = quality(pictures(reference))
    found = list(tool['true_pictures'](metric, first, 5))
    assert len(found) == num_pictures
    assert found[0]['pred'].shape == (8, 8, 3)
    assert tool['measured'](metric, found)['generation/fid_pixels_2x2'] > 1e-3


def test_references_alone_are_refused(tool):
    first = stage_1(pictures(7), pictures(7))
    with pytest.raises(ValueError, match='there are no others to compare with'):
        list(tool['true_pictures'](quality(pictures(7)), first, 5))


def test_reduced_tiles_are_averaged_and_enlarged_ones_keep_their_pixels(tool):
    """Single pixels of a checkerboard would be all black or all white."""
    board = torch.tensor([[-1.0, 1.0], [1.0, -1.0]]).repeat(8, 4)[..., None].expand(-1, -1, 3)
    small = tool['tile'](board, 8)
    assert small.shape == (8, 4, 3)
    assert (small == 128).all()
    large = tool['tile'](board, 32)
    assert np.array_equal(large[::2, ::2, 0], np.asarray(board[..., 0] > 0) * 255)
