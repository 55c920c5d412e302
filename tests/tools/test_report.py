"""What stands beside a model's numbers and pictures in the report."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import Config
from torch import nn

from ddmi_toolkit.evaluation import GenerativeQuality
from ddmi_toolkit.registry import DATASETS, MODELS
from ddmi_toolkit.structures import Field, PlaneLayout, pixel_centers

ROOT = Path(__file__).parents[2]
PIPELINE = [dict(type='PackImage', input_size=8, image_size=16)]


class Ramp(nn.Module):
    """Gray that rises with time: -1 at its start, 1 at its end."""

    def forward(self, state, coords, *, scale=None, dirs=None):
        return coords.dense()[..., 2:].expand(*coords.dense().shape)


class Ramps:
    """Clips of 3 frames of 4 x 8 pixels whose truth is the :class:`Ramp`; ``pipeline`` unused."""

    layout = PlaneLayout([dict(name=a, size=4) for a in 'xyt'], ['xy', 'xt', 'yt'])

    def __init__(self, pipeline=()):
        self.field = Field(Ramp(), dict(x=torch.zeros(1)), self.layout, 3)

    def __len__(self):
        return 2

    def __getitem__(self, i):
        query = {a: pixel_centers(self.layout.axes[a], n) for a, n in dict(t=3, y=4, x=8).items()}
        return dict(
            inputs=torch.zeros(3, 3, 4, 8), query=query, target=self.field.render((3, 4, 8))[0]
        )


class Inferencer:
    """Knows one field."""

    device = torch.device('cpu')

    def __init__(self):
        renderer = MODELS.build(dict(type='PointRenderer'))
        self.autoencoder = SimpleNamespace(
            render=lambda field, query: renderer(field, query, field.layout)
        )

    def reconstruct(self, inputs):
        return [Ramps().field for _ in inputs]

    def sample(self, seeds):
        return [Ramps().field for _ in seeds]


@pytest.fixture(scope='module')
def tool():
    return runpy.run_path(str(ROOT / 'tools/report.py'))


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
def test_true_data_are_no_references(tool, reference, num_pictures):
    """A set compared with itself would have a distance of 0, which nothing could reach."""
    first = stage_1(pictures(0), pictures(100, num_images=4))
    if reference == 100:
        first.train_dataloader.dataset.num_images = 3
    metric = quality(pictures(reference))
    found = list(tool['true_data'](metric, first, 5))
    assert len(found) == num_pictures
    assert found[0]['pred'].shape == (8, 8, 3)
    assert tool['measured'](metric, found)['generation/fid_pixels_2x2'] > 1e-3


def test_references_alone_are_refused(tool):
    first = stage_1(pictures(7), pictures(7))
    with pytest.raises(ValueError, match='there are no others to compare with'):
        list(tool['true_data'](quality(pictures(7)), first, 5))


def test_reduced_tiles_are_averaged_and_enlarged_ones_keep_their_pixels(tool):
    """Single pixels of a checkerboard would be all black or all white."""
    board = torch.tensor([[-1.0, 1.0], [1.0, -1.0]]).repeat(8, 4)[..., None].expand(-1, -1, 3)
    small = tool['tile'](board, 8)
    assert small.shape == (8, 4, 3)
    assert (small == 128).all()
    large = tool['tile'](board, 32)
    assert np.array_equal(large[::2, ::2, 0], np.asarray(board[..., 0] > 0) * 255)


@pytest.fixture
def ramps():
    DATASETS.register_module(name='_Ramps', module=Ramps, force=True)
    yield dict(type='_Ramps')
    DATASETS.module_dict.pop('_Ramps')


def test_clips_are_shown_below_what_is_true(tool, ramps):
    """First and last frames; a field that is right makes equal rows."""
    first = stage_1(ramps, ramps)
    shown = dict(tool['sheets'](Inferencer(), first, 2, 8))
    assert [len(row) for row in shown['reconstructed']] == [2, 2, 2, 2]
    for row in shown['reconstructed'] + shown['generated']:
        assert [one.shape for one in row] == [(4, 8, 3)] * 2
        assert [one.mean() for one in row] == pytest.approx([42.5, 212.5], abs=0.6)
    own, fine = shown['magnified']  # two moments within one frame, then between it and the next
    assert [one.shape for one in own + fine] == [(8, 8, 3)] * 4
    assert np.array_equal(own[0], own[1])
    assert fine[0].mean() < fine[1].mean()
    picture = tool['sheet'](shown['reconstructed'])
    assert picture.shape == (4 * 4 + 3 * 2, 2 * 8 + 2, 3)


def test_decoded_normals_have_the_renderings_of_the_query(tool, ramps):
    query = {a: dict(low=-1, high=1, num=n) for a, n in dict(t=3, y=4, x=8).items()}
    for given in (query, None):
        seeds = dict(type='SeedDataset', num_samples=2, query=given)
        found = list(tool['decoded_normal'](Inferencer(), seeds))
        assert len(found) == 2
        if given is None:
            assert found[0]['pred'] is None
        else:
            torch.testing.assert_close(found[1]['pred'], Ramps()[0]['target'])


def test_tiles_of_one_picture_each_lie_side_by_side(tool):
    """Shapes have one view each and no truth to show."""
    tiles = [[np.zeros((4, 4, 3), np.uint8)] for _ in range(3)]
    assert tool['sheet'](tiles).shape == (4, 3 * 4 + 2 * 2, 3)
    assert tool['sheet']([[], tiles[0], [], tiles[1]]).shape == (4, 2 * 4 + 2, 3)
    assert tool['true_strip'](dict(target=torch.zeros(50, 1)), 3) == []
