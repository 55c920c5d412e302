"""Random colors of training pictures."""

import numpy as np
import pytest
from PIL import Image

from ddmi_toolkit.registry import TRANSFORMS

STILL = dict(hue=0.0, saturation=0.0, contrast=0.0, brightness=0.0)


def picture():
    pixels = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)
    return Image.fromarray(pixels)


def jittered(image, seed=0, **arguments):
    transform = TRANSFORMS.build(dict(type='JitterColors', **{**STILL, **arguments}))
    return np.asarray(transform(dict(image=image, rng=np.random.default_rng(seed)))['image'])


def test_no_change_is_none():
    """To one step of 8 bit."""
    image = picture()
    difference = jittered(image).astype(int) - np.asarray(image)
    assert np.abs(difference).max() <= 1


def test_rotated_hues_keep_value_and_chroma():
    """The largest and the smallest of red, green and blue stay; which is which changes."""
    image = picture()
    before, after = np.asarray(image).astype(int), jittered(image, hue=0.5).astype(int)
    assert np.abs(after - before).max() > 50
    assert np.abs(after.max(-1) - before.max(-1)).max() <= 1
    assert np.abs(after.min(-1) - before.min(-1)).max() <= 1


def test_brightness_shifts_all_values_alike():
    gray = Image.fromarray(np.full((4, 4, 3), 128, np.uint8))
    values = [jittered(gray, seed, brightness=0.1) for seed in range(50)]
    assert all(len(np.unique(v)) == 1 for v in values)
    shifts = np.array([int(v[0, 0, 0]) - 128 for v in values])
    assert np.abs(shifts).max() <= 26
    assert shifts.min() < -15
    assert shifts.max() > 15


def test_draws_come_from_the_record():
    image = picture()
    assert np.array_equal(jittered(image, 1, hue=0.5), jittered(image, 1, hue=0.5))
    assert not np.array_equal(jittered(image, 1, hue=0.5), jittered(image, 2, hue=0.5))


def test_out_of_range_is_named():
    with pytest.raises(ValueError, match=r'hue=0.7 must be between 0 and 0.5'):
        jittered(picture(), hue=0.7)
