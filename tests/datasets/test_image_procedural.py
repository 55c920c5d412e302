"""Procedural pictures: frozen, equal at all sizes, described truthfully."""

import hashlib

import numpy as np
import pytest
from PIL import Image

from ddmi_toolkit.datasets.procedural.drawing import Patch, Scene
from ddmi_toolkit.datasets.procedural.scene_design import KINDS, design_scene
from ddmi_toolkit.registry import DATASETS

SEEDS = [*range(24), *range(10**6, 10**6 + 24)]
DIGEST = 'efc7bdb4f028484d2fdebba254481d8410c9f0762d5f12afb1bbb1fe91298b16'
RENDERED = dict(  # of the first picture of each kind
    house=[0.648, 0.66, 0.466, 0.502],
    face=[0.368, 0.369, 0.427, 0.435],
    flower=[0.721, 0.718, 0.548, 0.504],
    boat=[0.714, 0.669, 0.567, 0.556],
)


@pytest.fixture(scope='module')
def designs():
    return {seed: design_scene(seed) for seed in SEEDS}


def area(patch, size=256):
    """Share of the picture that a white patch on black covers."""
    black = (0.0, 0.0, 0.0)
    return Scene((black, black), [patch]).render(size)[..., 0].mean(dtype=np.float64)


def shrink(pixels, factor):
    n = len(pixels) // factor
    return pixels.reshape(n, factor, n, factor, 3).mean((1, 3))


def test_pictures_of_a_seed_are_frozen(designs):
    """The distribution that results are quoted on; changing it needs a new name."""
    digest = hashlib.sha256()
    for scene, kind, caption in designs.values():
        digest.update(f'{kind} {caption} {_rounded(scene.sky)}'.encode())
        for p in scene.patches:
            numbers = (p.numbers, p.color, p.low_color or p.color, p.cut)
            digest.update(f'{p.kind} {_rounded(numbers)}'.encode())
    assert digest.hexdigest() == DIGEST


def _rounded(values):
    if isinstance(values, tuple):
        return tuple(_rounded(v) for v in values)
    return f'{values + 0.0:.6f}'


def test_rendering_is_frozen():
    """Mean color of quarters of one picture of each kind, which no refactoring may move."""
    kinds = [design_scene(seed)[1] for seed in range(24)]
    for kind, expected in RENDERED.items():
        pixels = design_scene(kinds.index(kind))[0].render(64)
        assert np.abs(shrink(pixels, 32).mean(-1).ravel() - expected).max() < 0.001


def test_a_scene_is_the_same_at_every_size(designs):
    """Rendered at 64 px against the mean of 8 x 8 pixels at 512 px."""
    errors = [
        np.square(shrink(scene.render(512), 8) - scene.render(64)).mean()
        for scene, _, _ in list(designs.values())[:12]
    ]
    assert -10 * np.log10(np.mean(errors)) > 40


@pytest.mark.parametrize(
    'patch, expected',
    [
        (('ellipse', (0.1, -0.2, 0.5, 0.3, 0.7)), np.pi * 0.15 / 4),
        (('bar', (0.1, -0.2, 0.4, 0.1, 0.5)), 0.04),
        (('polygon', (0.0, -0.5, 0.5, 0.5, -0.5, 0.5)), 0.125),
        (('hill', (0.3, 0.1, np.pi, 0.4)), 0.35),
    ],
)
@pytest.mark.parametrize('size', [24, 61, 256])
def test_coverage_adds_up_to_the_area(patch, expected, size):
    """Antialiasing neither adds nor loses area, at any size."""
    assert abs(area(Patch(*patch, (1.0, 1.0, 1.0)), size) - expected) < 0.02 / size + 2e-4


def test_cut_patch_is_its_lower_part():
    disc = ('ellipse', (0.0, 0.1, 0.5, 0.5, 0.0), (1.0, 1.0, 1.0))
    assert abs(area(Patch(*disc, cut=0.1)) / area(Patch(*disc)) - 0.5) < 1e-3


def test_all_kinds_occur_and_fill_the_picture(designs):
    """No picture is nearly empty, and colors stay in range."""
    assert {kind for _, kind, _ in designs.values()} == set(KINDS)
    for scene, _, _ in designs.values():
        pixels = scene.render(32)
        assert pixels.min() >= 0
        assert pixels.max() <= 1
        assert pixels.std((0, 1)).mean() > 0.08


def test_captions_name_the_kind_and_count_what_is_drawn(designs):
    """Petals, windows and sails are as many as the caption says."""
    numbers = dict(one=1, two=2, four=4, five=5, six=6, seven=7, eight=8)
    for scene, kind, caption in designs.values():
        words = caption.split()
        assert kind in words
        assert 'a orange' not in caption
        kinds = [p.kind for p in scene.patches]
        if kind == 'flower':
            tilted = [p for p in scene.patches if p.kind == 'ellipse' and p.numbers[4]]
            assert numbers[words[words.index('petals') - 1]] == len(tilted) - 2  # two leaves
        elif kind == 'boat':
            at = words.index('sail' if 'sail' in words else 'sails')
            assert numbers[words[at - 2]] == kinds.count('polygon')
        elif kind == 'house':
            at = words.index('window' if 'window' in words else 'windows')
            bars = kinds.count('bar') - 5 * numbers[words[at - 1]]
            assert bars - ('tree' in words) in (2, 3)  # wall, door, perhaps a chimney


def test_records_are_pictures_with_label_and_caption():
    data = DATASETS.build(
        dict(type='ProceduralImages', num_images=3, first_seed=7, size=40, pipeline=[])
    )
    item = data[2]
    scene, kind, caption = design_scene(9)
    assert isinstance(item['image'], Image.Image)
    assert np.abs(np.asarray(item['image']) / 255 - scene.render(40)).max() <= 0.5 / 255 + 1e-6
    assert (item['class_name'], item['caption'], item['name']) == (kind, caption, 'image-0000009')
    assert data.metainfo['classes'][item['label']] == kind
    assert len(data) == 3


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(num_images=0), 'num_images must be at least 1, got 0'),
        (dict(size=0), 'size must be at least 1, got 0'),
        (dict(first_seed=-1), 'first_seed must not be negative, got -1'),
    ],
)
def test_arguments_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        DATASETS.build(dict(type='ProceduralImages', **options))
