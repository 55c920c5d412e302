"""Fields as video files: frames are those rendered, in the order, number and speed asked for."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from ddmi_toolkit.apis.clips import Playback, write_clip
from ddmi_toolkit.apis.writers import ClipWriter
from ddmi_toolkit.datasets.video_sources import open_clip
from ddmi_toolkit.structures import Field, PlaneLayout
from ddmi_toolkit.visualization import quantize

PLANES = ['xy', 'xt', 'yt']
LAYOUT = PlaneLayout(
    [dict(name='x', size=24), dict(name='y', size=16), dict(name='t', size=4, strided=False)],
    PLANES,
)
SPACE = PlaneLayout([dict(name=a, size=8) for a in 'xyz'], ['xy', 'yz', 'xz'])


class Waves(nn.Module):
    """Smooth values that differ at all times and places."""

    def forward(self, state, coords, *, scale=None, dirs=None):
        x, y, t = coords.dense().unbind(-1)
        waves = torch.stack([torch.sin(2 * x + 2.5 * t), 0.8 * y, torch.cos(2 * y + t)], -1)
        return 0.9 * waves + state['shift'].view(-1, 1, 1, 1, 1)


def waves(layout=LAYOUT, channels=3, batch=1):
    return Field(Waves(), dict(shift=torch.zeros(batch)), layout, channels)


def frames_of(path):
    clip = open_clip(path)
    return np.stack([np.asarray(f) for f in clip.load(range(len(clip)))])


def written(tmp_path, name, size, **options):
    path = write_clip(waves(), tmp_path / name, Playback(LAYOUT, size, **options))
    return frames_of(path)


def psnr(a, b):
    return -10 * np.log10(np.square(np.float64(a) - b).mean() / 255**2)


@pytest.mark.parametrize('max_queries', [100, 700, 2**16])
@pytest.mark.parametrize('order', ['forward', 'reverse', 'loop'])
@pytest.mark.parametrize(
    'size, region', [((7, 10, 15), None), ((5, 6, 4), (-0.5, 0.0, -0.9, 0.5, 1.0, 0.3))]
)
def test_frames_are_those_rendered_in_the_order_of_playback(order, size, region, max_queries):
    """A coordinate change: no order, part or chunk changes a frame."""
    rendered = quantize(waves().render(size, region)[0])
    n = size[0]
    expected = dict(
        forward=[*range(n)], reverse=[*range(n)][::-1], loop=[*range(n), *range(n - 2, 0, -1)]
    )
    playback = Playback(LAYOUT, size, region, order=order)
    shown = np.stack(list(playback.frames(waves(), max_queries)))
    assert sum(map(len, playback.runs)) == len(shown)
    assert np.abs(shown.astype(int) - rendered[expected[order]]).max() <= 1  # coordinates round
    assert (shown != rendered[expected[order]]).mean() < 1e-3


def test_a_loop_can_be_repeated_without_a_frame_twice():
    assert [list(r) for r in Playback(LAYOUT, (4, 8, 8), order='loop').runs] == [
        [0, 1, 2, 3],
        [2, 1],
    ]
    for n in (1, 2):
        assert sum(map(len, Playback(LAYOUT, (n, 8, 8), order='loop').runs)) == n


def test_a_clip_lasts_as_long_at_any_frame_rate():
    """Eight of the layout's frames are a second."""
    whole = [Playback(LAYOUT, (n, 8, 8)) for n in (2, 4, 16)]
    assert [p.size[0] / p.rate for p in whole] == [0.5] * 3
    half = Playback(LAYOUT, (8, 8, 8), (-1, -1, -0.5, 1, 1, 0.5))
    assert half.size[0] / half.rate == pytest.approx(0.25)
    assert Playback(LAYOUT, (8, 8, 8), fps=3).rate == 3


