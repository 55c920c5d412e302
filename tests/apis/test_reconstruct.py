"""Given files come back at any size, are compared fairly, and mistakes are named."""

import json

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image
from torch import nn

from ddmi_toolkit.apis import find_inputs, make_reconstructor, reconstruct_files
from ddmi_toolkit.apis.reconstruction import ClipReconstructor, PictureReconstructor
from ddmi_toolkit.structures import Field, PlaneLayout

SQUARE = PlaneLayout([dict(name=a, size=16) for a in 'xy'], ['xy'])
WIDE = PlaneLayout([dict(name='x', size=32), dict(name='y', size=16)], ['xy'])
SPACE = PlaneLayout(
    [dict(name=a, size=8, low=-0.55, high=0.55) for a in 'xyz'], ['xy'], align_corners=True
)


class Bilinear(nn.Module):
    """The encoder's input itself as a continuous picture."""

    def __init__(self, layout):
        super().__init__()
        self.layout = layout

    def forward(self, state, coords, *, scale=None, dirs=None):
        found = self.layout.sample('xy', state['xy'], coords.project('xy'))
        return coords.spread('xy', found)


class Perfect:
    """Stands for a trained model: pictures become their bilinear interpolation."""

    def __init__(self, layout):
        self.layout, self.inputs = layout, []

    def reconstruct(self, inputs):
        for one in inputs:
            self.inputs.append(one)
            yield Field(Bilinear(self.layout), {'xy': one[None]}, self.layout, 3)


class Box(nn.Module):
    """Logit of the box that the points fill."""

    def forward(self, state, coords, *, scale=None, dirs=None):
        half = state['half'].view(-1, *[1] * len(coords.shape), 3)
        return 100 * (half - coords.dense().abs()).amin(-1, keepdim=True)


class BoxModel:
    """Stands for a trained model of boxes."""

    def reconstruct(self, inputs):
        for points in inputs:
            assert points.shape == (500, 3)
            yield Field(Box(), {'half': points.abs().amax(0)[None]}, SPACE, 1)


def smooth_picture(width, height):
    """Colors that change slowly, so that a few pixels hold them."""
    x, y = np.meshgrid(np.arange(width) / width, np.arange(height) / height)
    picture = np.stack([x, y, 0.5 + 0.5 * np.sin(3 * (x + y))], -1)
    return Image.fromarray((picture * 255).round().astype(np.uint8))


def run(layout, picture, folder, **options):
    """Report, files written and the encoder's input of one picture."""
    (folder / 'in').mkdir()
    picture.save(folder / 'in/a.png')
    reconstructor = make_reconstructor(layout, options)
    inputs = find_inputs([folder / 'in'], reconstructor)
    model = Perfect(layout)
    ((name, report),) = reconstruct_files(model, inputs, folder / 'out', reconstructor)
    assert name == 'a'
    assert json.loads((folder / 'out/reconstruction.json').read_text()) == {'a': report}
    return report, folder / 'out', model.inputs[0]


def read(path):
    with Image.open(path) as image:
        return np.asarray(image)


def test_a_perfect_model_returns_the_picture(tmp_path):
    picture = smooth_picture(16, 16)
    report, out, inputs = run(SQUARE, picture, tmp_path, factor=1.0)
    assert np.array_equal(read(out / 'a.png'), np.asarray(picture))
    assert report == dict(
        done='16x16',
        psnr_at_input_size=float('inf'),
        psnr=float('inf'),
        psnr_bicubic=float('inf'),
    )
    assert inputs.shape == (3, 16, 16)
    red = np.asarray(picture)[..., 0] / np.float32(127.5) - 1
    assert np.array_equal(inputs[0].numpy(), red)
    comparison = read(out / 'a_comparison.png')
    assert np.array_equal(comparison[:, :16], np.asarray(picture))
    assert comparison.shape == (16, 3 * 16 + 2 * 2, 3)


