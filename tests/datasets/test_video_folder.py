"""Windows of clips: which frames, of which clips, reproducibly; short ones are reported."""

import numpy as np
import pytest
from PIL import Image

from ddmi_toolkit.datasets import VideoFolder, videos
from ddmi_toolkit.registry import DATASETS
from ddmi_toolkit.structures import Draw


def write(folder, num, height=8, width=12):
    """A folder of frames whose gray is their index."""
    folder.mkdir(parents=True)
    for k in range(num):
        Image.new('L', (width, height), k).save(folder / f'frame{k}.png')


@pytest.fixture
def root(tmp_path):
    write(tmp_path / 'train/v2', 20)
    write(tmp_path / 'train/v10', 11)
    write(tmp_path / 'val/v3/c1', 13)
    write(tmp_path / 'val/v3/c2', 9)
    return tmp_path


def shown(item):
    """Indices of the frames of a record."""
    return [np.asarray(frame)[0, 0, 0] for frame in item['frames']]


@pytest.mark.parametrize(
    'options, expected',
    [
        (dict(num_frames=4), [range(8, 12), range(3, 7)]),
        (dict(num_frames=4, stride=3), [range(5, 15, 3), range(0, 10, 3)]),
        (dict(num_frames=11), [range(4, 15), range(11)]),
        (
            dict(num_frames=4, num_windows=3),
            [range(4), range(8, 12), range(16, 20), range(4), range(4, 8), range(7, 11)],
        ),
        (dict(num_frames=5, num_windows=2, start=1), [range(5), range(6, 11)]),
        (dict(num_frames=1, stop=-1), [range(9, 10)]),
    ],
)
def test_windows_for_evaluation(root, options, expected):
    """One is in the middle; several reach from the first frame to the last."""
    data = VideoFolder(str(root), 'train', **options)
    assert [shown(item) for item in data] == [list(e) for e in expected]
    assert data[0]['frames'][0].mode == 'RGB'


def test_natural_order_and_names(root):
    assert VideoFolder(str(root), 'train', num_frames=4).names == ['v2', 'v10']
    assert VideoFolder(str(root), 'val', num_frames=4).names == ['v3/c1', 'v3/c2']
    data = VideoFolder(str(root), 'val', num_frames=4, num_windows=2)
    assert [item['name'] for item in data] == ['v3/c1:0', 'v3/c1:1', 'v3/c2:0', 'v3/c2:1']


def test_random_windows_follow_from_seed_index_and_visit(root):
    """All starts occur, equally often; nothing else matters."""
    data = VideoFolder(str(root), 'train', num_frames=4, stride=2, random_start=True)
    firsts = []
    for visit in range(300):
        frames = shown(data[Draw(0, visit)])
        assert frames == list(range(frames[0], frames[0] + 7, 2))
        firsts.append(frames[0])
    counts = np.bincount(firsts, minlength=14)
    assert len(counts) == 14
    assert counts.min() > 8
    again = VideoFolder(str(root), 'train', num_frames=4, stride=2, random_start=True)
    assert [shown(again[Draw(0, v)])[0] for v in (299, 0, 7)] == [firsts[v] for v in (299, 0, 7)]
    other = [shown(again[Draw(0, v, seed=1)])[0] for v in range(30)]
    assert other != firsts[:30]


def test_short_clips_are_skipped_with_one_warning(root, monkeypatch):
    logged = []
    monkeypatch.setattr(videos, 'print_log', lambda text, *_: logged.append(text))
    for k in range(7):
        write(root / f'train/w{k}', 5)
    data = VideoFolder(str(root), 'train', num_frames=6, stride=2)
    assert data.names == ['v2', 'v10']
    (text,) = logged
    assert 'skipped 7 of 9 clips, which have less than 11 frames: w0 (5), w1 (5)' in text
    assert text.endswith('w4 (5), ...')
    assert len(VideoFolder(str(root), 'train', num_frames=5)) == 9
    assert len(logged) == 1


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(root='absent'), r'absent does not exist or is no folder; .* DDMI_DATA'),
        (dict(), r"is divided into \['train', 'val'\]; choose one by split="),
        (dict(split='test'), r"has no split 'test'; it has the folders \['train', 'val'\]"),
        (dict(split='val', num_frames=14), r'needs 14 frames, and none of 2 clips has so many: v3'),
        (
            dict(split='val', num_frames=8, stride=2),
            r"\(split 'val'\): a window needs 15 frames, .* v3/c1 \(13\), v3/c2 \(9\); lower",
        ),
        (dict(split='val', num_frames=4, start=2), 'start=2, stop=None leave none of 2 clips'),
        (dict(split='val', num_frames=0), 'num_frames must be a whole number of at least 1, got 0'),
        (dict(split='val', stride=1.5), 'stride must be a whole number of at least 1, got 1.5'),
        (dict(split='val', num_windows=0), 'num_windows must be a whole number'),
        (dict(split='empty'), r'empty holds no clips; expected folders of frames .* at any depth'),
    ],
)
def test_mistakes_are_named(root, options, message):
    if options.get('split') == 'empty':
        (root / 'empty').mkdir()
    with pytest.raises(ValueError, match=message):
        DATASETS.build(dict(dict(type='VideoFolder', root=str(root)), **options))


def test_broken_frames_are_named_when_they_are_read(root):
    (root / 'val/v3/c1/frame5.png').write_bytes(b'broken')
    data = VideoFolder(str(root), 'val', num_frames=4, num_windows=2)
    assert shown(data[0]) == [0, 1, 2, 3]
    assert shown(data[1]) == [9, 10, 11, 12]
    with pytest.raises(ValueError, match=r'frame5\.png: cannot be read as a picture'):
        VideoFolder(str(root), 'val', num_frames=4)[0]


def test_video_files_and_folders_may_be_mixed(root):
    pytest.importorskip('av')
    from test_video_sources import counting_frames, cut_short, encode, index_of

    encode(root / 'train/v3.mp4', counting_frames(16), g='4')
    data = VideoFolder(str(root), 'train', num_frames=4, stride=2)
    assert data.names == ['v2', 'v3.mp4', 'v10']
    assert [index_of(f) for f in data[1]['frames']] == [4, 6, 8, 10]

    cut_short(root / 'train/v4.mp4')
    data = VideoFolder(str(root), 'train', num_frames=38, stop=1)
    with pytest.raises(ValueError, match=r'v4\.mp4 has \d+ frames, its header says 40; the file'):
        data[0]


@pytest.mark.parametrize('name, size', [('skytimelapse_mdgan', 128), ('weizmann_mocogan', 64)])
def test_real_sets_are_read(data_root, name, size):
    if not (data_root / name).exists():
        pytest.skip(f'{data_root / name} does not exist')
    data = VideoFolder(str(data_root / name), 'val', num_frames=16, num_windows=2)
    frames = np.stack([np.asarray(f) for f in data[1]['frames']]).astype(float)
    assert frames.shape == (16, size, size, 3)
    steps = np.abs(np.diff(frames, axis=0)).mean((1, 2, 3))
    assert 0 < steps.max() < 20  # successive frames of one clip, which moves
