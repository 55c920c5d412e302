"""Picture files come out as a person sees them."""

import io

import numpy as np
import pytest
from PIL import Image

from ddmi_toolkit.datasets.image_files import as_filter, decode_image


def encoded(image, format='png', **options):
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def decoded(image, format='png', **options):
    return np.asarray(decode_image(encoded(image, format, **options), 'picture'))


def test_color_is_kept_bit_for_bit():
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    assert np.array_equal(decoded(Image.fromarray(pixels)), pixels)


def test_grey_gets_three_equal_channels():
    pixels = np.arange(35, dtype=np.uint8).reshape(5, 7)
    assert np.array_equal(decoded(Image.fromarray(pixels)), np.stack([pixels] * 3, -1))


@pytest.mark.parametrize('format', ['png', 'tiff'])
def test_sixteen_bits_are_scaled_and_not_clipped(format):
    """65535 is white, 257 k is k; a plain conversion would make all above 255 white."""
    deep = np.array([[0, 257, 257 * 100, 65535, 128, 129]], np.uint16)
    values = decoded(Image.fromarray(deep), format)
    assert values[0, :, 0].tolist() == [0, 1, 100, 255, 0, 1]


def test_transparent_parts_show_white():
    """Half-covering red on white is pink; what is clear is white, whatever its color."""
    pixels = np.array([[[255, 0, 0, 255], [255, 0, 0, 128], [9, 9, 9, 0]]], np.uint8)
    values = decoded(Image.fromarray(pixels, 'RGBA'))[0].tolist()
    assert values == [[255, 0, 0], [255, 127, 127], [255, 255, 255]]


def test_grey_with_transparency_shows_white():
    pixels = np.array([[[10, 255], [10, 0]]], np.uint8)
    assert decoded(Image.fromarray(pixels, 'LA'))[0].tolist() == [[10] * 3, [255] * 3]


def test_palette_with_a_transparent_entry():
    image = Image.new('P', (2, 1))
    image.putpalette([200, 10, 10, 10, 10, 200])
    image.putpixel((1, 0), 1)
    assert decoded(image)[0].tolist() == [[200, 10, 10], [10, 10, 200]]
    assert decoded(image, transparency=1)[0].tolist() == [[200, 10, 10], [255] * 3]
    assert decoded(image, 'gif', transparency=1)[0].tolist() == [[200, 10, 10], [255] * 3]


def test_bilevel_and_cmyk():
    assert decoded(Image.new('1', (1, 1), 1))[0, 0].tolist() == [255] * 3
    image = Image.new('CMYK', (8, 8), (0, 255, 255, 0))
    assert np.abs(decoded(image, 'jpeg', quality=100)[0, 0] - np.array([254, 0, 0])).max() <= 3


@pytest.mark.parametrize('orientation', range(1, 9))
def test_camera_orientation_is_applied(orientation):
    """All eight orientations end in the same upright picture."""
    upright = Image.fromarray(np.random.default_rng(0).integers(0, 256, (2, 3, 3), dtype=np.uint8))
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(undo[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert np.array_equal(decoded(stored, exif=exif), np.asarray(upright))


@pytest.mark.parametrize(
    'data', [b'', b'not a picture', encoded(Image.new('RGB', (64, 64)), 'jpeg')[:-200]]
)
def test_broken_file_is_named_with_a_remedy(data):
    with pytest.raises(ValueError, match=r'cat/7\.jpg: cannot be read as a picture .*restore'):
        decode_image(data, 'cat/7.jpg')


def test_message_is_the_same_every_time():
    """No memory address in it: reports of broken files must be comparable."""
    with pytest.raises(ValueError, match=r'^a\.png: .* \(no known format; 3 bytes\); restore'):
        decode_image(b'abc', 'a.png')


def test_file_with_a_damaged_middle_is_broken():
    data = bytearray(encoded(Image.effect_noise((32, 32), 50)))
    data[len(data) // 2] ^= 0xFF
    with pytest.raises(ValueError, match=r'7\.png: cannot be read'):
        decode_image(bytes(data), '7.png')


def test_float_picture_has_no_known_white():
    with pytest.raises(ValueError, match=r'values from 0.5 to 0.5 .*8 or 16 bits'):
        decode_image(encoded(Image.new('F', (2, 2), 0.5), 'tiff'), 'depth.tif')


def test_32_bit_tiff_has_no_known_white():
    """Taken for 16 bits, values up to 255 would be black."""
    image = Image.fromarray(np.full((2, 2), 255, np.int32))
    with pytest.raises(ValueError, match=r'depth\.tif: .*to 255 .*32 bits.* 8 or 16 bits'):
        decode_image(encoded(image, 'tiff'), 'depth.tif')


def test_16_bit_grey_of_any_format_becomes_8_bit():
    values = np.array([[0, 257, 65535]], np.uint16)
    pgm = b'P5 3 1 65535\n' + values.astype('>u2').tobytes()
    files = [pgm, *(encoded(Image.fromarray(values), kind) for kind in ('png', 'tiff'))]
    for data in files:
        assert np.asarray(decode_image(data, 'a'))[0, :, 0].tolist() == [0, 1, 255]


def test_filters_are_checked():
    with pytest.raises(ValueError, match=r"one of .*'bicubic'.* got 'cubic'"):
        as_filter('cubic')
