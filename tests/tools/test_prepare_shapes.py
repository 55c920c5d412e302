"""The command that makes the Occupancy-Networks format from meshes and voxels."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import trimesh

from ddmi_toolkit.datasets.occnet_format import POINTS, read_split, split_names, write_split
from ddmi_toolkit.datasets.prepare import find_sources, write_index
from ddmi_toolkit.registry import DATASETS

TOOL = Path(__file__).parents[2] / 'tools' / 'prepare_shapes.py'
FEW = ['--num-points=512', '--num-near=128', '--num-surface=256', '--workers=1']


@pytest.fixture(scope='module')
def tool():
    spec = importlib.util.spec_from_file_location('prepare_shapes', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def meshes(tmp_path):
    """A ball, a box and a mesh without faces."""
    folder = tmp_path / 'in'
    (folder / 'round').mkdir(parents=True)
    trimesh.creation.icosphere(radius=3).export(folder / 'round' / 'ball.stl')
    trimesh.creation.box(extents=(1, 2, 4)).export(folder / 'box.obj')
    (folder / 'broken.off').write_text('OFF\n0 0 0\n')
    return folder


def contents(root):
    """Bytes of all files below a folder, but the report."""
    files = sorted(p for p in root.rglob('*') if p.is_file() and p.name != 'prepare.json')
    return {str(p.relative_to(root)): p.read_bytes() for p in files}


def test_prepared_meshes_are_read_by_the_data_set(tool, meshes, tmp_path):
    """Points carry the labels of the normalized shapes; the broken file is reported."""
    out = tmp_path / 'out'
    flags = [
        '--class-id=03001627',
        '--class-name=chair',
        '--val-fraction=0.16',
        '--test-fraction=0',
    ]
    assert tool.main([str(meshes), str(out), *flags, *FEW]) == 1
    report = json.loads((out / 'prepare.json').read_text())
    assert report['counts'] == {'03001627': {'train': 1, 'test': 0, 'val': 1}}
    (failed,) = report['failures']
    assert 'broken.off' in failed
    config = dict(type='ShapeNetOccupancy', root=str(out), near_surface=True, pipeline=[])
    data = DATASETS.build(config | dict(split=None))
    assert data.metainfo == dict(class_ids=('03001627',), classes=('chair',))
    box, ball = data[0], data[1]
    assert ball['name'] == '03001627/round_ball'
    radius = np.linalg.norm(ball['points'], axis=1)
    clear = np.abs(radius - 0.5) > 0.01  # the tessellation lies within
    assert np.array_equal(ball['occupancies'][clear], (radius < 0.5)[clear])
    assert np.abs(ball['points']).max() > 0.54
    directions = ball['surface_points'] / np.linalg.norm(ball['surface_points'], axis=1)[:, None]
    assert ((directions * ball['surface_normals']).sum(axis=1) > 0.98).all()
    half = np.array([0.125, 0.25, 0.5])
    inside = (np.abs(box['near_points']) < half).all(axis=1)
    distance = np.abs(np.abs(box['near_points']) - half).min(axis=1)
    assert np.array_equal(box['near_occupancies'][distance > 1e-3], inside[distance > 1e-3])
    assert 0.3 < box['near_occupancies'].mean() < 0.7


def test_loc_and_scale_lead_back_to_the_file(tool, meshes, tmp_path):
    out = tmp_path / 'out'
    tool.main([str(meshes / 'round'), str(out), *FEW])
    with np.load(out / 'shapes' / 'ball' / 'pointcloud.npz') as cloud:
        points = cloud['points'].astype(float) * cloud['scale'] + cloud['loc']
    assert np.allclose(np.linalg.norm(points, axis=1), 3, atol=0.06)


@pytest.mark.parametrize('workers', [1, 2])
def test_result_depends_on_names_only(tool, meshes, tmp_path, workers):
    """Byte-equal in another place, with other workers and beside other files."""
    both, alone = tmp_path / 'both', tmp_path / 'alone'
    tool.main([str(meshes), str(both), *FEW, f'--workers={workers}'])
    tool.main([str(meshes / 'box.obj'), str(alone), *FEW])
    equal = contents(both / 'shapes' / 'box')
    assert len(equal) == 3
    assert equal == contents(alone / 'shapes' / 'box')


def test_repeating_does_only_what_is_missing(tool, meshes, tmp_path):
    """After a kill: finished shapes stay untouched, leftovers go, the rest is equal."""
    out = tmp_path / 'out'
    tool.main([str(meshes), str(out), *FEW])
    before = contents(out)
    kept = (out / 'shapes' / 'box' / 'points.npz').stat().st_mtime_ns
    (out / 'shapes' / 'round_ball').rename(out / 'shapes' / '.round_ball.part')
    (out / 'shapes' / '.round_ball.part' / 'points.npz').unlink()
    tool.main([str(meshes), str(out), *FEW])
    assert contents(out) == before
    assert (out / 'shapes' / 'box' / 'points.npz').stat().st_mtime_ns == kept


def test_other_options_are_not_mixed(tool, meshes, tmp_path):
    out = str(tmp_path / 'out')
    tool.main([str(meshes), out, *FEW])
    with pytest.raises(ValueError, match=r"other options .*'num_points': \(512, 99\)"):
        tool.main([str(meshes), out, *FEW, '--num-points=99'])


def test_voxels_are_prepared(tool, tmp_path):
    """Half-filled grids: occupancy agrees with the voxels away from their faces."""
    grids = np.zeros((2, 16, 16, 16), dtype=bool)
    grids[0, 2:14, 2:8, 4:12] = True
    grids[1, 4:12, 4:12, 4:12] = True
    np.savez(tmp_path / 'grids.npz', vox_filled=np.packbits(grids.reshape(2, -1), axis=1))
    out = tmp_path / 'out'
    assert tool.main([str(tmp_path / 'grids.npz'), str(out), *FEW]) == 0
    config = dict(type='ShapeNetOccupancy', root=str(out), split=None, pipeline=[])
    record = DATASETS.build(config)[0]
    half = np.array([6, 3, 4]) / 12
    distance = (np.abs(record['points']) - half).max(axis=1)
    clear = np.abs(distance) > 0.05
    assert np.array_equal(record['occupancies'][clear], (distance < 0)[clear])


def test_up_axis_is_turned(tool, tmp_path):
    """A cone along z stands on its base along y, and its faces still look outwards."""
    trimesh.creation.cone(1, 4).export(tmp_path / 'cone.ply')
    out = tmp_path / 'out'
    tool.main([str(tmp_path / 'cone.ply'), str(out), *FEW, '--num-surface=4096', '--up=z'])
    with np.load(out / 'shapes' / 'cone' / 'pointcloud.npz') as cloud:
        points, normals = (cloud[k].astype(float) for k in ('points', 'normals'))
    assert np.isclose(np.ptp(points[:, 1]), 1, atol=0.05)
    wide = np.abs(points[:, [0, 2]]).max(axis=1)
    assert wide[points[:, 1] < -0.4].max() > 3 * wide[points[:, 1] > 0.3].max()
    assert (normals[points[:, 1] < -0.499, 1] < -0.9).any()


def test_sheets_are_closed_on_their_own(tool, tmp_path):
    """A board without thickness bounds no volume; 'auto' gives it one, 'never' fails."""
    vertices = [[-1, 0, -1], [1, 0, -1], [1, 0, 1], [-1, 0, 1]]
    trimesh.Trimesh(vertices, [[0, 1, 2], [0, 2, 3]]).export(tmp_path / 'sheet.off')
    args = [str(tmp_path / 'sheet.off'), *FEW, '--close-resolution=500']
    assert tool.main([args[0], str(tmp_path / 'a'), *args[1:]]) == 0
    with np.load(tmp_path / 'a' / 'shapes' / 'sheet' / 'points.npz') as points:
        assert np.unpackbits(points['occupancies']).any()
    assert tool.main([args[0], str(tmp_path / 'n'), *args[1:], '--close=never']) == 1
    assert 'bound a volume' in (tmp_path / 'n' / 'prepare.json').read_text()


def test_splits_are_dealt_by_name(tmp_path):
    """About in the stated shares, disjoint, complete, whatever the other names are."""
    names = [f'shape{i}' for i in range(2000)]
    splits = split_names(names, 0.1, 0.2)
    for split, share in dict(train=0.7, val=0.1, test=0.2).items():
        deviation = (share * (1 - share) / 2000) ** 0.5
        assert abs(len(splits[split]) / 2000 - share) < 4 * deviation
    assert sorted(name for part in splits.values() for name in part) == sorted(names)
    assert split_names(names[::-1], 0.1, 0.2) == splits
    some = set(names[:50])
    for split, members in split_names(some, 0.1, 0.2).items():
        assert members == [n for n in splits[split] if n in some]
    with pytest.raises(ValueError, match=r'val_fraction=0.5 and test_fraction=0.5'):
        split_names(names, 0.5, 0.5)


def test_listed_shapes_stay_in_their_split(tmp_path):
    """Further shapes, other fractions: what a list has is not moved; what is gone, is dropped."""
    names = [f'shape{i}' for i in range(40)]
    folder = tmp_path / 'chair'
    for name in names:
        (folder / name).mkdir(parents=True)
        (folder / name / POINTS).touch()
    before = dict(train=names[:15], val=names[15:18], test=[*names[18:20], 'gone'])
    for split, members in before.items():
        write_split(folder / f'{split}.lst', members)
    counts = write_index(tmp_path, dict(chair='chair'), 0.2, 0.6)['chair']
    after = {split: read_split(folder / f'{split}.lst') for split in before}
    assert {k: len(v) for k, v in after.items()} == counts
    assert sum(counts.values()) == 40
    new = split_names(names[20:], 0.2, 0.6)
    for split, members in before.items():
        assert set(after[split]) == set(members) - {'gone'} | set(new[split])
    assert write_index(tmp_path, dict(chair='chair'), 0.0, 0.0)['chair'] == counts


def test_classes_from_folders(meshes):
    found = find_sources(meshes, 'other', 'vox', by_folder=True)
    assert {(s.class_id, s.name) for s in found} == {
        ('other', 'box'), ('other', 'broken'), ('round', 'ball'),
    }  # fmt: skip


def test_unusable_sources_are_explained(tool, meshes, tmp_path):
    trimesh.creation.box().export(meshes / 'box.ply')
    with pytest.raises(ValueError, match=r'box.obj and .*box.ply would both be written to'):
        find_sources(meshes, 'c', 'vox')
    with pytest.raises(ValueError, match=r'nowhere does not exist'):
        find_sources(tmp_path / 'nowhere', 'c', 'vox')
    with pytest.raises(ValueError, match=r'holds no shapes: expected'):
        find_sources(meshes, 'c', 'vox', pattern='*.glb')


@pytest.mark.parametrize(
    ('flag', 'message'),
    [
        ('--num-points=0', 'num_points must be at least 1, got 0'),
        ('--up=x', "up must be 'y' or 'z', got 'x'"),
        ('--close=maybe', "close must be 'auto', 'always' or 'never', got 'maybe'"),
    ],
)
def test_wrong_options_are_named(tool, meshes, tmp_path, flag, message):
    with pytest.raises(ValueError, match=message):
        tool.main([str(meshes), str(tmp_path / 'out'), flag])


def text2shape(folder, directions):
    """A board of 12 x 4 x 8 voxels along x, y and z, in Text2Shape's order y, z, x."""
    nrrd = pytest.importorskip('nrrd')
    grid = np.zeros((4, 16, 16, 16), dtype=np.uint8)
    grid[:3] = 200
    grid[3, 0:4, 2:10, 3:15] = 255
    grid[3, 4:6, 2:4, 3:15] = 255  # a rim at low z, above the board
    (folder / 'aa').mkdir(parents=True)
    header = {}
    if directions is not None:
        rows = [[np.nan] * 3, *directions]  # colors have no direction
        header = {'space dimension': 3, 'space directions': np.array(rows, dtype=float)}
    nrrd.write(str(folder / 'aa' / 'aa.nrrd'), grid, header)


