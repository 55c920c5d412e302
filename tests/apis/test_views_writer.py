"""Files of radiance fields, read back by what reads such files."""

import json

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image
from radiance_scenes import balls, scene, slabs

from ddmi_toolkit.apis.colored_mesh import (
    default_threshold,
    extract_colored_mesh,
    save_colored_mesh,
)
from ddmi_toolkit.apis.writers import ViewsWriter
from ddmi_toolkit.datasets.posed_views.transforms_format import load_transforms
from ddmi_toolkit.layers.view_rendering import render_views


def writer(field, **options) -> ViewsWriter:
    none = dict(size=24, views=0, num_frames=0, resolution=0)
    return ViewsWriter(field.layout, **(none | options))


def test_written_views_are_a_data_set_of_posed_views(tmp_path):
    """Read by our own reader: the same cameras, pictures within rounding; depth and normals."""
    field = scene(balls())
    files, small = writer(field, views=3, size=(20, 24), radius=2.5, elevation=35.0).write(
        field, tmp_path / 'seed_1'
    )
    folder = tmp_path / 'seed_1_views'
    assert files == [folder]
    assert small.shape == (24, 24, 3)
    views = load_transforms(folder / 'transforms.json', 'x').views
    cameras = [v.camera for v in views]
    assert [(c.width, c.height) for c in cameras] == [(24, 20)] * 3
    torch.testing.assert_close(cameras[1].center.norm(), torch.tensor(2.5))
    seen = render_views(field, cameras, with_normals=True)
    unit = json.loads((folder / 'transforms.json').read_text())['depth_unit']
    for i in range(3):
        name = folder / f'view{i:03d}'
        picture = np.asarray(Image.open(f'{name}.png')) / 127.5 - 1
        assert np.abs(picture - seen.color[i].numpy()).max() < 0.01
        depth = np.asarray(Image.open(f'{name}_depth.png'))
        assert depth.dtype == np.uint16
        is_seen = seen.depth[i].isfinite().numpy()
        assert ((depth > 0) == is_seen).all()
        assert np.abs(depth * unit - seen.depth[i].numpy())[is_seen].max() < 1e-3
        normal = np.asarray(Image.open(f'{name}_normal.png')) / 127.5 - 1
        assert np.abs(normal - seen.normal[i].numpy()).max() < 0.02


@pytest.mark.parametrize('format', ['mp4', 'gif', 'frames'])
def test_turntables_turn_once(tmp_path, format):
    """As many frames as asked for, the first of which is the first view."""
    field = scene(balls())
    files, _ = writer(field, num_frames=4, format=format).write(field, tmp_path / 'a')
    if format == 'frames':
        assert files == [tmp_path / 'a_turn']
        frames = [np.asarray(Image.open(p)) for p in sorted(files[0].iterdir())]
    else:
        import av

        assert files == [tmp_path / f'a.{format}']
        with av.open(files[0]) as container:
            frames = [f.to_ndarray(format='rgb24') for f in container.decode(video=0)]
    assert len(frames) == 4
    writer(field, views=4).write(field, tmp_path / 'b')
    for i, frame in enumerate(frames):
        still = np.asarray(Image.open(tmp_path / f'b_views/view{i:03d}.png')).astype(float)
        assert np.abs(frame - still).mean() < (0 if format == 'frames' else 8) + 1e-9


def test_a_colored_mesh_is_the_surface_with_the_colors_seen(tmp_path):
    """Two balls: where they are, their colors, in data units; y is up in the file."""
    field = scene(balls())
    files, _ = writer(field, resolution=48).write(field, tmp_path / 'a')
    assert files == [tmp_path / 'a.glb']
    mesh = extract_colored_mesh(field, 48)
    assert mesh.is_watertight
    blue = np.array([0.0, 0.5, 0.2])
    distance = np.linalg.norm(mesh.vertices - blue, axis=1)
    is_blue = distance < 0.215
    assert is_blue.sum() > 100
    np.testing.assert_allclose(distance[is_blue], 0.2, atol=0.02)
    rest = mesh.vertices[distance > 0.24]
    np.testing.assert_allclose(np.linalg.norm(rest, axis=1), 0.4, atol=0.02)
    colors = np.asarray(mesh.visual.vertex_colors)[:, :3] / 127.5 - 1
    far = distance > 0.3
    # Looked at from above a ball is brighter than from below.
    top, bottom = mesh.vertices[:, 2] > 0.38, mesh.vertices[:, 2] < -0.38
    np.testing.assert_allclose(colors[top & far, 0].mean(), 0.8, atol=0.05)
    np.testing.assert_allclose(colors[bottom & far, 0].mean(), 0.8 * 0.7, atol=0.05)
    assert (colors[is_blue, 2] > 0.4).mean() > 0.9

    written = trimesh.load_scene(files[0])
    (geometry,) = written.geometry.values()
    np.testing.assert_allclose(geometry.bounds, mesh.bounds, atol=1e-5)
    turned = written.to_mesh()
    np.testing.assert_allclose(turned.bounds[1, 1], mesh.bounds[1, 2], atol=1e-5)
    stored = np.asarray(geometry.visual.vertex_colors)[:, 0] / 255
    srgb = np.asarray(mesh.visual.vertex_colors)[:, 0] / 255
    np.testing.assert_allclose(np.sort(stored), np.sort(srgb) ** 2.2, atol=0.02)


def test_the_threshold_is_a_density():
    """A soft ball is larger at a lower one, where its density says."""

    def soft(x, dirs):
        r = x.norm(dim=-1, keepdim=True)
        return torch.cat([x, 100 * torch.exp(-8 * r)], dim=-1)

    field = scene(soft)
    for threshold in (10.0, 30.0):
        mesh = extract_colored_mesh(field, 32, threshold)
        radius = np.linalg.norm(mesh.vertices, axis=1)
        np.testing.assert_allclose(radius, np.log(100 / threshold) / 8, atol=0.01)
    assert default_threshold(field) == pytest.approx(np.log(2) / 0.02)


def test_a_field_without_a_surface_has_no_mesh(tmp_path):
    """Nothing is written, and saving says why."""
    field = scene(slabs([]))
    files, _ = writer(field, resolution=8).write(field, tmp_path / 'a')
    assert files == []
    with pytest.raises(ValueError, match='the mesh is empty, there is nothing to write'):
        save_colored_mesh(trimesh.Trimesh(), tmp_path / 'a.glb')
    with pytest.raises(ValueError, match=r'a.obj: colored meshes are written as .glb'):
        save_colored_mesh(trimesh.creation.box(), tmp_path / 'a.obj')


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(format='avi'), "turntable format 'avi' is not one of mp4, gif, frames"),
        (dict(views=-1), 'views=-1 must be at least 0; 0 leaves them out'),
        (dict(threshold=0), 'threshold=0 must be a positive density'),
        (dict(size=(3, 4, 5)), r'size=\(3, 4, 5\) must be a number of pixels'),
        (dict(num_frames=2, radius=-1.0), 'radius=-1.0 positive'),
        (dict(num_frames=2, fov=200.0), 'fov=200 must be an angle in degrees'),
        (dict(num_frames=2, fov=0.0), 'fov=0 must be an angle in degrees'),
    ],
)
def test_impossible_options_are_refused_before_work_begins(options, message):
    """Each names the option, the value and the expectation."""
    with pytest.raises(ValueError, match=message):
        writer(scene(balls()), **options)
