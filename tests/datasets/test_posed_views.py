"""Every format gives the same views; cameras and pictures belong together; mistakes are named."""

import json
import pickle

import numpy as np
import pytest
import torch
from PIL import Image
from posed_files import BLUE, RED, cameras, cloud, picture, write_npz, write_srn, write_transforms

from ddmi_toolkit.datasets import PosedViews
from ddmi_toolkit.datasets.posed_views import choose_views, open_views
from ddmi_toolkit.structures import Draw

FOV = dict(type='npz', fov_x=float(np.deg2rad(40.0)))


def write(kind, root):
    """A set in a format, and the options to read it."""
    if kind == 'npz':
        write_npz(root)
        return dict(format=FOV)
    if kind == 'npz of floats':
        write_npz(root / 'train', floats=True)
        return dict(format=FOV, split='train')
    if kind == 'srn':
        write_srn(root / 'cars_train')
        return dict(split='cars_train')
    if kind == 'one srn object':
        write_srn(root.parent, names=(root.name,))
        return {}
    if kind == 'scenes':
        for name in 'ab':
            write_transforms(root / name, suffix='.png')
        return {}
    write_transforms(root, 'train')
    write_transforms(root, 'val')
    return dict(split='val')


KINDS = ['npz', 'npz of floats', 'srn', 'one srn object', 'scenes', 'splits']


@pytest.mark.parametrize('kind', KINDS)
def test_every_format_gives_the_same_views(kind, tmp_path):
    """Cameras with OpenGL's axes, pixels, and on white where they are transparent."""
    data = PosedViews(str(tmp_path / 'set'), **write(kind, tmp_path / 'set'))
    record = data[len(data) - 1]
    expected = cameras()
    assert len(record['views']) == len(record['cameras']) == len(expected)
    for view, camera, truth in zip(record['views'], record['cameras'], expected, strict=True):
        assert view.camera is camera
        torch.testing.assert_close(camera.pose, truth.pose, atol=1e-6, rtol=0)
        assert (camera.fx, camera.cx) == pytest.approx((truth.fx, truth.cx))
        assert (camera.height, camera.width) == (truth.height, truth.width)
        np.testing.assert_allclose(view.colors(), picture(truth) / 127.5 - 1, atol=1e-6)
        assert np.array_equal(view.mask(), picture(truth, alpha=True)[..., 3] == 255)


@pytest.mark.parametrize('kind', ['npz', 'npz of floats'])
def test_clouds_have_colors_from_minus_one_to_one(kind, tmp_path):
    """And project onto pixels of their color, where the camera sees them."""
    data = PosedViews(str(tmp_path / 'set'), **write(kind, tmp_path / 'set'))
    points = data[0]['points']
    np.testing.assert_allclose(points[:, 3:], 2 * cloud()[:, 3:] - 1, atol=1e-6)
    view = data[0]['views'][0]
    pixels, depth = view.camera.project(torch.from_numpy(points[:, :3]))
    is_front = (depth < 2.8).numpy()
    column, row = pixels.floor().long().unbind(-1)
    same = np.abs(view.colors()[row, column] - points[:, 3:]).max(1)[is_front] < 0.01
    assert same.mean() > 0.9  # but at the seam and the silhouette


def test_records_without_clouds_say_so(tmp_path):
    data = PosedViews(str(tmp_path / 'set'), **write('srn', tmp_path / 'set'))
    assert data[0]['points'] is None
    pipeline = [dict(type='PackViews')]
    data = PosedViews(str(tmp_path / 'set'), split='cars_train', pipeline=pipeline)
    with pytest.raises(ValueError, match=r"a has no point cloud, which .* set points='carve'"):
        data[0]


def test_world_is_moved_and_scaled_as_a_whole(tmp_path):
    """Points keep their pixels, and distances are scaled."""
    options = write('npz', tmp_path / 'set')
    plain = PosedViews(str(tmp_path / 'set'), **options)[0]
    moved = PosedViews(str(tmp_path / 'set'), scale=0.5, center=(1.0, 0.0, -2.0), **options)[0]
    expected = (plain['points'][:, :3] - [1, 0, -2]) * 0.5
    np.testing.assert_allclose(moved['points'][:, :3], expected, atol=1e-6)
    assert np.array_equal(moved['points'][:, 3:], plain['points'][:, 3:])
    for one, other in zip(plain['cameras'], moved['cameras'], strict=True):
        before = one.project(torch.from_numpy(plain['points'][:, :3]))
        after = other.project(torch.from_numpy(moved['points'][:, :3]))
        torch.testing.assert_close(before[0], after[0], atol=1e-3, rtol=0)
        torch.testing.assert_close(before[1] / 2, after[1], atol=1e-5, rtol=0)


