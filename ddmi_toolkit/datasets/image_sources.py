"""Where pictures lie: folders, zips, LSUN's lmdb, CIFAR-10's archives; one interface."""

import os
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from PIL import Image

from .cifar10_format import find_batches, load_batches
from .image_files import IMAGE_SUFFIXES, decode_image

_LIST_SUFFIXES = ('.txt', '.lst')


class AbstractImageSource(ABC):
    """Named picture files.

    A source can be pickled: what it opens is opened by each process for itself, on first use.

    Args:
        path: What is read.
    """

    SURVIVES_FORK: ClassVar[bool] = False  # whether a child may use what its parent opened

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._handle: tuple[int, Any] | None = None
        self.names = tuple(self._list())

    @abstractmethod
    def _list(self) -> Iterable[str]:
        """Names in a fixed order, folders divided by ``/``; the first folder is the class."""

    @abstractmethod
    def read(self, name: str) -> bytes:
        """Content of the file of a name, in a format that Pillow reads."""

    def load(self, name: str) -> Image.Image:
        """The picture of a name, see ``image_files.decode_image``.

        Raises:
            ValueError: It is missing or broken.
        """
        try:
            data = self.read(name)
        except Exception as error:  # archives and databases have errors of their own
            raise ValueError(
                f'{self.path}/{name}: cannot be read ({type(error).__name__}: {error}); restore it'
            ) from error
        return decode_image(data, f'{self.path}/{name}')

    def _open(self) -> Any:
        """What stays open between reads; nothing by default."""
        return None

    @property
    def handle(self) -> Any:
        """What this process has opened."""
        process = 0 if self.SURVIVES_FORK else os.getpid()
        if self._handle is None or self._handle[0] != process:
            self._handle = process, self._open()
        return self._handle[1]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, '_handle': None}


class FolderSource(AbstractImageSource):
    """Picture files below a folder at any depth, in order of name; hidden ones are left out."""

    def _list(self) -> Iterable[str]:
        files: list[str] = []
        for folder, _, found in os.walk(self.path, followlinks=True):
            below = Path(folder).relative_to(self.path)
            files += [(below / name).as_posix() for name in found]
        return sorted(filter(_is_image, files))

    def read(self, name: str) -> bytes:
        """Content of a file."""
        return (self.path / name).read_bytes()


class ZipSource(AbstractImageSource):
    """Picture files in a zip, in order of name, read without unpacking.

    Stored (not deflated) ones are fastest; ``tools/prepare_images.py`` writes such.
    """

    def _open(self) -> zipfile.ZipFile:
        try:
            return zipfile.ZipFile(self.path)
        except zipfile.BadZipFile as error:
            raise ValueError(
                f'{self.path} is not a zip or is cut short ({error}); get it again'
            ) from error

    def _list(self) -> Iterable[str]:
        return sorted(filter(_is_image, self.handle.namelist()))

    def read(self, name: str) -> bytes:
        """Content of a file."""
        return self.handle.read(name)


class LmdbSource(AbstractImageSource):
    """Pictures in an LSUN database, in order of key."""

    def _open(self) -> Any:
        return _environment(self.path.resolve(), os.getpid())

    def _list(self) -> Iterable[str]:
        with self.handle.begin() as transaction:
            return [key.decode() for key in transaction.cursor().iternext(values=False)]

    def read(self, name: str) -> bytes:
        """Content of a file, in LSUN a webp."""
        with self.handle.begin() as transaction:
            data = transaction.get(name.encode())
        if data is None:
            raise KeyError(name)
        return data


class Cifar10Source(AbstractImageSource):
    """The 60,000 pictures of CIFAR-10 as distributed, ``<split>/<class>/<index>``.

    All are held in memory (184 MB), which forked workers share.
    """

    SURVIVES_FORK = True

    def _list(self) -> Iterable[str]:
        labels = self.handle[1]
        for split, classes in labels.items():
            yield from (f'{split}/{name}/{i:05d}' for i, name in enumerate(classes))

    def _open(self) -> Any:
        return load_batches(self.path)

    def read(self, name: str) -> bytes:
        """The pixels, in the form of a PPM file."""
        split, _, index = name.split('/')
        pixels = self.handle[0][split][int(index)]  # (32, 32, 3)
        return b'P6 32 32 255\n' + pixels.tobytes()


