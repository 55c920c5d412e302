"""Triangle meshes and voxel grids read from files; trimesh knows the formats."""

import zipfile
from pathlib import Path

import numpy as np

MESH_SUFFIXES = ('.obj', '.off', '.ply', '.stl', '.glb')
VOXEL_SUFFIXES = ('.npz', '.binvox', '.nrrd')

Mesh = tuple[np.ndarray, np.ndarray]


def load_mesh(path: str | Path) -> Mesh:
    """Vertices ``(V, 3)`` float64 and faces ``(F, 3)`` int64 of a mesh file.

    Parts of a scene are placed by their transforms and joined; equal vertices are merged.

    Raises:
        ValueError: The file cannot be read or has no faces.
    """
    import trimesh

    path = Path(path)
    try:
        scene = trimesh.load_scene(path, skip_materials=True)
        mesh = scene.to_mesh()
    except Exception as error:
        raise ValueError(f'{path} cannot be read as a mesh: {error}') from error
    if not isinstance(mesh, trimesh.Trimesh) or len(mesh.faces) == 0:
        raise ValueError(f'{path} has no faces; expected a triangle mesh')
    mesh.merge_vertices(merge_tex=True, merge_norm=True)
    vertices = np.asarray(mesh.vertices, dtype=np.float64)
    if not np.isfinite(vertices).all():
        raise ValueError(f'{path} has vertices that are not finite')
    return vertices, np.asarray(mesh.faces, dtype=np.int64)


def list_voxels(path: str | Path, key: str) -> int:
    """Number of grids in a voxel file, without reading them.

    Args:
        path: A ``.binvox`` or ``.nrrd`` (one grid) or ``.npz``.
        key: Array of the ``.npz``, its first axis the grids.

    Raises:
        ValueError: The file is no archive or lacks the array.
    """
    path = Path(path)
    if path.suffix.lower() != '.npz':
        return 1
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f'{key}.npy') as file:
            version = np.lib.format.read_magic(file)
            read = getattr(np.lib.format, f'read_array_header_{version[0]}_0')
            return int(read(file)[0][0])
    except KeyError:
        with np.load(path) as arrays:
            raise _no_array(path, key, arrays.files) from None
    except (zipfile.BadZipFile, ValueError, IndexError) as error:
        raise ValueError(f'{path} cannot be read as voxels: {error}') from error


def load_voxels(path: str | Path, key: str, index: int = 0) -> np.ndarray:
    """One occupancy grid ``(X, Y, Z)``, bool, axes in coordinate order.

    Args:
        path: A ``.binvox``; an ``.nrrd`` of occupancies or of colors ``(4, ...)`` whose alpha is
            the occupancy, as Text2Shape has them; or an ``.npz`` whose array ``key`` holds grids
            ``(n, X, Y, Z)``, or cubes as packed bits ``(n, X³ / 8)`` uint8 (``np.packbits`` of
            each flat grid).
        key: Array of the ``.npz``.
        index: Which grid.

    Raises:
        ValueError: The file cannot be read, lacks the array, or the array has another form.
    """
    path = Path(path)
    if path.suffix.lower() == '.binvox':
        return _load_binvox(path)
    if path.suffix.lower() == '.nrrd':
        return _load_nrrd(path)
    try:
        with path.open('rb') as file, np.load(file) as arrays:  # np.load leaves broken files open
            if key not in arrays.files:
                raise _no_array(path, key, arrays.files)
            grids = arrays[key]
    except (zipfile.BadZipFile, EOFError) as error:
        raise ValueError(f'{path} cannot be read as voxels: {error}') from error
    if grids.ndim == 4:
        return grids[index] > 0
    size = round((grids.shape[-1] * 8) ** (1 / 3)) if grids.ndim == 2 else 0
    if grids.dtype != np.uint8 or size**3 != grids.shape[-1] * 8:
        raise ValueError(
            f'{path}: array {key!r} is {grids.dtype} {grids.shape}; expected (n, X, Y, Z) grids '
            f'or (n, X³ / 8) uint8 packed bits of cubes'
        )
    return np.unpackbits(grids[index]).reshape(size, size, size).astype(bool)


def _no_array(path: Path, key: str, names: list[str]) -> ValueError:
    return ValueError(f'{path} has no array {key!r}; it has {names}')


def _load_binvox(path: Path) -> np.ndarray:
    from trimesh.exchange.binvox import load_binvox

    try:
        with path.open('rb') as file:
            return np.asarray(load_binvox(file, axis_order='xzy').matrix, dtype=bool)
    except Exception as error:
        raise ValueError(f'{path} cannot be read as binvox: {error}') from error


_TEXT2SHAPE_AXES = np.eye(3)[[1, 2, 0]]  # files of it run along y, z and x


def _load_nrrd(path: Path) -> np.ndarray:
    try:
        import nrrd
    except ImportError as error:
        raise ImportError(f'{path} needs the package pynrrd: pip install pynrrd') from error

    try:
        content, header = nrrd.read(str(path))
    except Exception as error:
        raise ValueError(f'{path} cannot be read as NRRD: {error}') from error
    grid = content[3] if content.ndim == 4 and len(content) == 4 else content
    if grid.ndim != 3:
        raise ValueError(
            f'{path}: NRRD of shape {content.shape}; expected a grid (X, Y, Z) or one of colors '
            f'(4, X, Y, Z)'
        )
    directions = header.get('space directions')
    steps = _TEXT2SHAPE_AXES if directions is None else np.asarray(directions, dtype=float)[-3:]
    along = np.abs(steps).argmax(axis=1)  # coordinate that each axis of the file runs along
    if sorted(along) != [0, 1, 2] or np.count_nonzero(steps) != 3:
        raise ValueError(
            f'{path}: axes run along {steps.tolist()}; expected one along each of x y z'
        )
    backwards = [axis for axis in range(3) if steps[axis, along[axis]] < 0]
    return np.transpose(np.flip(grid, backwards), np.argsort(along)) > 0
