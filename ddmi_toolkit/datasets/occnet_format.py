"""The file format of Occupancy Networks (Mescheder et al. 2019): names, bits, splits, classes.

``<root>/<class>/<shape>/points.npz`` holds ``points (K, 3)`` uniform in the ±0.55 cube and
``occupancies``, packed to bits or not; ``pointcloud.npz`` holds ``points`` and outward ``normals``
``(M, 3)``; ``<root>/<class>/<split>.lst`` lists shapes, ``<root>/metadata.yaml`` names classes.
``near_surface.npz``, written like ``points.npz``, is an addition of ours that others ignore.
"""

import hashlib
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from math import prod
from pathlib import Path
from typing import IO

import numpy as np
import yaml

POINTS, SURFACE, NEAR = 'points.npz', 'pointcloud.npz', 'near_surface.npz'
METADATA = 'metadata.yaml'
SPLITS = ('train', 'val', 'test')
_ARRAYS = {
    POINTS: ('points', 'occupancies'),
    NEAR: ('points', 'occupancies'),
    SURFACE: ('points', 'normals'),
}


def unpack_occupancies(stored: np.ndarray, num_points: int) -> np.ndarray:
    """Occupancies ``(K,)`` as bool, from packed bits ``(⌈K / 8⌉,)`` uint8 or plain values ``(K,)``.

    Raises:
        ValueError: The array is neither.
    """
    if stored.shape == (num_points,):
        return stored > 0.5 if stored.dtype.kind == 'f' else stored.astype(bool)
    if stored.dtype == np.uint8 and stored.shape == ((num_points + 7) // 8,):
        return np.unpackbits(stored, count=num_points).astype(bool)
    raise ValueError(
        f'occupancies are {stored.dtype} {stored.shape}; expected ({num_points},) values or '
        f'({(num_points + 7) // 8},) uint8 packed bits for {num_points} points'
    )


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of one of a shape's files.

    Raises:
        ValueError: The file cannot be read.
    """
    try:
        with np.load(path) as arrays:
            return {name: arrays[name] for name in _ARRAYS[path.name]}
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f'{path}: cannot be read ({type(error).__name__}: {error})') from error


def find_fault(path: Path) -> str:
    """What is wrong with one of a shape's files, with its path; '' if nothing.

    Looks at the archive's directory and the arrays' headers alone (a fraction of a millisecond),
    so it finds missing, truncated, foreign and inconsistent files but no flipped bits; those end
    in an error of :func:`read_arrays`.
    """
    if not path.is_file():
        return f'{path}: missing'
    shapes = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for name in _ARRAYS[path.name]:
                if f'{name}.npy' not in archive.namelist():
                    return f'{path}: has no array {name!r}'
                with archive.open(f'{name}.npy') as file:
                    shapes[name] = read_header(file)
                size = archive.getinfo(f'{name}.npy').file_size
                shape, dtype = shapes[name]
                if dtype.kind not in 'fbiu':
                    return f'{path}: array {name!r} has type {dtype}, expected numbers'
                if size < prod(shape) * dtype.itemsize:
                    return f'{path}: array {name!r} is cut short'
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        return f'{path}: {error or type(error).__name__}'
    return _find_misfit(path, shapes)


def _find_misfit(path: Path, arrays: Mapping[str, tuple[tuple[int, ...], np.dtype]]) -> str:
    shape = arrays['points'][0]
    if len(shape) != 2 or shape[1] != 3 or shape[0] == 0:
        return f'{path}: points have shape {shape}, expected (K, 3)'
    if 'normals' in arrays and arrays['normals'][0] != shape:
        return f'{path}: {shape[0]} points have normals of shape {arrays["normals"][0]}'
    if 'occupancies' in arrays:
        stored, dtype = arrays['occupancies']
        packed = dtype == np.uint8 and stored == (-(-shape[0] // 8),)
        if not packed and stored != shape[:1]:
            return f'{path}: {shape[0]} points have {dtype} occupancies of shape {stored}'
    return ''


def read_header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and type of an ``.npy`` stream, without its data.

    Raises:
        ValueError: The stream is no array.
    """
    major = np.lib.format.read_magic(file)[0]
    read = (
        np.lib.format.read_array_header_1_0 if major == 1 else np.lib.format.read_array_header_2_0
    )
    shape, _, dtype = read(file)
    return shape, dtype


def read_metadata(root: Path) -> dict[str, str]:
    """Names by class identifier; empty where there is no ``metadata.yaml``.

    Raises:
        ValueError: The file is not a mapping of classes.
    """
    path = root / METADATA
    if not path.is_file():
        return {}
    # BaseLoader keeps every scalar a string: an unquoted 02691156 is no octal number here.
    content = yaml.load(path.read_text('utf-8'), Loader=yaml.BaseLoader) or {}
    if not isinstance(content, dict) or not all(isinstance(v, dict) for v in content.values()):
        raise ValueError(f'{path} must map class identifiers to {{id, name}}, got {content!r:.200}')
    return {str(k): v.get('name', k) for k, v in content.items()}


def write_metadata(root: Path, names: Mapping[str, str]) -> None:
    """Write ``metadata.yaml`` with every identifier quoted, since 02691156 is octal in YAML."""
    content = {k: dict(id=k, name=v) for k, v in sorted(names.items())}
    write_text(root / METADATA, yaml.safe_dump(content, default_style="'"))


def read_split(path: Path) -> list[str]:
    """Names of a split file, in its order; blank lines are ignored."""
    return [line.strip() for line in path.read_text('utf-8').splitlines() if line.strip()]


def write_split(path: Path, names: Iterable[str]) -> None:
    """Write one name per line."""
    write_text(path, ''.join(f'{n}\n' for n in names))


def split_names(
    names: Iterable[str],
    val_fraction: float,
    test_fraction: float,
    listed: Mapping[str, str] | None = None,
) -> dict[str, list[str]]:
    """Names by split, each dealt by its own hash: the same on every machine.

    Further names move none of the others. The shares are those of many names: of a few names, a
    split may get none.

    Args:
        names: Names of shapes.
        val_fraction: Probability that a name goes to ``'val'``.
        test_fraction: Probability that a name goes to ``'test'``.
        listed: Split by name, of names that stay where they are.

    Raises:
        ValueError: The fractions are negative or leave nothing to train on.
    """
    if min(val_fraction, test_fraction) < 0 or val_fraction + test_fraction >= 1:
        raise ValueError(
            f'val_fraction={val_fraction} and test_fraction={test_fraction} must not be negative '
            f'and must sum to less than 1'
        )
    listed, splits = listed or {}, {split: list[str]() for split in SPLITS}
    for name in sorted(names):
        draw = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], 'big') / 2**64
        is_val = draw < test_fraction + val_fraction
        dealt = 'test' if draw < test_fraction else 'val' if is_val else 'train'
        splits[listed.get(name, dealt)].append(name)
    return splits


def write_text(path: Path, text: str) -> None:
    """Replace a file as a whole: it is never seen half-written."""
    part = path.with_name(f'.{path.name}.part')
    part.write_text(text, 'utf-8')
    part.replace(path)
