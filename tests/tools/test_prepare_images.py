"""The command that packs a set of pictures and reports what two people can compare."""

import importlib.util
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ddmi_toolkit.datasets import ImageDataset
from ddmi_toolkit.datasets.prepare_images import ImageOptions, prepare_images, prepare_picture

TOOL = Path(__file__).parents[2] / 'tools' / 'prepare_images.py'


@pytest.fixture(scope='module')
def tool():
    spec = importlib.util.spec_from_file_location('prepare_images', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def noise(height, width, seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


@pytest.fixture
def pictures(tmp_path):
    """Two classes; one copy under another name and format, one too small, one broken."""
    folder = tmp_path / 'in'
    for name, size in {'cat/a.png': (20, 30), 'cat/b.png': (16, 16), 'dog/c.png': (40, 16)}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        noise(*size, seed=size[0]).save(folder / name)
    noise(16, 16, seed=16).save(folder / 'dog' / 'copy.bmp')
    noise(8, 30).save(folder / 'dog' / 'small.png')
    (folder / 'dog' / 'broken.jpg').write_bytes(b'\xff\xd8\xff oops')
    return folder


def read_zip(path):
    with zipfile.ZipFile(path) as archive:
        assert {i.compress_type for i in archive.infolist()} == {zipfile.ZIP_STORED}
        return {i.filename: archive.read(i) for i in archive.infolist()}


def test_whole_command(tool, pictures, tmp_path, capsys):
    """What is good is packed and can be read; what is not is listed, and the status says so."""
    out = tmp_path / 'out' / 'set.zip'
    status = tool.main([str(pictures), str(out), '--size=16', '--workers=1'])
    assert status == 1
    assert 'broken: dog/broken.jpg' in capsys.readouterr().err
    report = json.loads(out.with_suffix('.json').read_text())
    assert list(report['broken']) == ['dog/broken.jpg']
    assert report['too_small'] == {'dog/small.png': '30x8'}
    assert report['duplicates'] == [['cat/b.png', 'dog/copy.bmp']]
    assert (report['count'], report['classes']) == (4, dict(cat=2, dog=2))
    assert report['sizes'] == {'16x16': 4}
    data = ImageDataset(str(out))
    assert list(data.names) == ['cat/a.png', 'cat/b.png', 'dog/c.png', 'dog/copy.png']
    expected = np.asarray(noise(16, 16, seed=16))
    assert np.array_equal(np.asarray(data[1]['image']), expected)
    assert not list(out.parent.glob('.*'))


def test_mean_and_std_are_those_of_all_pixels(pictures, tmp_path):
    report = prepare_images(pictures / 'cat', tmp_path / 'o.zip', ImageOptions(16))
    data = ImageDataset(str(tmp_path / 'o.zip'))
    pixels = np.concatenate([np.asarray(data[i]['image']).reshape(-1, 3) for i in (0, 1)]) / 255
    assert np.allclose(report['mean'], pixels.mean(0), atol=1e-6)
    assert np.allclose(report['std'], pixels.std(0), atol=1e-6)


@pytest.mark.parametrize('format', ['png', 'jpeg'])
def test_same_source_gives_the_same_bytes(format, pictures, tmp_path):
    for name in ('a.zip', 'b.zip'):
        prepare_images(pictures, tmp_path / name, ImageOptions(12, format=format))
    assert (tmp_path / 'a.zip').read_bytes() == (tmp_path / 'b.zip').read_bytes()


@pytest.mark.slow
def test_workers_give_the_bytes_of_one_process(pictures, tmp_path):
    """Spawned processes import the package, which takes seconds."""
    reports = [
        prepare_images(pictures, tmp_path / f'{n}.zip', ImageOptions(12), num_workers=n)
        for n in (1, 2)
    ]
    assert (tmp_path / '1.zip').read_bytes() == (tmp_path / '2.zip').read_bytes()
    assert reports[0] == reports[1]


def test_checksum_is_of_the_pixels_not_of_names_or_files(pictures, tmp_path):
    """Packing a zip of ours again, or renaming pictures, changes nothing; a pixel does."""
    options = ImageOptions(16)
    first = prepare_images(pictures, tmp_path / 'a.zip', options)
    again = prepare_images(tmp_path / 'a.zip', tmp_path / 'b.zip', options)
    (pictures / 'cat' / 'a.png').rename(pictures / 'dog' / 'z.png')
    moved = prepare_images(pictures, tmp_path / 'c.zip', options)
    assert first['pixels_sha256'] == again['pixels_sha256'] == moved['pixels_sha256']
    with Image.open(pictures / 'cat' / 'b.png') as image:
        image.putpixel((0, 0), (1, 2, 3))
        image.save(pictures / 'cat' / 'b.png')
    changed = prepare_images(pictures, tmp_path / 'd.zip', options)
    assert changed['pixels_sha256'] != first['pixels_sha256']


def test_jpeg_checksum_is_of_what_readers_see(pictures, tmp_path):
    """Packing the JPEGs losslessly keeps it."""
    jpeg = prepare_images(pictures, tmp_path / 'a.zip', ImageOptions(16, format='jpeg'))
    png = prepare_images(tmp_path / 'a.zip', tmp_path / 'b.zip', ImageOptions(16))
    assert jpeg['pixels_sha256'] == png['pixels_sha256']


def test_duplicates_are_dropped_on_demand(pictures, tmp_path):
    options = ImageOptions(16, drop_duplicates=True)
    report = prepare_images(pictures, tmp_path / 'o.zip', options)
    assert 'dog/copy.png' not in read_zip(tmp_path / 'o.zip')
    assert report['count'] == 3
    assert report['duplicates'] == [['cat/b.png', 'dog/copy.bmp']]


def test_crop_and_resize():
    """The center square, or the whole picture with its short side at the size."""
    image = noise(20, 31)
    square = prepare_picture(image, ImageOptions(0))
    assert np.array_equal(np.asarray(square), np.asarray(image)[:, 5:25])
    whole = prepare_picture(image, ImageOptions(10, crop='none', filter='box'))
    assert whole.size == (16, 10)
    resized = prepare_picture(image, ImageOptions(10, filter='box'))
    boxes = np.asarray(square).reshape(10, 2, 10, 2, 3).mean((1, 3))
    assert np.abs(np.asarray(resized) - boxes).max() <= 1
    assert prepare_picture(image, ImageOptions(21)) is None
    assert prepare_picture(image, ImageOptions(21, enlarge=True)).size == (21, 21)


def test_names_that_differ_by_their_suffix_stay_apart(tmp_path):
    folder = tmp_path / 'in'
    folder.mkdir()
    noise(4, 4, 1).save(folder / 'a.png')
    noise(4, 4, 2).save(folder / 'a.bmp')
    noise(4, 4, 3).save(folder / 'b.bmp')
    prepare_images(folder, tmp_path / 'o.zip', ImageOptions(4))
    assert list(read_zip(tmp_path / 'o.zip')) == ['a.bmp.png', 'a.png.png', 'b.png']


def test_splits_stay_folders_of_the_zip(pictures, tmp_path):
    """A root with splits becomes one zip with splits; or one split is taken."""
    root = tmp_path / 'root'
    root.mkdir()
    pictures.rename(root / 'train')
    prepare_images(root, tmp_path / 'all.zip', ImageOptions(16))
    prepare_images(root, tmp_path / 'one.zip', ImageOptions(16), split='train')
    whole = ImageDataset(str(tmp_path / 'all.zip'), split='train')
    assert whole.names == list(ImageDataset(str(tmp_path / 'one.zip')).names)


def test_killed_run_leaves_nothing_that_looks_complete(pictures, tmp_path, monkeypatch):
    def stop(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr('ddmi_toolkit.datasets.prepare_images.Tally.report', stop)
    with pytest.raises(KeyboardInterrupt):
        prepare_images(pictures, tmp_path / 'o.zip', ImageOptions(16))
    assert [p.name for p in tmp_path.iterdir()] == ['in']


def test_nothing_left_is_one_clear_message(tool, pictures, tmp_path, capsys):
    out = tmp_path / 'o.zip'
    assert tool.main([str(pictures), str(out), '--size=999', '--workers=1']) == 1
    message = capsys.readouterr().err
    assert 'no picture is left; 1 are broken, such as dog/broken.jpg' in message
    assert '5 are too small, such as cat/a.png (30x20): choose a smaller size' in message
    assert not out.exists()


@pytest.mark.parametrize(
    'options, message',
    [
        (['--size=-1'], 'size must be positive, or 0'),
        (['--quality=0'], 'quality must lie between 1 and 100, got 0'),
    ],
)
def test_bad_options_are_named(options, message, tool, pictures, tmp_path, capsys):
    assert tool.main([str(pictures), str(tmp_path / 'o.zip'), *options]) == 1
    assert message in capsys.readouterr().err


def test_a_file_in_place_of_the_folder_is_one_line(tool, pictures, tmp_path, capsys):
    (tmp_path / 'taken').touch()
    assert tool.main([str(pictures), str(tmp_path / 'taken/o.zip'), '--workers=1']) == 1
    assert 'taken' in capsys.readouterr().err


def test_existing_or_strange_output_is_refused(pictures, tmp_path):
    (tmp_path / 'o.zip').write_bytes(b'mine')
    with pytest.raises(ValueError, match='exists; delete it or choose another name'):
        prepare_images(pictures, tmp_path / 'o.zip', ImageOptions())
    (tmp_path / 'notes.json').touch()
    with pytest.raises(ValueError, match=r'notes\.json exists; delete it or choose another name'):
        prepare_images(pictures, tmp_path / 'notes.zip', ImageOptions())
    with pytest.raises(ValueError, match=r'must end in \.zip'):
        prepare_images(pictures, tmp_path / 'folder', ImageOptions())
    (tmp_path / 'empty').mkdir()
    with pytest.raises(ValueError, match='empty holds no pictures'):
        prepare_images(tmp_path / 'empty', tmp_path / 'x.zip', ImageOptions())