@pytest.mark.parametrize(
    'directions', [None, np.eye(3)[[1, 2, 0]] * 0.01], ids=['none', 'of Text2Shape']
)
def test_colored_voxels_are_prepared_with_classes_of_captions(tool, directions, tmp_path):
    """The alpha channel is the shape; axes follow the header; the class comes from the captions."""
    text2shape(tmp_path / 'voxels', directions)
    csv = tmp_path / 'captions.csv'
    csv.write_text('modelId,description,category,topLevelSynsetId\naa,a chair,Chair,3001627\n')
    out = tmp_path / 'out'
    assert tool.main([str(tmp_path / 'voxels'), str(out), *FEW, f'--captions={csv}']) == 0
    data = DATASETS.build(dict(type='ShapeNetOccupancy', root=str(out), split=None, pipeline=[]))
    record = data[0]
    assert record['name'] == '03001627/aa'
    assert record['class_name'] == 'chair'
    cloud = record['surface_points']
    np.testing.assert_allclose(np.ptp(cloud, axis=0), [1, 6 / 12, 8 / 12], atol=0.06)
    rim = cloud[cloud[:, 1] > 0.15]
    assert (rim[:, 2] < 0).all()


def test_axes_that_run_backwards_are_turned(tmp_path):
    """A header may name any axis, in any direction."""
    from ddmi_toolkit.geometry.shape_files import load_voxels

    text2shape(tmp_path / 'a', np.eye(3)[[1, 2, 0]])
    text2shape(tmp_path / 'b', np.diag([1, -1, 1]))
    plain = load_voxels(tmp_path / 'a/aa/aa.nrrd', '')
    other = load_voxels(tmp_path / 'b/aa/aa.nrrd', '')
    assert np.array_equal(plain, np.flip(other, 1).transpose(2, 0, 1))


def test_foreign_or_broken_voxels_are_named(tool, tmp_path):
    from ddmi_toolkit.geometry.shape_files import load_voxels

    text2shape(tmp_path / 'voxels', None)
    with pytest.raises(ValueError, match=r"none of its 1 shapes, e\.g\. 'aa', has a class"):
        find_sources(tmp_path / 'voxels', 'shapes', '', class_of=dict(bb='03001627'))
    (tmp_path / 'bad.nrrd').write_bytes(b'no nrrd')
    with pytest.raises(ValueError, match=r'bad\.nrrd cannot be read as NRRD'):
        load_voxels(tmp_path / 'bad.nrrd', '')
    text2shape(tmp_path / 'skew', np.array([[1, 1, 0], [0, 1, 0], [0, 0, 1]]))
    with pytest.raises(ValueError, match='expected one along each of x y z'):
        load_voxels(tmp_path / 'skew/aa/aa.nrrd', '')