def open_source(path: str | Path) -> AbstractImageSource:
    """The source that a path holds.

    Args:
        path: A folder of pictures, a zip (whose suffix may be left out), an lmdb's folder, or
            CIFAR-10's archive or folder (the Python or the binary version).

    Raises:
        ValueError: Nothing is there, or nothing that is known.
    """
    path = Path(path)
    packed = path.with_name(f'{path.name}.zip')
    if not path.exists() and packed.is_file():
        path = packed
    if not path.exists():
        raise ValueError(
            f'{path} does not exist; expected a folder of pictures, a zip, an lmdb or an archive '
            f'of CIFAR-10. Set root, or the environment variable DDMI_DATA to where the data is'
        )
    if find_batches(path) is not None:
        return Cifar10Source(path)
    if path.is_dir():
        return LmdbSource(path) if (path / 'data.mdb').is_file() else FolderSource(path)
    if path.suffix.lower() == '.zip':
        return ZipSource(path)
    if path.suffix.lower() in ('.mdb', '.lmdb'):
        return LmdbSource(path)
    raise ValueError(
        f'{path} is neither a folder, a .zip, an lmdb nor cifar-10-python.tar.gz or '
        f'cifar-10-binary.tar.gz; unpack it, or pack pictures with tools/prepare_images.py'
    )


def find_pictures(root: Path, split: str | None) -> tuple[AbstractImageSource, str, Sequence[str]]:
    """A source, the part of its names that is not shown, and the names that follow it.

    Args:
        root: See :func:`open_source`.
        split: A folder inside the root (``'train'``), a zip in it (``train.zip``), or a text
            file (``.txt``, ``.lst``) with one name per line, relative to the root; None for all.

    Raises:
        ValueError: The root or the split is missing or unknown, or there are no pictures.
    """
    if split is None:
        return _whole(root)
    if split.endswith(_LIST_SUFFIXES):
        source = open_source(root)
        return source, '', _read_list(root, split, source)
    if any(path.exists() for path in (root / split, root / f'{split}.zip')):
        return _whole(root / split)
    source, prefix = open_source(root), f'{split}/'
    names = [n.removeprefix(prefix) for n in source.names if n.startswith(prefix)]
    if not names:
        tops = sorted({n.split('/')[0] for n in source.names if '/' in n})
        raise ValueError(
            f'{root} has no split {split!r}; it has the folders {tops[:20]}. Choose one, '
            f'name a text file that lists pictures, or set split=None for all'
        )
    return source, prefix, names


def _whole(root: Path) -> tuple[AbstractImageSource, str, Sequence[str]]:
    """A source and all that it holds, see :func:`find_pictures`."""
    source = open_source(root)
    if not source.names:
        zips = sorted(path.stem for path in source.path.glob('*.zip'))
        remedy = f'; choose split= of its zips {zips}' if zips else ''
        raise ValueError(
            f'{root} holds no pictures; expected files with a suffix of {IMAGE_SUFFIXES}{remedy}'
        )
    return source, '', source.names


def _read_list(root: Path, split: str, source: AbstractImageSource) -> list[str]:
    """Names that a text file lists, all of which the source has."""
    places = [root / split, root.parent / split, Path(split)]
    path = next((p for p in places if p.is_file()), None)
    if path is None:
        raise ValueError(f'list {split!r} not found; looked for {[str(p) for p in places]}')
    lines = (line.strip() for line in path.read_text('utf-8').splitlines())
    names, known = [line for line in lines if line], set(source.names)
    if not names:
        raise ValueError(f'{path} lists no pictures; expected one name per line')
    if missing := [n for n in names if n not in known]:
        raise ValueError(
            f'{path} lists {len(missing)} pictures that {root} does not have, such as '
            f'{missing[:3]}; names are relative to the root, such as {source.names[:1]}'
        )
    return names


@cache  # an lmdb may be opened once per process only, and several data sets may share it
def _environment(path: Path, process: int) -> Any:
    try:
        import lmdb
    except ImportError as error:
        raise ImportError(
            f'{path} is an lmdb: pip install lmdb, or export its pictures to a folder'
        ) from error
    try:
        return lmdb.open(
            str(path), subdir=path.is_dir(), readonly=True, lock=False, readahead=False
        )
    except lmdb.Error as error:
        raise ValueError(f'{path}: cannot be read as an lmdb ({error}); get it again') from error


def _is_image(name: str) -> bool:
    path = PurePosixPath(name)
    is_hidden = any(part.startswith(('.', '__MACOSX')) for part in path.parts)
    return path.suffix.lower() in IMAGE_SUFFIXES and not is_hidden
