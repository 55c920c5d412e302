"""Fields as picture files: streamed equals rendered, memory is bounded, mistakes are named."""

import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from ddmi_toolkit.apis import check_space, make_writer, write_picture, write_samples
from ddmi_toolkit.apis.outputs import WRITERS
from ddmi_toolkit.structures import Field, PlaneLayout, Signal
from ddmi_toolkit.visualization import quantize

LAYOUT = PlaneLayout([dict(name=a, size=16) for a in 'xy'], ['xy'])
TALL = PlaneLayout([dict(name='x', size=8), dict(name='y', size=32)], ['xy'])
SPACE = PlaneLayout([dict(name=a, size=8) for a in 'xyz'], ['xy', 'yz', 'xz'])


class Readout(nn.Module):
    """Lookups through two linear layers; as light as a readout can be."""

    def __init__(self, layout, channels):
        super().__init__()
        self.layout = layout
        self.net = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, channels))

    def forward(self, state, coords, *, scale=None, dirs=None):
        found = self.layout.sample('xy', state['xy'], coords.project('xy'))
        return self.net(coords.spread('xy', found)) + scale.view(-1, 1, 1, 1)


def tiny_field(layout=LAYOUT, channels=3, batch=1):
    """A random field with values in and around [-1, 1]."""
    torch.manual_seed(0)
    readout = Readout(layout, channels).requires_grad_(False)
    return Field(readout, {'xy': torch.randn(batch, 4, *layout.shape('xy', 1))}, layout, channels)


def read(path):
    with Image.open(path) as image:
        return np.asarray(image)


@pytest.mark.parametrize('suffix', ['png', 'tiff'])
@pytest.mark.parametrize(
    'size, options',
    [
        ((2048, 2000), {}),
        ((300, 40), dict(region=(-0.5, 0, 0.5, 1), max_queries=1000)),
        ((5, 900), dict(max_queries=100)),  # a row takes nine evaluations
        ((6, 5), dict(cell=1.0, max_queries=7)),
    ],
)
def test_streamed_equals_rendered(tmp_path, suffix, size, options):
    field = tiny_field()
    path = write_picture(field, tmp_path / 'new' / f'a.{suffix}', size, **options)
    assert np.array_equal(read(path), quantize(field.render(size, **options)[0]))
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_one_channel_is_gray_and_values_are_rounded(tmp_path):
    field = tiny_field(channels=1)
    image = read(write_picture(field, tmp_path / 'a.png', (8, 8)))
    expected = ((field.render((8, 8))[0, ..., 0].clamp(-1, 1) + 1) * 127.5).round()
    assert image.shape == (8, 8)
    assert np.array_equal(image, expected.numpy())
    assert np.array_equal(
        quantize(torch.tensor([[-7.0], [-1], [0], [1], [7]]))[:, 0], [0] * 2 + [128] + [255] * 2
    )


def test_a_broken_computation_leaves_the_former_file(tmp_path):
    path = tmp_path / 'a.png'
    write_picture(tiny_field(), path, (4, 4))
    before = path.read_bytes()
    broken = tiny_field()
    broken.evaluator.net = nn.Linear(5, 3)
    with pytest.raises(RuntimeError):
        write_picture(broken, path, (4, 4))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    'arguments, message',
    [
        (dict(path='a.jpg'), "picture format 'jpg' is not one of png, tif, tiff"),
        (dict(path='a'), "picture format '' is not one of"),
        (dict(path='.'), 'is a folder; name a file'),
        (dict(size=(0, 4)), r'size=\(0, 4\) must be 2 whole numbers of at least 1'),
        (dict(region=(0, 0, 0, 1)), "is empty along 'x'"),
        (dict(field=tiny_field(batch=2)), "one field over two axes, got 2 over 'xy'"),
        (dict(field=Field(nn.Identity(), {'a': torch.zeros(1)}, SPACE, 1)), "got 1 over 'xyz'"),
    ],
)
def test_mistakes_are_named(tmp_path, arguments, message):
    given = dict(field=tiny_field(), path='a.png', size=(4, 4)) | arguments
    given['path'] = tmp_path / given['path']
    with pytest.raises(ValueError, match=message):
        write_picture(**given)
    assert not list(tmp_path.iterdir())


def test_a_file_in_the_way_is_named(tmp_path):
    (tmp_path / 'taken').touch()
    for folder in ('taken', 'taken/below'):
        with pytest.raises(ValueError, match=r'taken is a file; name a folder'):
            check_space(tmp_path / folder)