def test_objects_and_views_are_chosen_as_slices(tmp_path):
    options = write('npz', tmp_path / 'set')
    root = str(tmp_path / 'set')
    train = PosedViews(root, stop=2, views='not ::3', **options)
    test = PosedViews(root, stop=2, views='::3', **options)
    assert list(train.names) == list(test.names) == ['a', 'b']
    assert list(PosedViews(root, start=-1, **options).names) == ['c']
    names = [[v.name for v in data[0]['views']] for data in (train, test)]
    assert [len(part) for part in names] == [4, 2]
    assert not set(names[0]) & set(names[1])


@pytest.mark.parametrize(
    'choice, expected',
    [
        (None, [0, 1, 2, 3, 4]),
        ('::2', [0, 2, 4]),
        ('not ::2', [1, 3]),
        ('3:', [3, 4]),
        ('-1:', [4]),
        ('1:4:2', [1, 3]),
        ('not 1:4', [0, 4]),
    ],
)
def test_choices_of_views(choice, expected):
    assert choose_views(choice, 5) == expected


@pytest.mark.parametrize('choice', ['2', '::0', 'every', '::-1', 'not', '1,2'])
def test_other_choices_are_refused(choice):
    with pytest.raises(ValueError, match=r'is no choice; expected a slice such as'):
        choose_views(choice, 5)
    with pytest.raises(ValueError, match="views='7:' leaves none of the 5 views of car"):
        choose_views('7:', 5, 'car')


def test_items_depend_on_draws_only(tmp_path):
    """Not on what was read before."""
    pipeline = [dict(type='SubsampleCloud', num_points=20), dict(type='SampleRays', num_rays=30)]
    options = dict(write('npz', tmp_path / 'set'), pipeline=pipeline)
    one, other = (PosedViews(str(tmp_path / 'set'), **options) for _ in range(2))
    other[2]
    for draw in (Draw(1, 0, 3), Draw(1, 1, 3)):
        a, b = one[draw], pickle.loads(pickle.dumps(other))[draw]
        assert torch.equal(a['inputs'], b['inputs'])
        assert torch.equal(a['query']['dirs'], b['query']['dirs'])
        assert a['query']['seed'] == b['query']['seed']
    assert not torch.equal(a['target'], one[Draw(1, 0, 3)]['target'])


def test_intrinsics_of_files_and_frames(tmp_path):
    """Pixels beat angles, a frame beats its file, and pictures may be smaller than stated."""
    values = dict(fl_x=60.0, fl_y=50.0, cx=20.0, cy=30.0, w=48, h=48, k1=0.1, p2=0.01)
    path = write_transforms(tmp_path / 'a', **values)
    camera = PosedViews(str(tmp_path))[0]['cameras'][0]
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (30, 25, 10, 15)  # half of 48 pixels
    assert camera.distortion == (0.1, 0.0, 0.0, 0.01, 0.0)
    scene = json.loads(path.read_text())
    scene['frames'][0]['fl_x'] = 100.0
    path.write_text(json.dumps(scene))
    fx = [c.fx for c in PosedViews(str(tmp_path))[0]['cameras']]
    assert fx == [50, *[30] * 5]


def test_angles_of_both_directions(tmp_path):
    """Without ``fl_y``, ``camera_angle_y`` says how high pixels are; without it they are square."""
    write_transforms(tmp_path / 'a', camera_angle_y=np.pi / 2)
    camera = PosedViews(str(tmp_path))[0]['cameras'][0]
    assert camera.fy == pytest.approx(12.0)  # half of 24 pixels at 45 degrees
    assert camera.fx == pytest.approx(12 / np.tan(np.deg2rad(20.0)))
    write_transforms(tmp_path / 'a')
    camera = PosedViews(str(tmp_path))[0]['cameras'][0]
    assert camera.fy == camera.fx


def test_ply_of_a_scene_is_its_cloud(tmp_path):
    trimesh = pytest.importorskip('trimesh')
    points = cloud(50)
    colors = (points[:, 3:] * 255).round().astype(np.uint8)
    write_transforms(tmp_path / 'a', ply_file_path='sparse.ply')
    trimesh.PointCloud(points[:, :3], colors).export(tmp_path / 'a/sparse.ply')
    found = PosedViews(str(tmp_path))[0]['points']
    np.testing.assert_allclose(found[:, :3], points[:, :3], atol=1e-5)
    np.testing.assert_allclose(found[:, 3:], 2 * points[:, 3:] - 1, atol=1e-2)
    (tmp_path / 'a/sparse.ply').write_text('nothing')
    with pytest.raises(ValueError, match=r'sparse\.ply: cannot be read as a point cloud'):
        PosedViews(str(tmp_path))[0]


