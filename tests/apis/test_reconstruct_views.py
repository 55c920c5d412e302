"""Given objects are encoded as colored points and compared with their own pictures."""

import json

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image
from radiance_scenes import scene

from ddmi_toolkit.apis import find_inputs, make_reconstructor, outputs, reconstruct_files
from ddmi_toolkit.datasets.procedural.views import draw_camera
from ddmi_toolkit.structures import PlaneLayout, Signal, orbit

SPACE = PlaneLayout(
    [dict(name=a, size=8, low=-1.0, high=1.0) for a in 'xyz'], ['xy', 'yz', 'xz'], True
)
COLOR, RADIUS = (0.8, 0.3, 0.1), 0.6


class Stub:
    """Stands for the writer of radiance fields."""

    def __init__(self, layout, size=256, views=8, num_frames=48, resolution=128, format='mp4'):
        self.options = (size, views, num_frames, resolution, format)

    def write(self, field, stem):
        stem.with_name(f'{stem.name}.written').write_text('')
        return [], np.zeros((4, 4, 3), np.uint8)


@pytest.fixture(autouse=True)
def writer(monkeypatch):
    monkeypatch.setitem(outputs.WRITERS, Signal.RADIANCE, Stub)


class BallModel:
    """Stands for a trained model: a dense ball as large as the cloud, of its mean color."""

    def __init__(self):
        self.inputs = []

    def reconstruct(self, inputs):
        for points in inputs:
            self.inputs.append(points)
            radius, color = points[:, :3].norm(dim=1).max(), points[:, 3:].mean(0)

            def values(x, dirs, radius=radius, color=color):
                density = 400 * torch.sigmoid((radius - x.norm(dim=-1, keepdim=True)) * 400)
                return torch.cat([color.to(x).expand(*x.shape[:-1], 3), density], -1)

            yield scene(values)


def ball_cloud(num=3000):
    unit = np.random.default_rng(0).standard_normal((num, 3))
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    return np.concatenate([RADIUS * unit, np.tile(COLOR, (num, 1))], 1).astype(np.float32)


def ball_picture(camera):
    """A ball of one color, unshaded, ``(h, w, 3)`` uint8."""
    origins, dirs = camera.rays()
    b, c = (origins * dirs).sum(-1), origins.square().sum(-1) - RADIUS**2
    hit = (b * b > c)[..., None].numpy()
    return np.round(np.where(hit, np.array(COLOR), 1.0) * 255).astype(np.uint8)


def write_npz(path, size=24):
    path.parent.mkdir(parents=True, exist_ok=True)
    found = [draw_camera(0, i, size) for i in range(6)]
    images = np.stack([ball_picture(camera) for camera in found])
    poses = np.stack([c.pose.numpy() for c in found])
    np.savez(path, images=images, cam_poses=poses, data=ball_cloud())
    return images


def run(path, out, **options):
    reconstructor = make_reconstructor(SPACE, options, 4)
    model = BallModel()
    inputs = find_inputs([path], reconstructor)
    reports = dict(reconstruct_files(model, inputs, out, reconstructor))
    assert json.loads((out / 'reconstruction.json').read_text()) == reports
    return reports, model.inputs


def test_a_good_model_returns_the_given_views(tmp_path):
    images = write_npz(tmp_path / 'in/ball.npz')
    reports, inputs = run(tmp_path / 'in', tmp_path / 'out', num_points=500, num_views=3)
    assert reports['ball']['psnr'] > 20  # edges are pixels wide
    assert reports['ball']['views'] == '3 of 6'
    assert reports['ball']['done'] == '500 of 3000 points given with the views'
    assert inputs[0].shape == (500, 6)
    rows = {row.tobytes() for row in inputs[0].numpy()}
    assert len(rows) == 500
    np.testing.assert_allclose(inputs[0][:, 3:], np.tile(2 * np.array(COLOR) - 1, (500, 1)))
    with Image.open(tmp_path / 'out/ball_comparison.png') as image:
        sheet = np.asarray(image)
    assert sheet.shape == (2 * 24 + 2, 3 * 26 - 2, 3)
    assert np.array_equal(sheet[:24, :24], images[0])
    assert np.array_equal(sheet[:24, 26:50], images[2])
    assert np.abs(sheet[26 + 12, 12].astype(int) - sheet[12, 12]).max() <= 2
    names = {p.name for p in (tmp_path / 'out').iterdir()}
    assert names == {
        'ball.safetensors',
        'ball.written',
        'ball_comparison.png',
        'reconstruction.json',
    }


