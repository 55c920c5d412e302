"""Occupancy, surface samples and files of meshes and voxel grids."""

import json

import numpy as np
import pytest
import trimesh
from scipy.spatial import ConvexHull

from ddmi_toolkit.geometry.sampling import (
    close_mesh,
    normalize_mesh,
    orient_outward,
    sample_boundary,
    sample_faces,
    sheet_share,
    signed_volume,
    voxel_mesh,
    winding_occupancy,
)
from ddmi_toolkit.geometry.shape_files import list_voxels, load_mesh, load_voxels

QUICK = ('meshes_known_volume/unit_cube.STL', 'meshes_known_volume/tet.ply',
         'meshes_known_volume/ballA.off', 'meshes_known_volume/multibody.stl',
         'meshes_classic/torus.obj', 'meshes_classic/bunny.obj')  # fmt: skip


def box(low=(-0.5, -0.5, -0.5), high=(0.5, 0.5, 0.5)):
    mesh = trimesh.creation.box(bounds=[low, high])
    return np.array(mesh.vertices), np.array(mesh.faces)


def join(*meshes):
    """One mesh of several, vertices not shared."""
    offsets = np.cumsum([0, *(len(v) for v, _ in meshes)])
    faces = [f + o for (_, f), o in zip(meshes, offsets[:-1], strict=True)]
    return np.concatenate([v for v, _ in meshes]), np.concatenate(faces)


def cube_points(num, seed=0):
    return np.random.default_rng(seed).uniform(-0.55, 0.55, (num, 3))


def estimated_volume(vertices, faces, num_points):
    """Of a mesh in its own units, through the functions that prepare data; and its error."""
    faces = orient_outward(vertices, faces)
    normalized, _, scale = normalize_mesh(vertices)
    share = winding_occupancy(normalized, faces, cube_points(num_points)).mean()
    unit = (1.1 * scale) ** 3
    return share * unit, np.sqrt(share * (1 - share) / num_points) * unit


def true_volume(path, entry):
    """Ground truth of a closed mesh, or None.

    The faces of ``multibody.stl`` disagree about the outside, so that the tabulated signed sum
    says nothing; its two bodies are convex, so their hulls tell.
    """
    if path.name == 'multibody.stl':
        vertices, faces = load_mesh(path)
        bodies = trimesh.Trimesh(vertices, faces, process=False)
        labels = trimesh.graph.connected_component_labels(bodies.face_adjacency)
        hulls = (ConvexHull(vertices[faces[labels == i].ravel()]) for i in set(labels))
        return sum(h.volume for h in hulls)
    return entry['volume'] if entry['watertight'] else None


def closed_meshes(data_root):
    """``(path, volume)`` of all meshes with a known volume."""
    for table in sorted(data_root.glob('meshes_*/ground_truth.json')):
        for name, entry in json.loads(table.read_text()).items():
            volume = true_volume(table.parent / name, entry)
            if volume is not None:
                yield table.parent / name, volume


@pytest.mark.parametrize('name', QUICK)
def test_volume_of_real_meshes(data_root, name):
    """Within 4 standard errors or 1 %, in every file format and for several bodies."""
    path = data_root / name
    if not path.is_file():
        pytest.skip(f'{path} does not exist')
    entry = json.loads((path.parent / 'ground_truth.json').read_text())[path.name]
    truth = true_volume(path, entry)
    estimate, error = estimated_volume(*load_mesh(path), 20_000)
    assert abs(estimate - truth) < max(4 * error, 0.01 * truth)


@pytest.mark.slow
def test_volumes_of_all_closed_meshes(data_root):
    """2e6 uniform points each: within 1 % or 4 standard errors, whichever is larger."""
    meshes = list(closed_meshes(data_root))
    if not meshes:
        pytest.skip(f'{data_root} has no meshes_*/ground_truth.json')
    for path, truth in meshes:
        estimate, error = estimated_volume(*load_mesh(path), 2_000_000)
        assert abs(estimate - truth) < max(4 * error, 0.01 * truth), path


def test_winding_number_agrees_with_a_box():
    points = cube_points(5000)
    low, high = np.array([-0.3, -0.5, -0.1]), np.array([0.2, 0.4, 0.5])
    truth = ((points > low) & (points < high)).all(axis=1)
    assert np.array_equal(winding_occupancy(*box(low, high), points), truth)


def test_single_point_is_a_batch_of_one():
    assert winding_occupancy(*box(), np.zeros((1, 3))).tolist() == [True]


def test_hole_is_closed_by_the_winding_number():
    """A box without one of its 12 triangles still contains 99 % of its volume."""
    vertices, faces = box()
    points = cube_points(5000) * 0.9
    assert winding_occupancy(vertices, faces[1:], points).mean() > 0.97


def test_overlapping_parts_are_united():
    boxes = box((-0.5, -0.5, -0.5), (0.1, 0.5, 0.5)), box((-0.1, -0.5, -0.5), (0.5, 0.5, 0.5))
    assert winding_occupancy(*join(*boxes), cube_points(2000) * 0.9).all()


