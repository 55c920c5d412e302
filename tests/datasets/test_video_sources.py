"""Frames of folders and video files: the right ones, upright, and what is broken is named."""

import pickle

import numpy as np
import pytest
from PIL import Image

from ddmi_toolkit.datasets.video_sources import (
    FrameFolder,
    VideoFile,
    find_clips,
    natural_key,
    open_clip,
)

av = pytest.importorskip('av')


def counting_frames(num, height=32, width=48):
    """Gray frames with a bar whose length is the index."""
    frames = np.full((num, height, width, 3), 60, np.uint8)
    for k, frame in enumerate(frames):
        frame[8:24, : 2 * k + 1] = 200
    return frames


def index_of(image):
    """The index that :func:`counting_frames` drew."""
    return round((np.asarray(image)[10:22].mean((0, 2)) > 130).sum() / 2 - 0.25)


def encode(path, frames, codec='libx264', pixels='yuv420p', container_options=None, **options):
    with av.open(str(path), 'w', options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=10, options=options)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = pixels
        for picture in frames:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format='rgb24')
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def cut_short(path):
    """A file that says 40 frames and has less, its index being at the start."""
    encode(path, counting_frames(40), container_options=dict(movflags='faststart'), g='5', bf='0')
    data = path.read_bytes()
    path.write_bytes(data[: int(0.85 * len(data))])
    return path


FORMATS = dict(
    mp4=dict(g='5', bf='2'),
    mkv=dict(g='7'),
    avi=dict(codec='mpeg4', g='6'),
    webm=dict(codec='libvpx-vp9', g='6'),
    mov=dict(codec='mpeg4', bf='0'),
)


@pytest.mark.parametrize('suffix', FORMATS)
@pytest.mark.parametrize('wanted', [range(20), range(7, 8), range(3, 18, 4), range(19, 20)])
def test_only_the_wanted_frames_come_wherever_key_frames_are(tmp_path, suffix, wanted):
    path = encode(tmp_path / f'a.{suffix}', counting_frames(20), **FORMATS[suffix])
    clip = open_clip(path)
    assert len(clip) == clip.stated_length == 20
    assert clip.fps == pytest.approx(10)
    assert [index_of(frame) for frame in clip.load(wanted)] == list(wanted)
    assert [index_of(f) for f in pickle.loads(pickle.dumps(clip)).load(wanted)] == list(wanted)


def test_gif_frames_are_those_of_the_animation(tmp_path):
    frames = [Image.fromarray(f) for f in counting_frames(6)]
    frames[0].save(tmp_path / 'a.gif', save_all=True, append_images=frames[1:], duration=100)
    clip = VideoFile(tmp_path / 'a.gif')
    assert len(clip) == 6
    read = clip.load(range(1, 6, 2))
    expected = counting_frames(6)[1::2]
    assert np.abs(np.stack([np.asarray(f) for f in read]).astype(int) - expected).max() <= 2


def test_transparent_parts_of_a_gif_are_white(tmp_path):
    frame = Image.new('RGBA', (8, 8), (0, 0, 0, 0))
    frame.paste((250, 0, 0, 255), (0, 0, 8, 4))
    frame.save(tmp_path / 'a.gif', save_all=True, append_images=[frame.transpose(1)], duration=50)
    first = np.asarray(VideoFile(tmp_path / 'a.gif').load(range(1))[0])
    assert np.abs(first[:4].astype(int) - (250, 0, 0)).max() <= 2
    assert (first[4:] == 255).all()


def test_colors_of_a_video_file_are_kept(tmp_path):
    colors = np.array([(200, 40, 40), (40, 180, 60), (40, 60, 200), (230, 230, 230)], np.uint8)
    frames = np.broadcast_to(colors[:, None, None], (4, 16, 16, 3))
    clip = VideoFile(encode(tmp_path / 'a.mp4', frames, crf='1'))
    read = np.stack([np.asarray(f) for f in clip.load(range(4))]).astype(int)
    assert np.abs(read - frames).max() <= 4


def test_notes_of_a_phone_turn_frames_upright():
    """FFmpeg tells degrees counterclockwise, as Pillow takes them."""
    from ddmi_toolkit.datasets.video_sources import _upright

    class Turned:
        format = av.VideoFrame(4, 2, 'rgb24').format
        rotation = -90  # clockwise

        def to_image(self):
            return Image.fromarray(np.arange(24, dtype=np.uint8).reshape(2, 4, 3))

    upright = np.asarray(_upright(Turned()))
    assert np.array_equal(upright, np.rot90(np.asarray(Turned().to_image()), -1))