@pytest.mark.parametrize('factor, side', [(2.5, 40), (4.0, 64), (None, 64), (0.5, 8)])
def test_any_real_factor(tmp_path, factor, side):
    picture = smooth_picture(64, 64)
    report, out, _ = run(SQUARE, picture, tmp_path, factor=factor)
    expected = np.asarray(picture.resize((side, side), Image.Resampling.BILINEAR))
    assert np.abs(read(out / 'a.png').astype(int) - expected).mean() < 3
    assert report['psnr'] > 30
    assert report['psnr_bicubic'] > 30
    assert report['done'] == '64x64, reduced to 16x16'


def test_psnr_is_that_of_the_files(tmp_path):
    rng = np.random.default_rng(0)
    picture = Image.fromarray(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8))
    report, out, _ = run(SQUARE, picture, tmp_path, factor=2.0)
    error = read(out / 'a.png').astype(float) - np.asarray(picture)
    assert report['psnr'] == pytest.approx(20 * np.log10(255) - 10 * np.log10((error**2).mean()))
    assert 5 < report['psnr'] < 15


@pytest.mark.parametrize(
    'layout, given, box, story',
    [
        (SQUARE, (40, 21), (9, 0, 30, 21), '40x21, center-cropped to 21x21, reduced to 16x16'),
        (SQUARE, (16, 48), (0, 16, 16, 32), '16x48, center-cropped to 16x16'),
        (WIDE, (32, 32), (0, 8, 32, 24), '32x32, center-cropped to 32x16'),
        (SQUARE, (8, 8), (0, 0, 8, 8), '8x8, enlarged to 16x16'),
    ],
)
def test_pictures_are_cropped_to_the_shape_of_the_layout(tmp_path, layout, given, box, story):
    picture = smooth_picture(*given)
    report, _, inputs = run(layout, picture, tmp_path)
    assert report['done'] == story
    x, y = layout.axes.values()
    small = picture.crop(box).resize((x.size, y.size), Image.Resampling.BILINEAR)
    expected = torch.tensor(np.asarray(small)).movedim(-1, 0) / 127.5 - 1
    torch.testing.assert_close(inputs, expected)
    assert 'psnr' not in report  # none of them has the pixels of four times the size


def test_a_region_is_compared_with_the_same_region(tmp_path):
    picture = smooth_picture(128, 128)
    region = (-1.0, 0.0, 0.0, 0.5)  # left half, third quarter from the top
    report, out, _ = run(SQUARE, picture, tmp_path, region=region)
    assert read(out / 'a.png').shape == (16, 32, 3)  # four pixels per node
    expected = np.asarray(picture.crop((0, 64, 64, 96)).resize((32, 16)))
    assert np.abs(read(out / 'a.png').astype(int) - expected).mean() < 3
    assert report['psnr'] > 30
    comparison = read(out / 'a_comparison.png')
    assert np.abs(comparison[:, :32].astype(int) - expected).mean() < 3


def test_a_broken_file_of_several_is_named_after_the_others_are_done(tmp_path):
    """What can be done is done."""
    (tmp_path / 'in').mkdir()
    for name in 'abc':
        smooth_picture(16, 16).save(tmp_path / f'in/{name}.png')
    (tmp_path / 'in/b.png').write_bytes(b'no picture')
    reconstructor = make_reconstructor(SQUARE, dict(factor=1.0))
    inputs = find_inputs([tmp_path / 'in'], reconstructor)
    seen = []
    with pytest.raises(ValueError, match=r'1 of 3 files could not be reconstructed.*b\.png'):
        for name, _ in reconstruct_files(Perfect(SQUARE), inputs, tmp_path / 'out', reconstructor):
            seen.append(name)
    assert seen == ['a', 'c']
    assert sorted(json.loads((tmp_path / 'out/reconstruction.json').read_text())) == ['a', 'c']
    assert (tmp_path / 'out/c.png').is_file()
    with pytest.raises((ValueError, OSError), match=r'b\.png'):  # alone: its own error
        list(reconstruct_files(Perfect(SQUARE), {'b': inputs['b']}, tmp_path, reconstructor))


