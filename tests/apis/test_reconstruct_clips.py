"""Clips come back at any size and frame rate, are compared fairly, and mistakes are named."""

import numpy as np
import pytest
from PIL import Image
from torch import nn

from ddmi_toolkit.apis import find_inputs, make_reconstructor, reconstruct_files
from ddmi_toolkit.datasets.procedural.clip_design import design_clip
from ddmi_toolkit.datasets.video_sources import open_clip
from ddmi_toolkit.structures import Field, PlaneLayout
from ddmi_toolkit.visualization import write_mp4

LAYOUT = PlaneLayout(
    [dict(name='x', size=24), dict(name='y', size=16), dict(name='t', size=4, strided=False)],
    ['xy', 'xt', 'yt'],
)


class Trilinear(nn.Module):
    """The encoder's input itself as a continuous clip."""

    def forward(self, state, coords, *, scale=None, dirs=None):
        grid = coords.dense()  # (1, t, y, x, 3), as grid_sample takes it
        values = nn.functional.grid_sample(
            state['clip'], grid, padding_mode='border', align_corners=False
        )
        return values.movedim(1, -1)


class Perfect:
    """Stands for a trained model: clips become their trilinear interpolation."""

    def reconstruct(self, inputs):
        for one in inputs:
            yield Field(Trilinear(), dict(clip=one[None]), LAYOUT, 3)


def moving(num, height=32, width=48):
    frames = [np.round(design_clip(3).frame_at(t, 64) * 255) for t in np.linspace(-1, 1, num)]
    return [np.asarray(Image.fromarray(f.astype(np.uint8)).resize((width, height))) for f in frames]


def save_frames(folder, frames):
    folder.mkdir(parents=True)
    for i, frame in enumerate(frames):
        Image.fromarray(frame).save(folder / f'{i}.png')


def save_video(path, frames, fps):
    with open(path, 'wb') as file:
        write_mp4(file, frames, frames[0].shape[:2], fps)


def run(path, out, **options):
    reconstructor = make_reconstructor(LAYOUT, options, 3)
    inputs = find_inputs([path], reconstructor)
    return dict(reconstruct_files(Perfect(), inputs, out, reconstructor))


def shown(path):
    clip = open_clip(path)
    return np.stack([np.asarray(f) for f in clip.load(range(len(clip)))])


def test_a_perfect_model_returns_the_clip(tmp_path):
    """Frames of the layout's size, in natural order: 10.png after 9.png."""
    frames = moving(13, 16, 24)
    save_frames(tmp_path / 'in', frames)
    report = run(tmp_path / 'in', tmp_path / 'out', start=3, stride=3, format='frames')
    psnr = float('inf')
    done = 'frames 3 to 12 of 13 by 3, 24x16'
    assert report == {'in': dict(done=done, psnr_at_input_size=psnr, psnr=psnr)}
    assert np.array_equal(shown(tmp_path / 'out/in'), np.stack(frames[3::3]))
    names = sorted(p.name for p in (tmp_path / 'out').iterdir())
    assert names == [
        'in',
        'in.safetensors',
        'in_comparison.png',
        'in_sheet.png',
        'reconstruction.json',
    ]


def test_original_is_cropped_reduced_and_compared_at_the_size_asked_for(tmp_path):
    frames = moving(4, 64, 100)
    save_frames(tmp_path / 'set/a/b', frames)
    reports = run(tmp_path / 'set', tmp_path / 'out', factor=2, format='frames')
    report = reports['a_b']
    assert report['done'] == 'frames 0 to 3 of 4, 100x64, center-cropped to 96x64, reduced to 24x16'
    assert report['psnr_at_input_size'] == float('inf')
    cropped = [Image.fromarray(f[:, 2:98]) for f in frames]
    target = np.stack([np.asarray(f.resize((48, 32), Image.Resampling.BILINEAR)) for f in cropped])
    rendered = shown(tmp_path / 'out/a_b')
    error = np.square(rendered.astype(float) - target).mean()
    assert report['psnr'] == pytest.approx(10 * np.log10(255**2 / error), abs=0.1)
    with Image.open(tmp_path / 'out/a_b_comparison.png') as image:
        sheet = np.asarray(image)
    assert sheet.shape == (2 * 128 + 2, 4 * 194 - 2, 3)
    original = np.asarray(cropped[1].resize((192, 128), Image.Resampling.BILINEAR))
    assert np.abs(sheet[:128, 194:386].astype(int) - original).max() <= 1


def test_speed_of_a_video_file_is_kept_at_any_frame_rate(tmp_path):
    save_video(tmp_path / 'a.mp4', moving(20), fps=10)
    for num_frames, stride in [(4, 1), (16, 1), (4, 5)]:
        options = dict(num_frames=num_frames, stride=stride, start=2)
        report = run(tmp_path / 'a.mp4', tmp_path / 'out', **options)['a']
        written = open_clip(tmp_path / 'out/a.mp4')
        assert len(written) == num_frames
        assert written.fps == pytest.approx(10 * num_frames / 4 / stride)
        assert ('psnr' in report) == (num_frames == 4)
        assert report['done'].startswith(f'frames 2 to {2 + 3 * stride} of 20')


def test_playback_and_region(tmp_path):
    save_frames(tmp_path / 'in', moving(4, 16, 24))
    run(tmp_path / 'in', tmp_path / 'a', format='frames')
    part = dict(region=(-1, -1, -0.5, 0, 1, 1), playback='reverse', format='frames')
    report = run(tmp_path / 'in', tmp_path / 'b', **part)['in']
    whole, some = shown(tmp_path / 'a/in'), shown(tmp_path / 'b/in')
    assert np.abs(some.astype(int) - whole[:0:-1, :, :12]).max() <= 1
    assert 'psnr' not in report


def test_small_frames_are_enlarged_and_not_taken_for_truth(tmp_path):
    save_frames(tmp_path / 'in', moving(4, 8, 12))
    report = run(tmp_path / 'in', tmp_path / 'out', format='gif')['in']
    assert report['done'] == 'frames 0 to 3 of 4, 12x8, enlarged to 24x16'
    assert 'psnr' not in report


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(size=8, factor=2.0), 'size=8 and factor=2.0 are both given'),
        (dict(start=-1), 'start=-1 and stride=1: frames are counted from 0'),
        (dict(stride=0), 'start=0 and stride=0: frames are counted from 0, strides from 1'),
        (dict(format='png'), "clip format 'png' is not one of mp4, gif, frames"),
        (dict(resolution=3), 'resolution does not apply to a clip'),
        (dict(factor=-1.0), 'factor=-1.0 must be a positive number'),
    ],
)
def test_options_that_do_not_fit_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        make_reconstructor(LAYOUT, options, 3)


def test_files_that_cannot_be_reconstructed_are_named(tmp_path):
    save_frames(tmp_path / 'short', moving(7, 16, 24))
    with pytest.raises(ValueError, match=r'short has 7 frames, 8 are needed for 4 with start=1'):
        run(tmp_path / 'short', tmp_path / 'out', start=1, stride=2)
    (tmp_path / 'none').mkdir()
    with pytest.raises(ValueError, match=r'none holds no file .*mp4.*, or a folder of frames'):
        run(tmp_path / 'none', tmp_path / 'out')
    (tmp_path / 'bad.mp4').write_bytes(b'no video')
    with pytest.raises(ValueError, match=r'bad\.mp4: cannot be read as a video'):
        run(tmp_path / 'bad.mp4', tmp_path / 'out')