def break_srn(how, folder):
    if how == 'pose':
        (folder / 'pose/000001.txt').unlink()
    elif how == 'picture':
        (folder / 'rgb/000002.png').unlink()
    elif how == 'numbers':
        (folder / 'pose/000001.txt').write_text('1 2 3')
    elif how == 'words':
        (folder / 'pose/000001.txt').write_text('a ' * 16)
    elif how == 'intrinsics':
        (folder / 'intrinsics.txt').write_text('30\n')
    elif how == 'no intrinsics':
        (folder / 'intrinsics.txt').unlink()
    elif how == 'rotation':
        (folder / 'pose/000001.txt').write_text('2 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1')
    elif how == 'size':
        Image.new('RGB', (7, 9)).save(folder / 'rgb/000003.png')
    elif how == 'bytes':
        (folder / 'rgb/000003.png').write_bytes(b'no picture')


@pytest.mark.parametrize(
    'how, message',
    [
        ('pose', r'1 files of .* have no pose of the same name, such as .*rgb/000001\.png'),
        ('picture', r'have no picture of the same name, such as .*pose/000002\.txt'),
        ('numbers', r'000001\.txt has 3 numbers; expected 16'),
        ('words', r'000001\.txt: could not convert .* expected 16 numbers'),
        ('intrinsics', r"expected 'focal cx cy 0\.' in the first line"),
        ('no intrinsics', r"lacks \['intrinsics\.txt'\]; expected"),
        ('rotation', r'000001\.txt: the pose is no rigid motion'),
        ('size', r'000003\.png: 7x9 pixels, its camera has 24x24'),
        ('bytes', r'000003\.png: cannot be read as a picture'),
    ],
)
def test_broken_srn_objects_are_named(how, message, tmp_path):
    write_srn(tmp_path / 'set')
    break_srn(how, tmp_path / 'set/a')
    data = PosedViews(str(tmp_path / 'set'))
    with pytest.raises(ValueError, match=message):
        [v.pixels() for v in data[0]['views']]
    assert data[1]['name'] == 'b'


@pytest.mark.parametrize(
    'changes, message',
    [
        (dict(data=None), r"a\.npz lacks \['data'\]; it has \['cam_poses', 'images'\]"),
        (dict(images=np.zeros((6, 8, 8))[..., None]), r'images has shape \(6, 8, 8, 1\)'),
        (dict(cam_poses=np.zeros((5, 4, 4))), r'cam_poses has shape \(5, 4, 4\); .* \(6, 4, 4\)'),
        (dict(data=np.zeros((9, 3))), r'data has shape \(9, 3\) .* expected \(N, 6\)'),
        (dict(data=np.full((9, 6), 255.0)), r'colors of data go from 255 to 255; expected 0 to 1'),
        (dict(images=np.full((6, 8, 8, 3), 200.0)), r'images are float64 from 200\.0 to 200\.0'),
        (dict(cam_poses=np.full((6, 4, 4), np.nan)), r'^\S*a\.npz \(view 0\): the pose has shape'),
        (dict(cam_poses=np.zeros((6, 4, 4))), r'a\.npz \(view 0\): the pose is no rigid motion'),
        (dict(data=np.array([{}])), r'a\.npz: cannot be read as npz \(Object arrays'),
    ],
)
def test_broken_npz_are_named(changes, message, tmp_path):
    """An array of Python objects, which could run code, is not unpickled."""
    write_npz(tmp_path, names=('a',), **changes)
    with pytest.raises(ValueError, match=message):
        PosedViews(str(tmp_path))[0]


def test_cut_npz_is_named(tmp_path):
    write_npz(tmp_path, names=('a',))
    data = (tmp_path / 'a.npz').read_bytes()
    (tmp_path / 'a.npz').write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError, match=r'a\.npz: cannot be read as npz .* get it again'):
        PosedViews(str(tmp_path))[0]


def test_a_file_that_is_no_npz_is_named(tmp_path):
    """Without numpy's advice to unpickle it."""
    (tmp_path / 'a.npz').write_text('hello')
    with pytest.raises(ValueError, match=r'a\.npz: cannot be read as npz \(truncated or none'):
        PosedViews(str(tmp_path))[0]