def test_frame_folders_are_exact(tmp_path):
    rendered = quantize(waves().render((12, 16, 24))[0])
    assert np.array_equal(written(tmp_path, 'a', (12, 16, 24)), rendered)
    assert sorted(p.name for p in (tmp_path / 'a').iterdir())[:2] == [
        'frame00000.png',
        'frame00001.png',
    ]
    assert len(written(tmp_path, 'a', (5, 8, 8))) == 5  # no former frames are left
    assert [p.name for p in tmp_path.iterdir()] == ['a']


@pytest.mark.parametrize('name, least', [('a.mp4', 33), ('a.gif', 31)])
def test_video_files_are_read_back_with_a_small_error(tmp_path, name, least):
    rendered = quantize(waves().render((9, 32, 48))[0])
    read = written(tmp_path, name, (9, 32, 48), fps=12.5)
    assert read.shape == rendered.shape
    assert min(psnr(a, b) for a, b in zip(read, rendered, strict=True)) > least
    assert open_clip(tmp_path / name).fps == pytest.approx(12.5, rel=0.01)
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_odd_sizes_of_mp4_are_padded_by_the_border(tmp_path):
    rendered = quantize(waves().render((3, 31, 45))[0])
    read = written(tmp_path, 'a.mp4', (3, 31, 45))
    assert read.shape == (3, 32, 46, 3)
    assert psnr(read[:, :31, :45], rendered) > 33
    assert psnr(read[:, 31, :45], rendered[:, 30]) > 33
    assert written(tmp_path, 'a.gif', (3, 31, 45)).shape == rendered.shape


def test_gif_repeats_forever(tmp_path):
    written(tmp_path, 'a.gif', (3, 8, 8))
    with Image.open(tmp_path / 'a.gif') as image:
        assert (image.n_frames, image.info['loop']) == (3, 0)


@pytest.mark.parametrize(
    'options, size, duration',
    [
        ({}, (4, 16, 24), 0.5),
        (dict(size=48), (4, 32, 48), 0.5),
        (dict(size=48, num_frames=16), (16, 32, 48), 0.5),
        (dict(size=(6, 10)), (4, 6, 10), 0.5),
        (dict(size=(7, 6, 10), fps=7), (7, 6, 10), 1),
        (dict(region=(-1, -1, 0, 0, 1, 1)), (2, 16, 12), 0.25),
        (dict(size=20, region=(-1, -1, -1, -0.5, 1, 1)), (4, 20, 8), 0.5),
    ],
)
def test_sizes_follow_from_what_is_given(tmp_path, options, size, duration):
    writer = ClipWriter(LAYOUT, format='frames', **options)
    (path, sheet), small = writer.write(waves(), tmp_path / 'clip')
    read = frames_of(path)
    assert read.shape == (*size, 3)
    assert size[0] / writer.playback.rate == pytest.approx(duration)
    assert np.array_equal(read, quantize(waves().render(size, options.get('region'))[0]))
    assert sheet.name == 'clip_sheet.png'
    assert small.dtype == np.uint8


def test_contact_sheet_shows_frames_and_slices(tmp_path):
    """The slice xt of the middle row runs down, the slice yt of the middle column to the right."""
    field = waves()
    ClipWriter(LAYOUT, format='gif').write(field, tmp_path / 'clip')
    with Image.open(tmp_path / 'clip_sheet.png') as image:
        sheet = np.asarray(image)
    assert sheet.shape == (16, 10 * 26 - 2, 3)
    panels = [sheet[:, 26 * k : 26 * k + 24] for k in range(10)]
    frames = quantize(field.render((8, 16, 24))[0])
    assert np.array_equal(np.stack(panels[:8]), frames)
    assert np.array_equal(panels[8], quantize(field.render((16, 1, 24))[0, :, 0]))
    yt = quantize(field.render((24, 16, 1))[0, :, :, 0])
    assert np.array_equal(panels[9], yt.transpose(1, 0, 2))
    assert (sheet[:, 24:26] == 255).all()


