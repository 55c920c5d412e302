"""Pictures written band by band are read back bit for bit by other people's readers."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from ddmi_toolkit.visualization import STREAMS, streaming, write_png, write_tiff


def bands(picture, cuts):
    """Consecutive rows of a picture, cut at some of them."""
    return iter(np.split(picture, cuts))


@pytest.mark.parametrize('suffix', STREAMS)
@pytest.mark.parametrize('channels', [1, 3])
@pytest.mark.parametrize(
    'height, width, cuts', [(1, 1, []), (300, 517, [1, 2, 270]), (513, 256, [256]), (7, 600, [])]
)
def test_pictures_are_read_back(tmp_path, suffix, channels, height, width, cuts):
    rng = np.random.default_rng(height + channels)
    picture = rng.integers(0, 256, (height, width, channels), dtype=np.uint8)
    path = tmp_path / f'picture{suffix}'
    with path.open('wb') as file:
        STREAMS[suffix](file, bands(picture, cuts), picture.shape)
    with Image.open(path) as image:
        assert image.mode == ('L' if channels == 1 else 'RGB')
        assert np.array_equal(np.asarray(image).reshape(picture.shape), picture)


def test_smooth_pictures_are_compressed(tmp_path):
    x = np.arange(512, dtype=np.uint8)
    picture = np.stack([np.add.outer(x, x)] * 3, -1)
    for suffix, stream in STREAMS.items():
        path = tmp_path / f'picture{suffix}'
        with path.open('wb') as file:
            stream(file, bands(picture, [100]), picture.shape)
        assert path.stat().st_size < 0.05 * picture.nbytes


@pytest.mark.parametrize('limit, is_big', [(10**6, False), (10**3, True)])
def test_large_pictures_become_bigtiff(tmp_path, monkeypatch, limit, is_big):
    monkeypatch.setattr(streaming, '_CLASSIC_TIFF_BYTES', limit)
    picture = np.zeros((300, 300, 3), np.uint8)
    path = tmp_path / 'picture.tif'
    with path.open('wb') as file:
        write_tiff(file, iter([picture]), picture.shape)
    with tifffile.TiffFile(path) as tiff:
        assert tiff.is_bigtiff == is_big
        assert tiff.pages[0].tile == (256, 256)
        assert tiff.pages[0].compression == tifffile.COMPRESSION.ADOBE_DEFLATE


@pytest.mark.parametrize('stream', [write_png, write_tiff])
def test_missing_rows_are_noticed(tmp_path, stream):
    with (
        (tmp_path / 'picture').open('wb') as file,
        pytest.raises(ValueError, match='a picture of 9 rows have 8 rows'),
    ):
        stream(file, iter([np.zeros((8, 5, 3), np.uint8)]), (9, 5, 3))
