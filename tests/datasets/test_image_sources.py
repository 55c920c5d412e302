"""Folders, zips, lmdbs and CIFAR-10's archives give the same pictures under the same names."""

import io
import os
import pickle
import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image

from ddmi_toolkit.datasets.cifar10_format import CLASSES
from ddmi_toolkit.datasets.image_sources import open_source

NAMES = ['cat/1.png', 'cat/deep/2.png', 'dog/0.png']


def png(value):
    buffer = io.BytesIO()
    Image.new('RGB', (3, 2), (value, 0, 255 - value)).save(buffer, 'png')
    return buffer.getvalue()


def write_folder(path):
    for i, name in enumerate(NAMES):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(png(i))
    (path / 'notes.md').write_text('no picture')
    (path / '.hidden').mkdir()
    (path / '.hidden' / 'x.png').write_bytes(png(9))
    return path


def write_zip(path, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, 'w', compression) as archive:
        for i, name in reversed(list(enumerate(NAMES))):
            archive.writestr(name, png(i))
        archive.writestr('notes.md', 'no picture')
        archive.writestr('__MACOSX/cat/._1.png', 'no picture')
    return path


def write_lmdb(path, items):
    lmdb = pytest.importorskip('lmdb')
    with lmdb.open(str(path), map_size=2**20) as database, database.begin(write=True) as put:
        for key, value in items.items():
            put.put(key.encode(), value)
    return path


def batches(num=2):
    """Pixels and labels of CIFAR's six files, by file."""
    rng = np.random.default_rng(0)
    files = [f'data_batch_{i}' for i in range(1, 6)] + ['test_batch']
    rows = {f: rng.integers(0, 256, (num, 3072), dtype=np.uint8) for f in files}
    return rows, {f: rng.integers(0, 10, num).tolist() for f in files}


def write_cifar(folder, is_binary, is_packed):
    rows, labels = batches()
    name = 'cifar-10-batches-bin' if is_binary else 'cifar-10-batches-py'
    (folder / name).mkdir(parents=True)
    for file, pixels in rows.items():
        if is_binary:
            columns = np.array(labels[file], np.uint8)[:, None]
            (folder / name / f'{file}.bin').write_bytes(np.hstack([columns, pixels]).tobytes())
        else:
            content = {b'data': pixels, b'labels': labels[file], b'batch_label': b'one'}
            (folder / name / file).write_bytes(pickle.dumps(content, protocol=2))
    if is_packed:
        archive = folder / f'cifar-10-{"binary" if is_binary else "python"}.tar.gz'
        with tarfile.open(archive, 'w:gz') as tar:
            tar.add(folder / name, name)
        for file in (folder / name).iterdir():
            file.unlink()
        (folder / name).rmdir()
    return folder


@pytest.mark.parametrize('kind', ['folder', 'stored zip', 'deflated zip', 'zip without suffix'])
def test_pictures_lie_under_sorted_names(kind, tmp_path):
    """Whatever is no picture, or hidden, is left out."""
    if kind == 'folder':
        path = write_folder(tmp_path / 'set')
    else:
        path = tmp_path / 'set.zip'
        write_zip(path, zipfile.ZIP_DEFLATED if 'deflated' in kind else zipfile.ZIP_STORED)
        path = path.with_suffix('') if 'without' in kind else path
    source = open_source(path)
    assert list(source.names) == NAMES
    assert [source.load(n).getpixel((0, 0))[0] for n in NAMES] == [0, 1, 2]


def test_lsun_database_is_read_by_key(tmp_path):
    """LSUN stores webp files under keys without a suffix."""
    buffer = io.BytesIO()
    Image.new('RGB', (4, 4), (200, 100, 0)).save(buffer, 'webp', lossless=True)
    path = write_lmdb(tmp_path / 'church_val_lmdb', {'b0': buffer.getvalue(), 'a1': png(7)})
    source = open_source(path)
    assert source.names == ('a1', 'b0')
    assert source.load('b0').getpixel((3, 3)) == (200, 100, 0)
    other = open_source(path)  # a database may be opened once per process only
    assert other.load('a1').getpixel((0, 0)) == (7, 0, 248)
    with pytest.raises(ValueError, match=r'church_val_lmdb/c: cannot be read \(KeyError'):
        source.load('c')