def test_frames_of_a_folder_are_in_natural_order_and_other_files_are_ignored(tmp_path):
    for k in (0, 9, 10, 100):
        Image.new('L', (4, 4), k).save(tmp_path / f'frame{k}.png')
    for name in ('info.txt', 'audio.wav', '.hidden.png', 'thumbs.db'):
        (tmp_path / name).write_bytes(b'?')
    clip = open_clip(tmp_path)
    assert isinstance(clip, FrameFolder)
    read = clip.load(range(1, 4, 2))
    assert [np.asarray(f)[0, 0].tolist() for f in read] == [[9] * 3, [100] * 3]
    assert (len(clip), clip.fps) == (4, None)


def test_natural_order():
    names = ['b', 'a10', 'a9', 'a', '10', '9', 'a9b2', 'a9b10', '09']
    ordered = ['09', '9', '10', 'a', 'a9', 'a9b2', 'a9b10', 'a10', 'b']
    assert sorted(names, key=natural_key) == ordered


def test_clips_are_found_at_any_depth(tmp_path):
    for name in ('v10/c2/0.png', 'v10/c10/0.jpg', 'v9/0.png', '.git/0.png', '__MACOSX/a/0.png'):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new('L', (4, 4)).save(tmp_path / name)
    for name in ('v9.mp4', 'v9/extra.GIF', '.part.mp4', 'notes.txt'):
        (tmp_path / name).touch()
    clips = find_clips(tmp_path)
    assert [c.name for c in clips] == ['v9', 'v9.mp4', 'v9/extra.GIF', 'v10/c2', 'v10/c10']
    assert [type(c) for c in clips[:3]] == [FrameFolder, VideoFile, VideoFile]
    assert [c.name for c in find_clips(tmp_path / 'v10/c2')] == ['c2']


def test_frames_of_different_sizes_are_refused(tmp_path):
    for k, side in enumerate((8, 8, 6)):
        Image.new('L', (side, 8)).save(tmp_path / f'{k}.png')
    clip = open_clip(tmp_path)
    assert len(clip.load(range(2))) == 2
    with pytest.raises(ValueError, match='frame 2 has 6x8 pixels, frame 0 has 8x8 pixels; all'):
        clip.load(range(3))


def test_broken_frames_are_named(tmp_path):
    for k in range(3):
        Image.new('L', (8, 8)).save(tmp_path / f'{k}.png')
    (tmp_path / '1.png').write_bytes(b'no picture')
    clip = open_clip(tmp_path)
    with pytest.raises(ValueError, match=r'1\.png: cannot be read as a picture'):
        clip.load(range(3))
    (tmp_path / '2.png').unlink()
    with pytest.raises(ValueError, match=r'2\.png: cannot be read \(No such file'):
        clip.load(range(2, 3))
    assert len(clip.load(range(1))) == 1  # nothing else was read


@pytest.mark.parametrize('content', [b'', b'no video', b'\0' * 5000])
def test_files_that_are_no_videos_are_named(tmp_path, content):
    (tmp_path / 'a.mp4').write_bytes(content)
    with pytest.raises(ValueError, match=r'a\.mp4: cannot be read as a video \(.*restore or'):
        len(open_clip(tmp_path / 'a.mp4'))


def test_files_that_are_cut_short_are_named(tmp_path):
    path = cut_short(tmp_path / 'a.mp4')
    clip = open_clip(path)
    assert clip.stated_length == 40
    assert 5 < len(clip) < 35
    assert index_of(clip.load(range(3, 4))[0]) == 3
    for first in (len(clip) - 1, len(clip), 39):
        with pytest.raises(ValueError, match=r'a\.mp4: (frame \d+ of \d+ )?cannot be '):
            clip.load(range(first, first + 2))


def test_sound_alone_is_no_video(tmp_path):
    with av.open(str(tmp_path / 'a.mkv'), 'w') as container:
        stream = container.add_stream('pcm_s16le', rate=8000, layout='mono')
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout='mono')
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
    with pytest.raises(ValueError, match=r'a\.mkv: cannot be read as a video \(it has no video'):
        len(open_clip(tmp_path / 'a.mkv'))


def test_what_is_no_clip_is_named(tmp_path):
    (tmp_path / 'a.txt').touch()
    with pytest.raises(ValueError, match=r'a\.txt is no clip; expected a folder of frames, or'):
        open_clip(tmp_path / 'a.txt')
    with pytest.raises(ValueError, match='holds no frames; expected files with a suffix of'):
        open_clip(tmp_path)