@pytest.mark.parametrize(
    'layout, options, message',
    [
        (LAYOUT, dict(format='avi'), "clip format 'avi' is not one of mp4, gif, frames"),
        (LAYOUT, dict(size=0), 'size=0 must be a whole number of at least 1'),
        (LAYOUT, dict(size=(8,)), r'size=\(8,\) must be \(rows, columns\) or \(frames, rows'),
        (LAYOUT, dict(size=(2, 8, 8), num_frames=3), 'has 2 frames and num_frames=3 is given too'),
        (LAYOUT, dict(num_frames=0), r'size=\(0, 16, 24\) must be 3 whole numbers'),
        (LAYOUT, dict(fps=0), 'fps=0 must be a positive number of frames per second'),
        (LAYOUT, dict(fps=1e-4), 'fps=0.0001 must be .* from 0.001'),
        (
            LAYOUT,
            dict(fps=120, format='gif'),
            "fps=120: a GIF shows at most 100 frames per second, .* choose format='mp4'",
        ),
        (LAYOUT, dict(num_frames=201, format='gif'), 'fps=402: .* lower fps or num_frames'),
        (LAYOUT, dict(playback='up'), "playback 'up' is not one of forward, reverse, loop"),
        (LAYOUT, dict(region=(0, 0, 0, 1, 1, 2)), "leaves the field: 't' goes from -1.0 to 1.0"),
        (LAYOUT, dict(cell=0.0), 'cell=0.0 must be a positive number'),
        (SPACE, {}, "a clip has the axes 'xyt', in this order, got 'xyz'"),
    ],
)
def test_options_that_do_not_fit_are_refused(layout, options, message):
    with pytest.raises(ValueError, match=message):
        ClipWriter(layout, **options)


def test_the_fastest_gif_shows_every_frame(tmp_path):
    """A hundredth of a second each; a faster one is refused before it is written."""
    write_clip(waves(), tmp_path / 'a.gif', Playback(LAYOUT, (6, 8, 8), fps=100))
    assert len(frames_of(tmp_path / 'a.gif')) == 6
    with pytest.raises(ValueError, match=r'fps=101: a GIF shows at most 100'):
        write_clip(waves(), tmp_path / 'b.gif', Playback(LAYOUT, (6, 8, 8), fps=101))
    assert [p.name for p in tmp_path.iterdir()] == ['a.gif']


@pytest.mark.parametrize(
    'field, name, message',
    [
        (waves(batch=2), 'a.mp4', "one field over x, y and t, got 2 over 'xyt'; take field"),
        (waves(SPACE, 4), 'a.mp4', "got 1 over 'xyz'"),
        (waves(), 'a.webm', "clip format 'webm' is not one of mp4, gif; a name without"),
        (waves(), 'there.mp4', 'is a folder; name a file'),
        (waves(), 'full', r"full is in the way: it holds \['letter.txt'\], which are no frames"),
    ],
)
def test_what_cannot_be_written_is_named(tmp_path, field, name, message):
    (tmp_path / 'there.mp4').mkdir()
    (tmp_path / 'full').mkdir()
    (tmp_path / 'full/letter.txt').write_text('dear')
    with pytest.raises(ValueError, match=message):
        write_clip(field, tmp_path / name, Playback(LAYOUT, (2, 8, 8)))
    assert sorted(p.name for p in tmp_path.rglob('*')) == ['full', 'letter.txt', 'there.mp4']


@pytest.mark.parametrize('name', ['a.mp4', 'a.gif', 'a'])
def test_a_broken_computation_leaves_the_former_clip(tmp_path, name):
    before = written(tmp_path, name, (2, 8, 8))
    broken = Field(nn.Bilinear(1, 1, 1), dict(shift=torch.zeros(1)), LAYOUT, 3)
    with pytest.raises(TypeError):
        write_clip(broken, tmp_path / name, Playback(LAYOUT, (3, 8, 8)))
    assert np.array_equal(frames_of(tmp_path / name), before)
    assert [p.name for p in tmp_path.iterdir()] == [name]