@pytest.mark.parametrize('case', ['inside out', 'inconsistent', 'one of two', 'cavity'])
def test_closed_parts_are_turned_outwards(case):
    """A cavity alone keeps its orientation; everything else ends up with positive volume."""
    vertices, faces = box()
    small, small_faces = box((0.1, 0.1, 0.1), (0.3, 0.3, 0.3))
    if case == 'inside out':
        faces, volume = faces[:, ::-1], 1
    elif case == 'inconsistent':
        faces, volume = np.concatenate([faces[:4, ::-1], faces[4:]]), 1
    elif case == 'one of two':
        moved = small + 2.0
        vertices, faces = join((vertices, faces), (moved, small_faces[:, ::-1]))
        volume = 1.008
    else:
        vertices, faces = join((vertices, faces), (small, small_faces[:, ::-1]))
        volume = 1 - 0.008
    turned = orient_outward(vertices, faces)
    assert np.isclose(signed_volume(vertices, turned), volume)
    assert np.array_equal(np.sort(turned, axis=1), np.sort(faces, axis=1))


def test_open_parts_are_left_alone():
    vertices, faces = box()
    assert np.array_equal(orient_outward(vertices, faces[:-1, ::-1]), faces[:-1, ::-1])


def test_normalization_is_undone_by_loc_and_scale():
    vertices = np.random.default_rng(0).normal(5, 3, (50, 3))
    normalized, loc, scale = normalize_mesh(vertices)
    assert np.allclose(normalized * scale + loc, vertices)
    assert np.isclose(np.ptp(normalized, axis=0).max(), 1)
    assert np.allclose(normalized.min(axis=0) + normalized.max(axis=0), 0)
    with pytest.raises(ValueError, match='no extent'):
        normalize_mesh(np.ones((3, 3)))


def test_face_samples_are_uniform_by_area():
    """On a 1 x 1 x 3 box: counts per side within 5 deviations, points on the sides."""
    vertices, faces = box((-0.5, -0.5, -1.5), (0.5, 0.5, 1.5))
    points, normals = sample_faces(vertices, faces, 14_000, np.random.default_rng(0))
    assert np.allclose((points * normals).sum(axis=1), np.abs(normals) @ [0.5, 0.5, 1.5])
    counts = [(normals[:, a] == s).sum() for a in range(3) for s in (-1, 1)]
    expected = np.array([3000, 3000, 3000, 3000, 1000, 1000])
    assert (np.abs(counts - expected) < 5 * np.sqrt(expected)).all()
    with pytest.raises(ValueError, match='no area'):
        sample_faces(np.ones((3, 3)), np.array([[0, 1, 2]]), 4, np.random.default_rng(0))


def test_boundary_samples_leave_out_buried_faces_and_look_outwards():
    """Two overlapping boxes, one inside out: only the hull of the union carries points."""
    left, right = box((-0.5, -0.2, -0.2), (0.1, 0.2, 0.2)), box((-0.1, -0.2, -0.2), (0.5, 0.2, 0.2))
    vertices, faces = join(left, right)
    points, normals = sample_boundary(vertices, faces, 2000, np.random.default_rng(0))
    assert len(points) == 2000
    assert np.allclose((points * normals).sum(axis=1), np.abs(normals) @ [0.5, 0.2, 0.2])


def test_soup_without_volume_is_refused_until_closed():
    """A single square: a sheet on both sides, and a slab once it has been closed."""
    vertices = np.array([[-0.5, 0, -0.5], [0.5, 0, -0.5], [0.5, 0, 0.5], [-0.5, 0, 0.5]])
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    rng = np.random.default_rng(0)
    assert sheet_share(vertices, faces, rng) == 1
    assert sheet_share(*box(), rng) == 0
    with pytest.raises(ValueError, match=r'only 0 of 100 surface points bound a volume.*close'):
        sample_boundary(vertices, faces, 100, rng)
    closed = close_mesh(vertices, faces, resolution=500)
    assert sheet_share(*closed, rng) < 0.05
    points, normals = sample_boundary(*closed, 200, rng)
    assert np.mean(points[:, 1] * normals[:, 1] > 0) > 0.8


def test_voxels_become_a_closed_mesh_where_they_were():
    """A block of 6 x 4 x 8 voxels: bounds, volume and orientation."""
    grid = np.zeros((16, 16, 16), dtype=bool)
    grid[2:8, 3:7, 4:12] = True
    vertices, faces = voxel_mesh(grid)
    assert trimesh.Trimesh(vertices, faces).is_watertight
    assert np.allclose(vertices.min(axis=0), [2, 3, 4], atol=0.1)
    assert np.allclose(vertices.max(axis=0), [8, 7, 12], atol=0.1)
    assert abs(signed_volume(vertices, faces) / (6 * 4 * 8) - 1) < 0.05


def test_voxel_at_the_border_is_not_cut_open():
    vertices, faces = voxel_mesh(np.ones((4, 4, 4), dtype=bool))
    assert trimesh.Trimesh(vertices, faces).is_watertight
    assert np.allclose(vertices.min(axis=0), 0, atol=0.1)


