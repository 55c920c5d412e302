"""Procedural clips: frozen, equal at all sizes and frame rates, moving, described truthfully."""

import hashlib

import numpy as np
import pytest

from ddmi_toolkit.datasets.procedural.clip_design import KINDS, design_clip
from ddmi_toolkit.registry import DATASETS

SEEDS = [*range(20), *range(10**6, 10**6 + 20)]
DIGEST = 'bf15f9e44787efeb6444663efad685c00982fbd2b83ae6b71c8905137c27b230'
TIMES = (-1.0, -0.3, 0.45, 1.0)


@pytest.fixture(scope='module')
def clips():
    return {seed: design_clip(seed) for seed in SEEDS}


def test_clips_of_a_seed_are_frozen(clips):
    """The distribution that results are quoted on; changing it needs a new name."""
    digest = hashlib.sha256()
    for clip in clips.values():
        digest.update(f'{clip.kind} {clip.caption}'.encode())
        for time in TIMES:
            scene = clip.scene_at(time)
            digest.update(f'{_rounded(scene.sky)}'.encode())
            for p in scene.patches:
                numbers = (p.numbers, p.color, p.low_color or p.color, p.cut)
                digest.update(f'{p.kind} {_rounded(numbers)}'.encode())
    assert digest.hexdigest() == DIGEST


def _rounded(values):
    if isinstance(values, tuple):
        return tuple(_rounded(v) for v in values)
    return f'{values + 0.0:.6f}'


def test_a_clip_is_a_continuous_function_of_time(clips):
    """Half the time step, half the change; and no time is left out."""
    for clip in list(clips.values())[:12]:
        changes = []
        for step in (0.01, 0.005):
            pairs = [(t, t + step) for t in np.linspace(-1, 1 - step, 7)]
            changes.append(
                np.mean([np.abs(clip.frame_at(b, 32) - clip.frame_at(a, 32)) for a, b in pairs])
            )
        assert changes[0] > 1e-5  # something moves
        assert 1.5 < changes[0] / changes[1] < 2.6


def test_a_clip_is_the_same_at_every_size(clips):
    """Rendered at 64 px against the mean of 4 x 4 pixels at 256 px."""
    errors = []
    for clip in list(clips.values())[:6]:
        fine = clip.frame_at(0.3, 256).reshape(64, 4, 64, 4, 3).mean((1, 3))
        errors.append(np.square(fine - clip.frame_at(0.3, 64)).mean())
    assert -10 * np.log10(np.mean(errors)) > 40


def test_all_kinds_occur_and_are_seen(clips):
    assert {c.kind for c in clips.values()} == set(KINDS)
    for clip in clips.values():
        frames = np.stack([clip.frame_at(t, 32) for t in np.linspace(-1, 1, 5)])
        assert frames.min() >= 0
        assert frames.max() <= 1
        assert frames.std((1, 2)).mean() > 0.05
        assert np.abs(frames[-1] - frames[0]).mean() > 0.01  # what is quickest is seen


def test_captions_say_what_moves_where(clips):
    """Mills have as many wings as they say, clouds drift to the side they say."""
    words = dict(three=3, four=4, five=5, two=2)
    for clip in clips.values():
        said = clip.caption.split()
        assert 'a orange' not in clip.caption
        kinds = [p.kind for p in clip.scene_at(0.0).patches]
        if clip.kind == 'mill':
            assert kinds.count('bar') == 1 + words[said[said.index('wings') - 2]]  # and a door
        elif clip.kind == 'clouds':
            assert kinds.count('ellipse') == 1 + 5 * words[said[0]]  # five puffs, and the sun
            starts, ends = (
                [p.numbers[0] for p in clip.scene_at(t).patches if p.kind == 'ellipse'][1:]
                for t in (0.0, 0.01)
            )
            steps = np.sign(np.subtract(ends, starts))
            side = 1 if 'right' in said else -1
            assert (steps == side).mean() > 0.7  # some may just enter again
        elif clip.kind == 'ball':
            assert {'ball', 'stripe', said[1], 'bouncing'} <= set(said)


def test_light_follows_the_hour(clips):
    """Mornings become brighter, evenings darker, nights are dark."""
    for clip in clips.values():
        first, last = (clip.frame_at(t, 32)[:8].mean() for t in (-1, 1))
        if 'evening' in clip.caption:
            assert first > last
        elif 'morning' in clip.caption:
            assert first < last
        assert ('at night' in clip.caption) == (first < 0.3)


def test_records_are_frames_at_even_times_with_label_and_caption():
    config = dict(type='ProceduralClips', num_clips=3, first_seed=7, size=24, pipeline=[])
    data = DATASETS.build(dict(config, num_frames=5))
    item, scene = data[2], design_clip(9)
    assert len(item['frames']) == 5
    for k, frame in enumerate(item['frames']):
        exact = scene.frame_at((2 * k + 1) / 5 - 1, 24)
        assert np.abs(np.asarray(frame) / 255 - exact).max() <= 0.5 / 255 + 1e-6
    named = (item['class_name'], item['caption'], item['name'])
    assert named == (scene.kind, scene.caption, 'clip-0000009')
    assert data.metainfo['classes'][item['label']] == scene.kind
    assert len(data) == 3
    thrice = DATASETS.build(dict(config, num_frames=15))[2]['frames'][1::3]
    for fast, slow in zip(thrice, item['frames'], strict=True):
        assert np.array_equal(np.asarray(fast), np.asarray(slow))


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(num_clips=0), 'num_clips must be at least 1, got 0'),
        (dict(size=0), 'size must be at least 1, got 0'),
        (dict(num_frames=0), 'num_frames must be at least 1, got 0'),
        (dict(first_seed=-1), 'first_seed must not be negative, got -1'),
    ],
)
def test_arguments_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        DATASETS.build(dict(type='ProceduralClips', **options))
