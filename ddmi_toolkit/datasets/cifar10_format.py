"""CIFAR-10 as its authors distribute it: the Python and the binary version, packed or not."""

import io
import pickle
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

CLASSES = tuple('airplane automobile bird cat deer dog frog horse ship truck'.split())
_PYTHON = dict(train=[f'data_batch_{i}' for i in range(1, 6)], test=['test_batch'])
_BINARY = {split: [f'{name}.bin' for name in names] for split, names in _PYTHON.items()}
_ARCHIVES = {'cifar-10-python.tar.gz': _PYTHON, 'cifar-10-binary.tar.gz': _BINARY}
_FOLDERS = {'cifar-10-batches-py': _PYTHON, 'cifar-10-batches-bin': _BINARY}
_BYTES = 3 * 32 * 32
_ALLOWED = {  # what a pickled array of numbers is made of
    'numpy.core.multiarray': ('_reconstruct', 'scalar'),
    'numpy._core.multiarray': ('_reconstruct', 'scalar'),
    'numpy': ('ndarray', 'dtype'),
    '_codecs': ('encode',),
}

Files = Mapping[str, list[str]]
Pixels = dict[str, np.ndarray]
Labels = dict[str, list[str]]


def find_batches(path: Path) -> tuple[Path, Files] | None:
    """The archive or folder of batches at a path or right below it, and their files by split."""
    if path.is_file():
        return (path, _ARCHIVES[path.name]) if path.name in _ARCHIVES else None
    for files in (_PYTHON, _BINARY):
        if (path / files['train'][0]).is_file():
            return path, files
    for name, files in {**_FOLDERS, **_ARCHIVES}.items():
        if (path / name).exists():
            return path / name, files
    return None


def load_batches(path: Path) -> tuple[Pixels, Labels]:
    """Pixels ``(n, 32, 32, 3)`` uint8 and class names, by split.

    Raises:
        ValueError: A batch is missing or broken.
    """
    found = find_batches(path)
    if found is None:
        raise ValueError(f'{path} holds no batches of CIFAR-10')
    where, files = found
    contents = _read(where, [name for names in files.values() for name in names])
    decode = _decode_binary if files is _BINARY else _decode_pickle
    pixels, labels = {}, {}
    for split, names in files.items():
        parts = [_checked(decode, contents[name], f'{where}/{name}') for name in names]
        flat = np.concatenate([p for p, _ in parts])
        # Stored plane by plane, red, green, blue; we keep pixel by pixel.
        planes = flat.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        pixels[split] = np.ascontiguousarray(planes)
        labels[split] = [CLASSES[label] for _, part in parts for label in part]
    return pixels, labels


def _read(where: Path, names: list[str]) -> dict[str, bytes]:
    if where.is_dir():
        contents = {n: (where / n).read_bytes() for n in names if (where / n).is_file()}
    else:
        contents = {}
        try:
            with tarfile.open(where) as archive:
                for member in archive:
                    if (name := Path(member.name).name) in names and member.isfile():
                        contents[name] = archive.extractfile(member).read()
        except (tarfile.TarError, OSError, EOFError) as error:
            raise ValueError(f'{where}: cannot be read ({error}); download it again') from error
    if missing := [n for n in names if n not in contents]:
        raise ValueError(
            f'{where} lacks {missing}; get CIFAR-10 again, it has {len(names)} batches'
        )
    return contents


def _checked(
    decode: Callable[[bytes], tuple[np.ndarray, np.ndarray]], content: bytes, name: str
) -> tuple[np.ndarray, np.ndarray]:
    try:
        pixels, labels = decode(content)
        valid = pixels.dtype == np.uint8 and pixels.shape == (len(labels), _BYTES)
        if not valid or not ((labels >= 0) & (labels < len(CLASSES))).all():
            raise ValueError(f'{pixels.dtype} {pixels.shape} with {len(labels)} labels')
    except Exception as error:  # a broken pickle raises anything
        raise ValueError(f'{name} is no batch of CIFAR-10 ({error}); get it again') from error
    return pixels, labels


def _decode_binary(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    rows = np.frombuffer(content, np.uint8).reshape(-1, 1 + _BYTES)
    return rows[:, 1:], rows[:, 0]


def _decode_pickle(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    batch = _Unpickler(io.BytesIO(content), encoding='bytes').load()
    return np.asarray(batch[b'data']), np.asarray(batch[b'labels'])


class _Unpickler(pickle.Unpickler):
    """Loads arrays, numbers, texts, lists and dicts; a pickle of anything else could run code."""

    def find_class(self, module: str, name: str) -> Any:
        if name not in _ALLOWED.get(module, ()):
            raise pickle.UnpicklingError(f'it asks for {module}.{name}, which is no array')
        return super().find_class(module, name)