def test_damaged_npz_is_named(tmp_path):
    """One byte of the compressed pictures is wrong."""
    write_npz(tmp_path, names=('a',))
    data = bytearray((tmp_path / 'a.npz').read_bytes())
    data[80] ^= 0xFF
    (tmp_path / 'a.npz').write_bytes(data)
    with pytest.raises(ValueError, match=r'a\.npz: cannot be read as npz .* get it again'):
        PosedViews(str(tmp_path))[0]


def _edit(path, change):
    scene = json.loads(path.read_text())
    change(scene)
    path.write_text(json.dumps(scene))


@pytest.mark.parametrize(
    'change, message',
    [
        (lambda s: s.pop('frames'), 'KeyError: .*frames.*; expected JSON with frames'),
        (lambda s: s.update(frames=[]), 'lists no frames'),
        (lambda s: s.pop('camera_angle_x'), 'neither fl_x nor camera_angle_x is given'),
        (lambda s: s.update(camera_model='OPENCV_FISHEYE'), 'is no pinhole .* undistort'),
        (lambda s: s.update(k4=0.1), r"\['k4'\] is no pinhole"),
        (
            lambda s: s['frames'][2].update(file_path='./gone'),
            r"lists 1 of 6 pictures that do not exist, such as \['\./gone'\]",
        ),
        (lambda s: s['frames'][1].pop('transform_matrix'), r'r_1\): the pose has shape'),
        (lambda s: s['frames'][1].update(transform_matrix='x'), 'is no matrix of numbers'),
        (
            lambda s: s.update(fl_x='wide'),
            r"transforms\.json \(\./images/r_0\): fl_x='wide' is no number",
        ),
        (lambda s: s['frames'][1].update(k1=None), r'r_1\): k1=None is no number'),
        (lambda s: s.update(w=[24]), r'r_0\): w=\[24\] is no number'),
        (
            lambda s: s.update(camera_angle_x=0),
            r'r_0\): camera_angle_x=0\.0 must be an angle .* between 0 and pi',
        ),
        (lambda s: s.update(camera_angle_y=4.0), 'camera_angle_y=4.0 must be an angle'),
        (lambda s: s.update(frames=['r_0.png']), 'TypeError: .*; expected JSON with frames'),
    ],
)
def test_broken_transforms_are_named(change, message, tmp_path):
    path = write_transforms(tmp_path / 'a')
    _edit(path, change)
    with pytest.raises(ValueError, match=message):
        PosedViews(str(tmp_path))[0]
    path.write_text('{')
    with pytest.raises(ValueError, match=r'transforms\.json: JSONDecodeError'):
        PosedViews(str(tmp_path))[0]


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(root='gone'), r'gone does not exist; expected a folder'),
        (dict(root='empty'), r'empty fits no format; it has \[\]\. Set root, split or format'),
        (dict(root='set', split='val'), r"set \(split 'val'\) fits no format; it has \['cars_"),
        (dict(root='set', format='obj'), r"format='obj' is unknown; choose of \['srn', 'npz'"),
        (dict(root='set', format='npz'), r'set holds no objects; expected <root>/\*\.npz'),
        (dict(root='scene', split='test'), r"choose split= of \['train', 'val'\]"),
        (dict(root='scene'), r'transforms\.json does not exist; choose split='),
        (dict(root='set', split='cars_train', start=2), r'start=2, stop=None leave none of 2'),
        (dict(root='set', split='cars_train', scale=0.0), r'scale=0\.0 must be positive'),
        (dict(root='set', split='cars_train', points='hull'), r"points='hull' is unknown"),
    ],
)
def test_roots_and_options_are_checked(options, message, tmp_path):
    (tmp_path / 'empty').mkdir()
    write('srn', tmp_path / 'set')
    write('splits', tmp_path / 'scene')
    with pytest.raises(ValueError, match=message):
        PosedViews(**dict(options, root=str(tmp_path / options['root'])))


def test_folder_of_two_formats_needs_a_choice(tmp_path):
    write_npz(tmp_path)
    write_transforms(tmp_path / 'a')
    with pytest.raises(ValueError, match=r"fits the formats \['npz', 'transforms'\]"):
        open_views(tmp_path)
    assert open_views(tmp_path, format='transforms').names == ('a',)


def test_transparent_parts_show_the_background_that_is_asked_for(tmp_path):
    write_transforms(tmp_path / 'a')
    view = PosedViews(str(tmp_path))[0]['views'][0]
    colors, mask = view.colors((-1.0, 0.0, 1.0)), view.mask()
    assert np.array_equal(np.unique(colors[~mask], axis=0), [[-1, 0, 1]])
    halves = {tuple(c) for c in np.unique((colors[mask] * 127.5 + 127.5).round(), axis=0)}
    assert halves == {RED, BLUE}