def test_a_full_disk_is_noticed_before_computing(tmp_path, monkeypatch):
    usage = namedtuple('usage', 'total used free')(10**9, 0, 2 * 10**6)
    monkeypatch.setattr(shutil, 'disk_usage', lambda path: usage)
    check_space(tmp_path / 'not' / 'there', 10**6)
    with pytest.raises(ValueError, match=r'may need 0.003 GB .*, 0.002 GB are free; free some'):
        write_picture(tiny_field(), tmp_path / 'a.png', (1000, 1000))
    assert not list(tmp_path.iterdir())


MEMORY = """
import resource, sys
sys.path.insert(0, sys.argv[1])
from test_pictures import tiny_field
from ddmi_toolkit.apis import write_picture
field, size, paths = tiny_field(), int(sys.argv[2]), sys.argv[3:]
for path in paths:
    write_picture(field, path, (256, 300))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in paths:
    write_picture(field, path, (size, size))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def growth(size, paths):
    """Bytes by which the peak memory of a process grows when it writes square pictures."""
    here = str(Path(__file__).parent)
    command = [sys.executable, '-c', MEMORY, here, str(size), *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return 1024 * int(done.stdout)


def test_memory_does_not_grow_with_the_picture(tmp_path):
    """2048 x 2048 x 3 values in float32 are 50 MB."""
    assert growth(2048, [tmp_path / 'a.png', tmp_path / 'a.tif']) < 40e6


@pytest.mark.slow
@pytest.mark.parametrize('suffix', ['png', 'tif'])
def test_sixteen_thousand_pixels_take_less_than_a_gigabyte(tmp_path, suffix, monkeypatch):
    path = tmp_path / f'a.{suffix}'
    assert growth(16384, [path]) < 1e9
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', None)
    with Image.open(path) as image:
        assert image.size == (16384, 16384)


@pytest.mark.parametrize(
    'options, size',
    [
        ({}, (32, 8)),
        (dict(size=64), (64, 16)),
        (dict(size=(5, 7)), (5, 7)),
        (dict(size=64, region=(-1, -0.25, 1, 0.25)), (64, 64)),
    ],
)
def test_a_picture_keeps_the_shape_of_its_region(tmp_path, options, size):
    field = tiny_field(TALL)
    paths = write_samples([(3, field), ('b', field)], tmp_path, make_writer(TALL, options))
    assert [p.name for p in paths] == [
        'seed_000003.safetensors',
        'seed_000003.png',
        'b.safetensors',
        'b.png',
        'contact_sheet.png',
    ]
    assert read(paths[1]).shape == (*size, 3)
    assert np.array_equal(read(paths[1]), quantize(field.render(size, options.get('region'))[0]))
    sheet = read(paths[-1])
    assert np.array_equal(sheet[:, : size[1]], read(paths[1]))
    assert np.array_equal(sheet[:, size[1] + 2 :], read(paths[3]))


@pytest.mark.parametrize(
    'layout, options, message',
    [
        (
            LAYOUT,
            dict(resolution=64),
            "resolution does not apply to a picture, .* 'xy'",
        ),
        (SPACE, dict(size=64, cell=1.0), "size, cell does not apply .* 'xyz': MeshWriter takes"),
        (LAYOUT, dict(format='glb'), "picture format 'glb' is not one of png"),
        (SPACE, dict(format='png'), "format 'png' is not one of glb"),
        (LAYOUT, dict(size=0), 'size=0 must be a whole number of at least 1'),
        (LAYOUT, dict(size=(1, 2, 3)), r'size=\(1, 2, 3\) must be 2 whole numbers'),
        (LAYOUT, dict(cell=-1.0), 'cell=-1.0 must be a positive number'),
        (SPACE, dict(threshold=1.0), 'threshold=1.0 must be a probability'),
        (SPACE, dict(resolution=0), 'resolution=0 must be at least one'),
        (PlaneLayout([dict(name='t', size=8)], ['t']), {}, 'no files for a line, a field over'),
    ],
)
def test_options_that_do_not_fit_are_refused(layout, options, message, monkeypatch):
    monkeypatch.delitem(WRITERS, Signal.LINE, raising=False)  # which a project may have entered
    with pytest.raises(ValueError, match=message):
        make_writer(layout, options)