def test_a_mesh_comes_back_where_it_was(tmp_path):
    box = trimesh.creation.box(extents=(4, 2, 1))
    box.apply_translation((10, 0, -3))
    (tmp_path / 'in').mkdir()
    box.export(tmp_path / 'in/box.obj')
    reconstructor = make_reconstructor(SPACE, dict(num_points=500, resolution=64, format='ply'))
    inputs = find_inputs([tmp_path / 'in/box.obj'], reconstructor)
    ((_, report),) = reconstruct_files(BoxModel(), inputs, tmp_path / 'out', reconstructor)
    mesh = trimesh.load(tmp_path / 'out/box.ply')
    np.testing.assert_allclose(mesh.bounds, box.bounds, atol=0.05)
    assert report['chamfer_l1'] < 0.02
    assert report['done'] == '500 points on 12 faces'
    assert read(tmp_path / 'out/box_comparison.png').shape[1] == 512


@pytest.mark.parametrize(
    'layout, options, message',
    [
        (SQUARE, dict(size=64, factor=2.0), 'size=64 and factor=2.0 are both given'),
        (SQUARE, dict(factor=0.0), 'factor=0.0 must be a positive number'),
        (
            SQUARE,
            dict(num_points=5),
            "num_points does not apply to a picture, .* 'xy'",
        ),
        (
            SPACE,
            dict(factor=2.0),
            "factor does not apply to a surface, .* 'xyz'",
        ),
        (SPACE, dict(num_points=0), 'num_points=0 must be at least 1'),
        (SQUARE, dict(region=(0, 0, 0, 1)), "empty along 'x'"),
    ],
)
def test_options_that_do_not_fit_are_refused(layout, options, message):
    with pytest.raises(ValueError, match=message):
        make_reconstructor(layout, options)


def test_inputs_are_found_and_named(tmp_path):
    for name in ('a.png', 'sub/a.JPG', 'sub/b.webp', 'sub/notes.txt'):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert list(find_inputs([tmp_path], PictureReconstructor)) == ['a', 'sub_a', 'sub_b']
    with pytest.raises(FileNotFoundError, match=r'absent\.png does not exist'):
        find_inputs([tmp_path / 'absent.png'], PictureReconstructor)
    with pytest.raises(ValueError, match=r'notes\.txt is no file .* \.png, \.jpg, \.jpeg, \.webp'):
        find_inputs([tmp_path / 'sub/notes.txt'], PictureReconstructor)
    (tmp_path / 'none/folder.png').mkdir(parents=True)
    with pytest.raises(ValueError, match=r'none holds no file that can be reconstructed'):
        find_inputs([tmp_path / 'none'], PictureReconstructor)
    with pytest.raises(ValueError, match=r"would both be written as 'a'; rename one"):
        find_inputs([tmp_path / 'a.png', tmp_path / 'sub/a.JPG'], PictureReconstructor)


def test_the_current_folder_has_a_name(tmp_path, monkeypatch):
    """Files for a clip that is given as '.' are named by its folder, not written beside --out."""
    (tmp_path / 'clip/below').mkdir(parents=True)
    Image.new('RGB', (4, 4)).save(tmp_path / 'clip/frame0.png')
    monkeypatch.chdir(tmp_path / 'clip')
    assert find_inputs(['.'], ClipReconstructor) == {'clip': tmp_path / 'clip'}
    monkeypatch.chdir('below')
    assert find_inputs(['..'], ClipReconstructor) == {'clip': tmp_path / 'clip'}


def test_a_broken_picture_is_named(tmp_path):
    path = tmp_path / 'broken.png'
    path.write_bytes(b'\x89PNG\r\n\x1a\n' + bytes(20))
    reconstructor = make_reconstructor(SQUARE)
    with pytest.raises(ValueError, match=r'broken\.png: cannot be read as a picture'):
        list(reconstruct_files(Perfect(SQUARE), {'a': path}, tmp_path, reconstructor))
