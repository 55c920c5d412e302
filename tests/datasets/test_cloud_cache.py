"""A carved cloud is kept on disk under what it was carved of, and never under anything else."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from posed_files import ball_views, write_srn
from torch.utils.data import DataLoader

from ddmi_toolkit.datasets import PosedViews
from ddmi_toolkit.datasets.posed_views import PosedObject, View, cloud_cache
from ddmi_toolkit.datasets.posed_views.carving import carve_cloud
from ddmi_toolkit.datasets.posed_views.cloud_cache import CarvedClouds, cloud_key

OPTIONS = dict(num_points=60, resolution=12)


@pytest.fixture
def carved(monkeypatch):
    """Names of the first views of what has been carved so far."""
    names = []

    def spy(views, **options):
        names.append(views[0].name)
        return carve_cloud(views, **options)

    monkeypatch.setattr(cloud_cache, 'carve_cloud', spy)
    return names


def test_another_run_reads_what_one_has_carved(tmp_path, carved):
    """Bit for bit, also after the data have moved: what counts is what the files hold."""
    root = write_srn(tmp_path / 'set', names=('a',))
    points = dict(type='carve', cache_dir=str(tmp_path / 'cache'), **OPTIONS)
    first = _points(root, points)
    root.rename(tmp_path / 'moved')
    second = _points(tmp_path / 'moved', points)
    assert len(carved) == 1
    assert np.array_equal(first, second)
    assert second.dtype == np.float32
    assert second.flags.writeable


def test_views_that_are_not_carved_do_not_count(tmp_path, carved):
    """The key is of the views that were chosen for carving."""
    views = ball_views(6)
    clouds = CarvedClouds('::2', cache_dir=str(tmp_path), **OPTIONS)
    one = clouds(PosedObject('a', views))
    dark = [_with_pixels(v, 0 * v.pixels()) if i % 2 else v for i, v in enumerate(views)]
    assert np.array_equal(clouds(PosedObject('b', dark)), one)
    assert len(carved) == 1


def _with_pixels(view, pixels):
    return View(view.name, view.camera, lambda: pixels)


def _repainted(view):
    pixels = view.pixels().copy()
    pixels[12, 12, 0] ^= 1
    return _with_pixels(view, pixels)


def _changed(**values):
    return lambda view: replace(view, camera=replace(view.camera, **values))


@pytest.mark.parametrize(
    'change',
    [
        _repainted,
        lambda view: view.moved((0.0, 0.0, 1e-3), 1.0),
        _changed(fx=33.0),
        _changed(fy=33.0),
        _changed(cx=11.0),
        _changed(cy=11.0),
        _changed(distortion=(0.01, 0.0, 0.0, 0.0)),
    ],
    ids=['one value of a pixel', 'pose', 'fx', 'fy', 'cx', 'cy', 'distortion'],
)
def test_key_follows_every_view(change):
    """The least change of the last view gives another key; the name gives none."""
    views = ball_views(3)
    key = cloud_key(views, OPTIONS)
    assert cloud_key([*views[:-1], change(views[-1])], OPTIONS) != key
    assert cloud_key([replace(v, name='elsewhere') for v in views], OPTIONS) == key


def test_key_follows_options_alpha_and_order():
    """Pixels with alpha are others than the same colors without; colors depend on the order."""
    views = ball_views(3)
    others = (views[::-1], views[:2], ball_views(3, alpha=True))
    keys = {cloud_key(v, OPTIONS) for v in (views, *others)}
    for name, value in dict(num_points=61, resolution=13, background=0.5, box=(-1, 2)).items():
        keys.add(cloud_key(views, {**OPTIONS, name: value}))
    assert len(keys) == 8


@pytest.mark.parametrize('content', [b'', b'no array', 'other'], ids=['empty', 'text', 'size'])
def test_a_damaged_file_is_carved_anew(tmp_path, carved, content):
    """Also one of another number of points; the good cloud takes its place."""
    clouds, posed = CarvedClouds(cache_dir=str(tmp_path), **OPTIONS), PosedObject('a', ball_views())
    good = clouds(posed)
    (path,) = tmp_path.iterdir()
    if content == 'other':
        np.save(path, good[:-1])
    else:
        path.write_bytes(content)
    assert np.array_equal(clouds(posed), good)
    assert np.array_equal(np.load(path), good)
    assert len(carved) == 2


@pytest.mark.filterwarnings('ignore:This DataLoader will create')  # on one core
def test_workers_that_carve_at_once_leave_whole_files(tmp_path):
    """Two that meet at the same views both get their cloud; nothing partial remains."""
    root = write_srn(tmp_path / 'set', names=('a', 'b'))  # two objects of one content
    points = dict(type='carve', cache_dir=str(tmp_path / 'cache'), **OPTIONS)
    data = PosedViews(str(root), points=points)
    found = [r['points'] for r in DataLoader(data, None, num_workers=2, collate_fn=_kept)]
    assert len(found) == 2
    (path,) = (tmp_path / 'cache').iterdir()
    assert all(np.array_equal(np.load(path), f) for f in found)


def _kept(record):
    return dict(points=record['points'])


def _points(root, points):
    return PosedViews(str(root), points=points)[0]['points']


def test_without_a_folder_nothing_is_written(tmp_path, monkeypatch):
    """The default keeps clouds in memory alone."""
    root = write_srn(tmp_path / 'set', names=('a',))
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.rglob('*'))
    PosedViews(str(root), points=dict(type='carve', **OPTIONS))[0]
    assert set(tmp_path.rglob('*')) == before


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    """With the way out, before anything is carved."""
    (tmp_path / 'file').write_text('')
    message = r"cache_dir='.*file/clouds' cannot be written \(.*\); name another folder, or None"
    with pytest.raises(ValueError, match=message):
        CarvedClouds(cache_dir=str(tmp_path / 'file/clouds'), **OPTIONS)


def test_a_full_disk_ends_in_the_same_message(tmp_path, monkeypatch):
    clouds = CarvedClouds(cache_dir=str(tmp_path), **OPTIONS)
    monkeypatch.setattr(np, 'save', lambda *_: (_ for _ in ()).throw(OSError(28, 'No space left')))
    with pytest.raises(ValueError, match=r'cannot be written \(.*No space left\); name another'):
        clouds(PosedObject('a', ball_views()))
    assert not list(tmp_path.iterdir())


def test_home_folders_are_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    CarvedClouds(cache_dir='~/clouds', **OPTIONS)(PosedObject('a', ball_views()))
    assert len(list(Path(tmp_path, 'clouds').glob('*.npy'))) == 1