def test_cloud_without_cameras_is_made_to_fit(tmp_path):
    """Wherever it lies and however large it is; colors are those of the file."""
    points = ball_cloud(100)
    colors = (points[:, 3:] * 255).round().astype(np.uint8)
    trimesh.PointCloud(40 * points[:, :3] + [7, 0, 0], colors).export(tmp_path / 'a.ply')
    reports, inputs = run(tmp_path / 'a.ply', tmp_path / 'out')
    assert reports['a'] == dict(done='100 of 100 points of a.ply')
    radius = inputs[0][:, :3].norm(dim=1)
    assert 0.93 < radius.max() < 1.0
    found = np.tile(2 * np.array(COLOR) - 1, (100, 1))
    np.testing.assert_allclose(inputs[0][:, 3:], found, atol=0.01)
    assert not (tmp_path / 'out/a_comparison.png').exists()


def test_views_without_a_cloud_are_carved(tmp_path):
    """A folder with a transforms.json; the carved ball is that of the pictures."""
    frames = []
    (tmp_path / 'scene').mkdir()
    around = orbit(6, 3.0, 40.0, size=(32, 32)) + orbit(6, 3.0, -40.0, size=(32, 32))
    for i, camera in enumerate(around):
        Image.fromarray(ball_picture(camera)).save(tmp_path / f'scene/{i}.png')
        frames.append(dict(file_path=f'{i}.png', transform_matrix=camera.pose.tolist()))
    scene_file = dict(fl_x=camera.fx, frames=frames)
    (tmp_path / 'scene/transforms.json').write_text(json.dumps(scene_file))
    reports, inputs = run(tmp_path, tmp_path / 'out', num_views=1)
    assert reports['scene']['done'] == '2048 of 8192 points carved of 12 silhouettes'
    radius = inputs[0][:, :3].norm(dim=1)
    assert radius.min() > RADIUS - 0.08
    assert radius.mean() < RADIUS + 0.08


def test_objects_below_a_folder_are_found(tmp_path):
    for name in ('b.npz', 'sub/c.npz', 'sub/notes.txt', 'car/rgb/0.png', 'car/pose/0.txt'):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    kind = type(make_reconstructor(SPACE, {}, 4))
    assert list(find_inputs([tmp_path], kind)) == ['b', 'car', 'sub_c']
    assert list(find_inputs([tmp_path / 'car'], kind)) == ['car']
    with pytest.raises(ValueError, match=r'notes\.txt is no file that can be .*, or a folder with'):
        find_inputs([tmp_path / 'sub/notes.txt'], kind)


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(num_points=0), 'num_points=0 must be at least 1'),
        (dict(num_views=0), 'num_views=0 must be at least 1'),
        (dict(scale=-1.0), r'scale=-1\.0 must be a positive number'),
        (dict(background=255.0), r'background=255\.0 must be between -1 and 1'),
        (dict(stride=2), r"stride does not apply to a radiance field, .* axes 'xyz'"),
    ],
)
def test_options_of_views_that_do_not_fit_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        make_reconstructor(SPACE, options, 4)


def test_options_of_the_writer_are_handed_over():
    options = dict(size=32, views=0, num_frames=5, format='gif')
    assert make_reconstructor(SPACE, options, 4).writer.options == (32, 0, 5, 128, 'gif')


def test_objects_larger_than_the_box_are_named(tmp_path):
    write_npz(tmp_path / 'big.npz')
    with pytest.raises(ValueError, match=r'big: .* outside of the box .* reach to 1\.8; set scale'):
        run(tmp_path / 'big.npz', tmp_path / 'out', scale=3.0)


def test_broken_clouds_are_named(tmp_path):
    (tmp_path / 'a.ply').write_text('nothing')
    with pytest.raises(ValueError, match=r'a\.ply: cannot be read as a point cloud'):
        run(tmp_path / 'a.ply', tmp_path / 'out')


@pytest.mark.parametrize('shape', ['cloud', 'mesh'])
def test_clouds_without_colors_are_refused(shape, tmp_path):
    """Readers give a mesh without colors a gray that nobody meant."""
    trimesh = pytest.importorskip('trimesh')
    mesh = trimesh.creation.box()
    found = mesh if shape == 'mesh' else trimesh.PointCloud(mesh.vertices)
    found.export(tmp_path / 'a.ply')
    with pytest.raises(ValueError, match=r'a\.ply: 8 points with 0 colors.* red, green and blue'):
        run(tmp_path / 'a.ply', tmp_path / 'out')