@pytest.mark.parametrize('is_packed', [False, True])
@pytest.mark.parametrize('is_binary', [False, True])
def test_cifar_is_read_as_distributed(is_binary, is_packed, tmp_path):
    """Planes become pixels; names hold split, class and place; batches follow each other."""
    source = open_source(write_cifar(tmp_path / 'cifar10', is_binary, is_packed))
    rows, labels = batches()
    flat = [(f, i) for f in rows for i in range(2)]
    assert len(source.names) == len(flat)
    for k, (name, (file, i)) in enumerate(zip(source.names, flat, strict=True)):
        split, place = ('test', k - 10) if file == 'test_batch' else ('train', k)
        assert name == f'{split}/{CLASSES[labels[file][i]]}/{place:05d}'
        planes = rows[file][i].reshape(3, 32, 32)
        assert np.array_equal(np.asarray(source.load(name)), planes.transpose(1, 2, 0))


def test_cifar_refuses_pickles_that_run_code(tmp_path):
    """A crafted batch is refused before anything in it is called."""

    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / 'was here'),)

    folder = write_cifar(tmp_path / 'cifar10', False, False) / 'cifar-10-batches-py'
    (folder / 'data_batch_3').write_bytes(pickle.dumps({b'data': Evil()}))
    with pytest.raises(ValueError, match=r'data_batch_3 is no batch of CIFAR-10 .*mkdir'):
        open_source(tmp_path / 'cifar10')
    assert not (tmp_path / 'was here').exists()


@pytest.mark.parametrize('is_binary', [False, True])
def test_cifar_names_the_broken_or_missing_batch(is_binary, tmp_path):
    folder = write_cifar(tmp_path / 'cifar10', is_binary, False)
    file = next(iter(folder.rglob('data_batch_4*')))
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r'data_batch_4.* is no batch of CIFAR-10'):
        open_source(folder)
    file.unlink()
    with pytest.raises(ValueError, match=r'lacks .*data_batch_4'):
        open_source(folder)


def test_cut_archive_of_cifar_is_named(tmp_path):
    path = write_cifar(tmp_path, False, True) / 'cifar-10-python.tar.gz'
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(ValueError, match=r'cifar-10-python\.tar\.gz: cannot be read'):
        open_source(path)


def test_source_travels_to_another_process_without_its_handle(tmp_path):
    """Its size does not grow with the pictures read, and it opens its file again."""
    source = open_source(write_zip(tmp_path / 'set.zip'))
    source.load(NAMES[0])
    copy = pickle.loads(pickle.dumps(source))
    assert copy._handle is None
    assert copy.load(NAMES[2]).getpixel((0, 0))[0] == 2


def test_forked_process_opens_its_own_zip(tmp_path, monkeypatch):
    """A file shared with the parent would share its position, too."""
    source = open_source(write_zip(tmp_path / 'set.zip'))
    mine = source.handle
    assert source.handle is mine
    child = os.getpid() + 1
    monkeypatch.setattr(os, 'getpid', lambda: child)
    theirs = source.handle
    assert theirs is not mine
    for handle in (mine, theirs):
        handle.close()


def test_unknown_paths_say_what_is_expected(tmp_path):
    with pytest.raises(ValueError, match=r'nowhere does not exist; expected a folder .*DDMI_DATA'):
        open_source(tmp_path / 'nowhere')
    file = tmp_path / 'set.rar'
    file.write_bytes(b'x')
    with pytest.raises(ValueError, match=r'set\.rar is neither a folder, a \.zip.*unpack it'):
        open_source(file)
    with pytest.raises(ValueError, match=r'cut\.zip is not a zip or is cut short'):
        (tmp_path / 'cut.zip').write_bytes(b'PK')
        open_source(tmp_path / 'cut.zip')


def test_damaged_entry_of_a_zip_is_named(tmp_path):
    path = write_zip(tmp_path / 'set.zip')
    data = bytearray(path.read_bytes())
    data[data.index(png(1)) + 50] ^= 0xFF
    path.write_bytes(bytes(data))
    with pytest.raises(ValueError, match=r'set\.zip/cat/deep/2\.png: cannot be read \(BadZipFile'):
        open_source(path).load('cat/deep/2.png')


def test_file_that_vanished_is_named(tmp_path):
    source = open_source(write_folder(tmp_path / 'set'))
    (tmp_path / 'set' / NAMES[0]).unlink()
    with pytest.raises(ValueError, match=r'cat/1\.png: cannot be read \(FileNotFoundError'):
        source.load(NAMES[0])


def test_missing_lmdb_package_is_named(tmp_path, monkeypatch):
    path = write_lmdb(tmp_path / 'some_lmdb', {'a': png(1)})
    monkeypatch.setitem(__import__('sys').modules, 'lmdb', None)
    with pytest.raises(ImportError, match='some_lmdb is an lmdb: pip install lmdb'):
        open_source(path)
