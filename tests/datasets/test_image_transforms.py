"""Mirrors, crops at a magnification, and the batch contract of images."""

import numpy as np
import pytest
import torch
from PIL import Image

from ddmi_toolkit.datasets import (
    AbstractDataset,
    CenterSquare,
    EnumeratedDraws,
    Flip,
    MultiScaleCrop,
    PackImage,
)
from ddmi_toolkit.datasets.image_files import FILTERS
from ddmi_toolkit.structures import Axis, PlaneLayout, as_coords, pixel_centers


def noise(height, width, seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def ramp(height, width):
    """Red grows along x and green along y, by one level per pixel."""
    y, x = np.mgrid[:height, :width]
    return Image.fromarray(np.stack([x, y, 0 * x], -1).astype(np.uint8))


def record(image, seed=0, **extra):
    rng = np.random.default_rng(seed)
    return dict(name='a/b.png', image=image, rng=rng, index=0, visit=0, **extra)


def bytes_of(values):
    return ((values + 1) * 127.5).round().to(torch.uint8).numpy()


class Pictures(AbstractDataset):
    """Four pictures of noise."""

    def __len__(self):
        return 4

    def read(self, index, rng):
        return dict(name=str(index), image=noise(8, 8, index))


def test_two_draws_are_each_picture_and_its_mirror():
    """So a latent cache of two draws holds both, once; half of a round is mirrored."""
    data = EnumeratedDraws(Pictures([Flip(), PackImage(8)]), draws_per_item=2)
    plain = Pictures([PackImage(8)])
    mirrored = []
    for i in range(4):
        picture = plain[i]['target']
        draws = [data.dataset[data.enumerated(i, v)]['target'] for v in (0, 1)]
        mirrored.append(torch.equal(draws[0], picture.flip(1)))
        assert torch.equal(draws[mirrored[i]], picture)
        assert torch.equal(draws[not mirrored[i]], picture.flip(1))
    assert mirrored == [False, True, False, True]


def test_flip_moves_the_crop_and_the_input_together():
    """A mirrored picture under the same draw."""
    crop = MultiScaleCrop(8, magnification_range=(1, 2))
    left = crop(record(noise(16, 16)))
    odd = record(noise(16, 16)) | dict(visit=1)
    right = crop(Flip()(odd))
    assert torch.equal(right['inputs'], left['inputs'].flip(2))


@pytest.mark.parametrize('size', [(7, 10), (10, 7), (6, 6)])
def test_center_square_is_the_largest_and_centered(size):
    pixels = np.asarray(noise(*size))
    side = min(size)
    top, left = (size[0] - side) // 2, (size[1] - side) // 2
    image = CenterSquare()(record(Image.fromarray(pixels)))['image']
    assert np.array_equal(np.asarray(image), pixels[top : top + side, left : left + side])


@pytest.mark.parametrize('filter', list(FILTERS))
def test_crop_is_that_of_the_resized_picture(filter):
    """Cut after resizing the whole picture: bit for bit but for rounding of the filter."""
    image = noise(48, 96)
    crop = MultiScaleCrop((16, 32), (12, 20), (1, 1.5, 2), filter=filter)
    for seed in range(20):
        sample = crop(record(image, seed))
        magnification = 1 / sample['query']['scale'].item()
        h, w = round(16 * magnification), round(32 * magnification)
        whole = np.asarray(image.resize((w, h), FILTERS[filter]))
        top = round((sample['query']['y'][0].item() + 1) / 2 * h - 0.5)
        left = round((sample['query']['x'][0].item() + 1) / 2 * w - 0.5)
        expected = whole[top : top + 12, left : left + 20].astype(int)
        assert np.abs(bytes_of(sample['target']) - expected).max() <= 1
        same = bytes_of(sample['inputs'].movedim(0, -1))
        assert np.array_equal(same, np.asarray(image.resize((32, 16), FILTERS[filter])))


def test_every_offset_is_reached_the_last_one_included():
    """5 x 3 places of a 4 x 6 crop in 8 x 8, and equally often."""
    crop = MultiScaleCrop(4, (4, 6), (2,), (1,))
    rng, image = np.random.default_rng(0), noise(8, 8)
    counts = np.zeros((5, 3), int)
    for _ in range(1500):
        query = crop(record(image) | dict(rng=rng))['query']
        top = round((query['y'][0].item() + 1) / 2 * 8 - 0.5)
        left = round((query['x'][0].item() + 1) / 2 * 8 - 0.5)
        counts[top, left] += 1
    assert counts.min() > 60  # 100 expected, standard deviation 10
    assert counts.max() < 140


def test_mixture_has_its_probabilities():
    """0.3, 0.3, 0.4, within four standard deviations; samples draw for themselves."""
    places = MultiScaleCrop(4).places
    rng = np.random.default_rng(0)
    drawn = np.array([places.draw(rng)[0] for _ in range(4000)])
    for magnification, probability in zip((1, 1.5, 2), (0.3, 0.3, 0.4), strict=True):
        assert abs((drawn == magnification).mean() - probability) < 0.031


def test_real_places_are_uniform_and_inside():
    """Magnifications and places fill their ranges; crops stay inside the picture."""
    places = MultiScaleCrop(8, (8, 6), magnification_range=(1.25, 2)).places
    rng = np.random.default_rng(0)
    m, top, left = np.array([places.draw(rng) for _ in range(4000)]).T
    for share in ((m - 1.25) / 0.75, top / (8 * m - 8), left / (8 * m - 6)):
        assert share.min() > 0
        assert share.max() < 1
        assert abs(share.mean() - 0.5) < 0.019
        assert abs(share.var() - 1 / 12) < 0.005


@pytest.mark.parametrize('filter', ['bilinear', 'bicubic', 'lanczos'])
@pytest.mark.parametrize(
    'options',
    [dict(magnification_range=(1, 2)), dict(magnifications=(1, 1.5, 2))],
    ids=['range', 'mixture'],
)
def test_target_is_the_picture_at_the_query(options, filter):
    """A picture that is linear in x and y: the target is linear in the query's coordinates."""
    crop = MultiScaleCrop((32, 64), (24, 24), filter=filter, **options)
    image = ramp(128, 256)
    for seed in range(10):
        sample = crop(record(image, seed))
        for channel, (axis, size) in enumerate(dict(x=256, y=128).items()):
            at = sample['query'][axis]
            expected = ((at + 1) / 2 * size - 0.5) / 127.5 - 1
            values = sample['target'][..., channel]
            values = values[0] if axis == 'x' else values[:, 0]
            inner = at.abs() < 0.85  # filters see no pixels beyond the border
            assert (values - expected)[inner].abs().max() < 1.1 / 127.5


def test_magnification_one_is_the_whole_picture():
    sample = MultiScaleCrop((4, 6), magnifications=[1], probabilities=[1])(record(noise(8, 12)))
    assert torch.equal(sample['target'], sample['inputs'].movedim(0, -1))
    assert torch.equal(sample['query']['x'], pixel_centers(Axis('x', 6), 6))
    assert torch.equal(sample['query']['y'], pixel_centers(Axis('y', 4), 4))
    assert sample['query']['scale'] == 1


@pytest.mark.parametrize('seed', range(5))
def test_scale_is_the_size_of_a_query_pixel_in_input_pixels(seed):
    sample = MultiScaleCrop(8, magnification_range=(1, 2))(record(noise(16, 16), seed))
    spacing = sample['query']['x'].diff() / (2 / 8)
    assert torch.allclose(spacing, sample['query']['scale'].expand(7), atol=1e-6)


def test_query_looks_up_the_input_where_the_target_is():
    """Rows and columns of a picture that is not square: its plane at the query is the target."""
    layout = PlaneLayout(
        axes=[dict(name='x', size=6), dict(name='y', size=4)],
        planes=['xy'],
        latent_stride=2,
        align_corners=False,
    )
    sample = PackImage((4, 6))(record(noise(4, 6)))
    query = {k: v[None] for k, v in sample['query'].items()}
    coords = as_coords(query, layout)
    values = layout.sample('xy', sample['inputs'][None], coords.project('xy'))
    assert coords.shape == (4, 6)
    assert torch.allclose(coords.spread('xy', values)[0], sample['target'], atol=1e-6)


def test_packed_picture_has_all_sizes():
    image = noise(16, 32)
    pack = PackImage((4, 8), size=(8, 16), image_size=(16, 32), cond='label')
    sample = pack(record(image, label=3))
    assert np.array_equal(bytes_of(sample['meta']['image']), np.asarray(image))
    assert np.array_equal(bytes_of(sample['target']), np.asarray(image.resize((16, 8), 2)))
    assert sample['query']['scale'] == 0.5
    assert list(sample['query']) == ['y', 'x', 'scale']
    assert torch.equal(sample['query']['x'], pixel_centers(Axis('x', 16), 16))
    assert (sample['cond'], sample['meta']['name']) == (3, 'a/b.png')
    assert set(sample) == {'inputs', 'query', 'target', 'meta', 'cond'}


@pytest.mark.parametrize('value', [0, 255])
def test_values_span_minus_one_to_one(value):
    sample = PackImage(2)(record(Image.new('RGB', (2, 2), (value,) * 3)))
    assert sample['inputs'].unique().tolist() == [value / 127.5 - 1]
    assert sample['inputs'].dtype == sample['target'].dtype == torch.float32


@pytest.mark.parametrize(
    'transform, image, message',
    [
        (MultiScaleCrop(8), noise(15, 15), r'a/b.png: 15x15 pixels, at least 16x16 .*lower'),
        (
            MultiScaleCrop(8, magnification_range=(1, 1.5)),
            noise(11, 11),
            'at least 12x12 are needed',
        ),
        (MultiScaleCrop(8), noise(16, 20), 'a/b.png: 20x16 .* distorted .*CenterSquare'),
        (PackImage(8), noise(7, 7), 'at least 8x8 are needed'),
        (PackImage(4, image_size=8), noise(7, 7), 'at least 8x8 are needed'),
        (PackImage((4, 8)), noise(8, 8), 'distorted to 8x4; put CenterSquare'),
        (PackImage(4, cond='label'), noise(4, 4), "cond='label' is not in the record"),
    ],
)
def test_picture_that_does_not_fit_is_named(transform, image, message):
    with pytest.raises(ValueError, match=message):
        transform(record(image))


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(magnifications=(1, 2)), 'needs a probability .* which sum to 1'),
        (dict(magnifications=(1, 2), probabilities=(0.5, 0.6)), 'which sum to 1'),
        (dict(magnifications=(1, 2), probabilities=(1.5, -0.5)), 'probability of at least 0'),
        (dict(magnifications=(1, 1.3, 2)), 'magnification 1.3 makes 10.4x10.4 .*magnification_ra'),
        (dict(crop_size=9), r'crop_size=\(9, 9\) is larger than 1 times input_size=\(8, 8\)'),
        (dict(crop_size=9, magnification_range=(1, 2)), 'larger than 1 times'),
        (dict(magnification_range=(2, 1)), '0 < low <= high'),
        (dict(magnification_range=(0, 1)), '0 < low <= high'),
        (dict(filter='cubic'), "filter must be one of .*got 'cubic'"),
    ],
)
def test_arguments_that_do_not_fit_together(options, message):
    with pytest.raises(ValueError, match=message):
        MultiScaleCrop(8, **options)


@pytest.mark.parametrize('sizes', [dict(size=(8, 16)), dict(image_size=(4, 3))])
def test_sizes_of_other_shapes_are_refused(sizes):
    with pytest.raises(ValueError, match='has another shape than input_size='):
        PackImage(8, **sizes)
