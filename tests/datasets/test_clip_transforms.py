"""Samples of clips: coordinates say where the target is, whatever is cropped or left out."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from ddmi_toolkit.datasets import CropClip, FlipClip, PackClip
from ddmi_toolkit.datasets.procedural.clip_design import design_clip
from ddmi_toolkit.structures import Field, PlaneLayout


def record(num=6, height=48, width=48, seed=0, values=None, **more):
    """Frames that are linear in x, y and t (each its own color), so that resizing keeps them."""
    if values is None:
        axes = [(2 * np.arange(n) + 1) / n - 1 for n in (num, height, width)]
        t, y, x = np.meshgrid(*axes, indexing='ij')
        values = np.stack([x, y, t], -1)
    frames = [Image.fromarray(np.round((v + 1) * 127.5).astype(np.uint8)) for v in values]
    rng = np.random.Generator(np.random.PCG64(seed))
    return dict(dict(name='a', frames=frames, index=0, visit=0, rng=rng), **more)


def expected(query):
    """What the linear clip is at a query, ``(n, h, w, 3)``."""
    t, y, x = torch.meshgrid(query['t'], query['y'], query['x'], indexing='ij')
    return torch.stack([x, y, t], -1)


def inner(values):
    """Without the border, where antialiasing filters cannot be linear."""
    return values[:, 2:-2, 2:-2]


@pytest.mark.parametrize('size, target, scale', [(16, None, 1.0), (16, 24, 1.5 ** (-2 / 3))])
def test_packed_clip_is_the_values_at_its_query(size, target, scale):
    sample = PackClip(size, target_size=target, clip_size=(12, 12)).transform(record())
    n = target or size
    assert list(sample['query'])[:3] == ['t', 'y', 'x']  # which makes the query shape (n, h, w)
    assert sample['target'].shape == (6, n, n, 3)
    assert sample['inputs'].shape == (3, 6, size, size)
    assert torch.allclose(inner(sample['target']), inner(expected(sample['query'])), atol=0.015)
    assert torch.allclose(sample['query']['t'], torch.tensor([-5, -3, -1, 1, 3, 5]) / 6)
    assert sample['query']['scale'].item() == pytest.approx(scale)
    assert sample['meta']['clip'].shape == (6, 12, 12, 3)
    assert sample['meta']['name'] == 'a'
    if target is None:
        assert torch.equal(sample['inputs'].movedim(0, -1), sample['target'])


def test_scale_is_that_of_the_rendered_raster():
    """A field sees the same scale in training, evaluation and rendering."""

    class Scale(nn.Module):
        def forward(self, state, coords, *, scale=None, dirs=None):
            return scale.view(-1, 1, 1, 1, 1).expand(-1, *coords.shape, 3)

    axes = [dict(name='x', size=16), dict(name='y', size=12), dict(name='t', size=6, strided=False)]
    field = Field(Scale(), dict(a=torch.zeros(1)), PlaneLayout(axes, ['xy']), 3)
    sample = PackClip((12, 16), target_size=(24, 32)).transform(record(6, 24, 32))
    rendered = field.render((6, 24, 32))[0, 0, 0, 0, 0]
    assert sample['query']['scale'].item() == pytest.approx(rendered.item())
    crop = CropClip((12, 16), magnification_range=(2, 2)).transform(record(6, 24, 32))
    assert crop['query']['scale'].item() == pytest.approx(rendered.item())


@pytest.mark.parametrize('frames', [None, 1, 4])
@pytest.mark.parametrize('crop', [None, 8, (12, 10)])
@pytest.mark.parametrize('magnified', [None, (1, 3), (2.5, 2.5)])
def test_cropped_target_is_the_values_at_its_query(frames, crop, magnified):
    """For any run of frames, place and magnification; the frame drawn is one of the run."""
    transform = CropClip(16, frames, crop, magnified)
    for seed in range(3):
        sample = transform.transform(record(seed=seed))
        query, target = sample['query'], sample['target']
        count = frames or 6
        h, w = (16, 16) if crop is None else (crop, crop) if isinstance(crop, int) else crop
        assert target.shape == (count, h, w, 3)
        assert torch.allclose(inner(target), inner(expected(query)), atol=0.015)
        assert sample['inputs'].shape == (3, 6, 16, 16)
        steps = query['t'].diff()
        assert torch.allclose(steps, torch.full_like(steps, 2 / 6))
        assert query['frame'].dtype == torch.int64
        assert 0 <= query['frame'] < count
        spacing = query['x'].diff().mean().item() * 16 / 2  # relative to the input's
        assert query['scale'].item() == pytest.approx(spacing ** (2 / 3), rel=1e-4)


def test_all_places_and_frames_are_drawn():
    transform = CropClip(16, num_query_frames=2, crop_size=15)
    drawn = {
        (
            round((s['query']['t'][0].item() + 1) * 3 - 0.5),
            round((s['query']['y'][0].item() + 1) * 8 - 0.5),
            round((s['query']['x'][0].item() + 1) * 8 - 0.5),
            s['query']['frame'].item(),
        )
        for s in (transform.transform(record(seed=seed)) for seed in range(300))
    }
    assert drawn == {(t, y, x, k) for t in range(5) for y in (0, 1) for x in (0, 1) for k in (0, 1)}


def test_draws_follow_from_the_seed():
    transform = CropClip(16, 3, 8, (1, 2))
    a, b, c = (transform.transform(record(seed=s)) for s in (4, 4, 5))
    assert all(torch.equal(a['query'][k], b['query'][k]) for k in a['query'])
    assert torch.equal(a['target'], b['target'])
    assert not torch.equal(a['query']['x'], c['query']['x'])


@pytest.mark.parametrize('transform', [PackClip(16), CropClip(16), CropClip((16, 16))])
def test_frames_are_cropped_around_their_center(transform):
    """And nothing beyond the crop leaks into it."""
    square = np.stack([np.asarray(f) for f in record()['frames']])
    wide = np.full((6, 48, 80, 3), 255, np.uint8)
    wide[:, :, 16:64] = square
    frames = [Image.fromarray(frame) for frame in wide]
    sample = transform.transform(record(frames=frames))
    plain = transform.transform(record())
    assert torch.equal(sample['inputs'], plain['inputs'])
    assert torch.equal(sample['target'], plain['target'])


def test_another_shape_than_a_square():
    sample = PackClip((8, 16)).transform(record(2, 48, 64))
    assert sample['target'].shape == (2, 8, 16, 3)
    assert sample['query']['x'].shape == (16,)
    # 32 of 48 rows are kept: y spans two thirds of what it was
    assert torch.allclose(sample['target'][0, 3:5, 8, 1], torch.tensor([-1, 1]) / 12, atol=0.01)


def test_a_clip_at_twice_the_frame_rate_agrees_at_its_own_times():
    """Three frames for one: those in the middle are at the same coordinates and equal."""
    scene = design_clip(2)
    times = [[(2 * k + 1) / n - 1 for k in range(n)] for n in (5, 15)]
    slow, fast = (
        PackClip(32).transform(record(values=[2 * scene.frame_at(t, 32) - 1 for t in part]))
        for part in times
    )
    assert torch.allclose(fast['query']['t'][1::3], slow['query']['t'], atol=1e-6)
    assert torch.equal(fast['target'][1::3], slow['target'])


def test_alternate_visits_are_mirrored():
    for index, visit in ((0, 0), (0, 1), (1, 0), (1, 1)):
        flipped = FlipClip().transform(record(index=index, visit=visit))['frames']
        for frame, original in zip(flipped, record()['frames'], strict=True):
            pixels = np.asarray(original)
            expected = pixels[:, ::-1] if (index + visit) % 2 else pixels
            assert np.array_equal(np.asarray(frame), expected)


def test_conditions_are_handed_on():
    assert PackClip(16, cond='label').transform(record(label=3))['cond'] == 3
    assert CropClip(16, cond='label').transform(record(label=3))['cond'] == 3
    with pytest.raises(ValueError, match=r"cond='caption' is not in the record of 'a', .*'name'\]"):
        PackClip(16, cond='caption').transform(record())


@pytest.mark.parametrize(
    'build, message',
    [
        (lambda: PackClip(64).transform(record()), 'a: frames of 48x48 pixels, at least 64x64 are'),
        (lambda: PackClip(16, clip_size=49).transform(record()), 'at least 49x49 are needed'),
        (lambda: CropClip(32, magnification_range=(1, 2)).transform(record()), 'least 64x64'),
        (lambda: CropClip(16, 7).transform(record()), 'num_query_frames=7 of a clip of 6 frames'),
        (lambda: CropClip(16, 0), 'num_query_frames must be at least 1, got 0'),
        (lambda: CropClip(16, crop_size=17), r'crop_size=\(17, 17\) is larger than 1 times'),
        (lambda: PackClip(16, filter='sinc'), "filter must be one of .*, got 'sinc'"),
        (lambda: PackClip(0), 'size=0 must be a number of pixels'),
    ],
)
def test_mistakes_are_named(build, message):
    with pytest.raises(ValueError, match=message):
        build()