def test_rods_one_voxel_thick_survive_smoothing():
    """Upright and diagonal: each stays one closed piece, thinned by no more than half."""
    upright, diagonal = np.zeros((2, 16, 16, 16), dtype=bool)
    upright[8, 2:14, 8] = True
    for i in range(2, 14):
        diagonal[i, i, 8:10] = diagonal[i + 1, i, 8:10] = True
    for grid in (upright, diagonal):
        vertices, faces = voxel_mesh(grid)
        parts = trimesh.Trimesh(vertices, faces).body_count
        assert parts == 1
        assert 0.4 < signed_volume(vertices, faces) / grid.sum() < 1.3


def test_empty_and_faded_grids_are_refused():
    with pytest.raises(ValueError, match='grid is empty'):
        voxel_mesh(np.zeros((4, 4, 4)))
    grid = np.zeros((5, 5, 5))
    grid[2, 2, 2] = 1
    with pytest.raises(ValueError, match=r'no voxel reaches level=0.45 after smoothing=1.0'):
        voxel_mesh(grid, smoothing=1.0)


@pytest.mark.parametrize('suffix', ['obj', 'off', 'ply', 'stl', 'glb'])
def test_mesh_files_round_trip(tmp_path, suffix):
    """Closed after merging, in place, whatever the format duplicates."""
    vertices, faces = box((0, 0, 0), (1, 2, 3))
    path = tmp_path / f'box.{suffix}'
    trimesh.Trimesh(vertices, faces).export(path)
    loaded, loaded_faces = load_mesh(path)
    assert len(loaded) == 8
    assert np.isclose(signed_volume(loaded, loaded_faces), 6)
    assert np.allclose(loaded.max(axis=0), [1, 2, 3])


def test_scene_parts_are_placed_by_their_transforms(tmp_path):
    scene = trimesh.Scene()
    scene.add_geometry(trimesh.creation.box(), transform=np.diag([-2.0, 1, 1, 1]))  # mirrored
    moved = np.eye(4)
    moved[:3, 3] = 5
    scene.add_geometry(trimesh.creation.box(), transform=moved)
    scene.export(tmp_path / 'scene.glb')
    vertices, faces = load_mesh(tmp_path / 'scene.glb')
    assert np.allclose(vertices.min(axis=0), [-1, -0.5, -0.5])
    assert np.allclose(vertices.max(axis=0), 5.5)
    assert np.isclose(signed_volume(vertices, orient_outward(vertices, faces)), 3)


@pytest.mark.parametrize('content', ['', 'v 0 0 0\n'])
def test_unusable_mesh_files_are_named(tmp_path, content):
    path = tmp_path / 'broken.obj'
    path.write_text(content)
    with pytest.raises(ValueError, match=r'broken.obj (has no faces|cannot be read)'):
        load_mesh(path)


def test_voxel_archives_packed_and_plain(tmp_path):
    grids = np.random.default_rng(0).random((3, 4, 4, 4)) < 0.5
    packed = np.packbits(grids.reshape(3, -1), axis=1)
    np.savez(tmp_path / 'v.npz', plain=grids, packed=packed, odd=np.zeros((3, 5), dtype=np.uint8))
    for key in ('plain', 'packed'):
        assert list_voxels(tmp_path / 'v.npz', key) == 3
        assert np.array_equal(load_voxels(tmp_path / 'v.npz', key, 2), grids[2])
    with pytest.raises(ValueError, match=r"array 'odd' is uint8 \(3, 5\); expected \(n, X, Y, Z\)"):
        load_voxels(tmp_path / 'v.npz', 'odd')
    (tmp_path / 'bad.npz').write_bytes((tmp_path / 'v.npz').read_bytes()[:100])
    for read in (list_voxels, load_voxels):
        with pytest.raises(ValueError, match=r"v.npz has no array 'vox'; it has \['plain', 'pack"):
            read(tmp_path / 'v.npz', 'vox')
        with pytest.raises(ValueError, match=r'bad.npz cannot be read as voxels'):
            read(tmp_path / 'bad.npz', 'vox')


def test_binvox_is_read_in_coordinate_order(tmp_path):
    """The file runs x, z, y with y fastest: a voxel at (1, 2, 3) stays there."""
    grid = np.zeros((4, 4, 4), dtype=bool)
    grid[1, 2, 3] = True
    flat = grid.transpose(0, 2, 1).ravel()
    runs = b''.join(bytes([int(v), 1]) for v in flat)
    header = b'#binvox 1\ndim 4 4 4\ntranslate 0 0 0\nscale 1\ndata\n'
    (tmp_path / 'v.binvox').write_bytes(header + runs)
    assert np.array_equal(load_voxels(tmp_path / 'v.binvox', ''), grid)
    (tmp_path / 'bad.binvox').write_bytes(b'no')
    with pytest.raises(ValueError, match=r'bad.binvox cannot be read as binvox'):
        load_voxels(tmp_path / 'bad.binvox', '')
