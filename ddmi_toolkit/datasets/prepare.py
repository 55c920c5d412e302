"""Meshes and voxel grids into the Occupancy-Networks format.

Every item is a function of its file and the options alone: its draws are seeded by its name. An
item is written to a hidden folder that is renamed when complete, so a killed run leaves nothing
half-written, and repeating the command does what is missing.
"""

import hashlib
import json
import multiprocessing
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from ..geometry.sampling import (
    close_mesh,
    normalize_mesh,
    orient_outward,
    sample_boundary,
    sheet_share,
    voxel_mesh,
    winding_occupancy,
)
from ..geometry.shape_files import (
    MESH_SUFFIXES,
    VOXEL_SUFFIXES,
    Mesh,
    list_voxels,
    load_mesh,
    load_voxels,
)
from .occnet_format import (
    NEAR,
    POINTS,
    SPLITS,
    SURFACE,
    read_metadata,
    read_split,
    split_names,
    write_metadata,
    write_split,
    write_text,
)

EXTENT = 0.55  # queries fill the cube [-EXTENT, EXTENT]³: the published padding of 0.1
REPORT = 'prepare.json'
_MAX_SHEETS = 0.1  # share of the area without volume from which a mesh is closed


@dataclass(frozen=True)
class PrepareOptions:
    """What is written for every shape; lengths are in units of its longest side.

    Args:
        num_points: Uniform queries in the ±0.55 cube (published: 100,000).
        num_near: Queries close to the surface, in a file of their own; 0 writes none.
        near_std: Standard deviation of their distance from the surface.
        num_surface: Oriented surface points (published: 100,000).
        voxel_key: Array of a voxel ``.npz``.
        smoothing: Blur of voxel grids in voxels.
        close: Which meshes are made closed first: ``'auto'`` those of which more than a tenth of
            the area bounds no volume (most of raw ShapeNet), ``'always'`` or ``'never'``.
        close_resolution: Octree resolution of that, see ``geometry.sampling.close_mesh``.
        up: Axis that points up in the files; it becomes ``y``.
    """

    num_points: int = 100_000
    num_near: int = 25_000
    near_std: float = 0.02
    num_surface: int = 100_000
    voxel_key: str = 'vox_filled'
    smoothing: float = 0.4
    close: str = 'auto'
    close_resolution: int = 40_000
    up: str = 'y'

    def __post_init__(self) -> None:
        for name in ('num_points', 'num_surface'):
            if getattr(self, name) < 1:
                raise ValueError(f'{name} must be at least 1, got {getattr(self, name)}')
        if self.close not in ('auto', 'always', 'never'):
            raise ValueError(f"close must be 'auto', 'always' or 'never', got {self.close!r}")
        if self.up not in ('y', 'z'):
            raise ValueError(f"up must be 'y' or 'z', got {self.up!r}")


@dataclass(frozen=True)
class Source:
    """One shape to prepare: a mesh file, or one grid of a voxel file."""

    path: Path
    class_id: str
    name: str
    index: int = 0


def find_sources(
    root: Path,
    class_id: str,
    voxel_key: str,
    pattern: str = '*',
    by_folder: bool = False,
    class_of: Mapping[str, str] | None = None,
) -> list[Source]:
    """Shapes of a file, or of all files below a folder, in order of name.

    Args:
        root: File or folder.
        class_id: Class of all shapes, e.g. a synset.
        voxel_key: Array of a voxel ``.npz``.
        pattern: Glob that file names must match.
        by_folder: Take the class from the first folder below ``root`` instead.
        class_of: Class by name of the shape instead; shapes without one are left out.

    Raises:
        ValueError: Nothing is there, or two shapes would have the same name.
    """
    if not root.exists():
        raise ValueError(f'{root} does not exist; expected a shape file or a folder of them')
    known = MESH_SUFFIXES + VOXEL_SUFFIXES
    files = [root] if root.is_file() else sorted(root.rglob(pattern))
    files = [f for f in files if f.is_file() and f.suffix.lower() in known]
    sources: dict[tuple[str, str], Source] = {}
    for file in files:
        parts = [file.stem] if file == root else list(file.relative_to(root).with_suffix('').parts)
        own_class = parts.pop(0) if by_folder and len(parts) > 1 else class_id
        if file.suffix.lower() == '.nrrd' and parts[-2:-1] == parts[-1:]:
            parts.pop()  # Text2Shape has <shape>/<shape>.nrrd
        stem = '_'.join(parts)
        if class_of is not None:
            if stem not in class_of:
                continue
            own_class = class_of[stem]
        if file.suffix.lower() == '.npz':
            count = list_voxels(file, voxel_key)
            found = [Source(file, own_class, f'{stem}_{i:05d}', i) for i in range(count)]
        else:
            found = [Source(file, own_class, stem)]
        for source in found:
            first = sources.setdefault((source.class_id, source.name), source)
            if first is not source:
                raise ValueError(
                    f'{first.path} and {source.path} would both be written to '
                    f'{source.class_id}/{source.name}; choose one by a pattern such as *.obj'
                )
    if not sources and files and class_of is not None:
        raise ValueError(
            f'{root}: none of its {len(files)} shapes, e.g. {files[0].stem!r}, has a class; there '
            f'are classes of {len(class_of)}, e.g. {list(class_of)[:2]}'
        )
    if not sources:
        raise ValueError(f'{root} holds no shapes: expected {pattern!r} with a suffix of {known}')
    return list(sources.values())


def prepare_all(
    sources: Sequence[Source], root: Path, options: PrepareOptions, num_workers: int = 1
) -> Iterator[tuple[Source, str]]:
    """Write the shapes that are not there yet; yields each with its error, or ''.

    Raises:
        ValueError: ``root`` was begun with other options.
    """
    _check_options(root, options)
    for leftover in root.glob('*/.*.part'):  # of a run that was killed
        shutil.rmtree(leftover)
    missing = [s for s in sources if not (root / s.class_id / s.name).is_dir()]
    yield from ((s, '') for s in sources if s not in set(missing))
    work = partial(_prepare_shape, root=root, options=options)
    if num_workers <= 1:
        yield from map(work, missing)
        return
    # Workers are spawned: the geometry libraries hold threads, which do not survive a fork.
    with multiprocessing.get_context('spawn').Pool(num_workers) as pool:
        yield from pool.imap_unordered(work, missing)


def _prepare_shape(source: Source, root: Path, options: PrepareOptions) -> tuple[Source, str]:
    folder = root / source.class_id / source.name
    part = folder.with_name(f'.{source.name}.part')
    try:
        arrays = shape_arrays(source, options)
        part.mkdir(parents=True)
        for file, content in arrays.items():
            np.savez(part / file, **content)
        part.replace(folder)
    except Exception as error:  # one bad file of thousands must not end the run
        shutil.rmtree(part, ignore_errors=True)
        return source, f'{type(error).__name__}: {error}'
    return source, ''


def shape_arrays(source: Source, options: PrepareOptions) -> dict[str, dict[str, np.ndarray]]:
    """Content of the files of one shape, ``{file: {array: values}}``."""
    digest = hashlib.sha256(source.name.encode()).digest()
    rng = np.random.Generator(np.random.PCG64(int.from_bytes(digest[:8], 'big')))
    vertices, faces = _load(source, options)
    vertices, loc, scale = normalize_mesh(vertices)
    if source.path.suffix.lower() in MESH_SUFFIXES and _must_close(vertices, faces, options, rng):
        vertices, faces = close_mesh(vertices, faces, options.close_resolution)
    frame = dict(loc=loc, scale=np.float64(scale))
    surface, normals = sample_boundary(vertices, faces, options.num_surface, rng)
    uniform = rng.uniform(-EXTENT, EXTENT, (options.num_points, 3))
    arrays = {
        POINTS: _labeled(vertices, faces, uniform) | frame,
        SURFACE: dict(
            points=surface.astype(np.float16), normals=normals.astype(np.float16), **frame
        ),
    }
    if options.num_near:
        chosen = rng.integers(0, len(surface), options.num_near)
        near = surface[chosen] + options.near_std * rng.standard_normal((options.num_near, 3))
        arrays[NEAR] = _labeled(vertices, faces, near) | frame
    return arrays


def _load(source: Source, options: PrepareOptions) -> Mesh:
    if source.path.suffix.lower() in VOXEL_SUFFIXES:
        grid = load_voxels(source.path, options.voxel_key, source.index)
        vertices, faces = voxel_mesh(grid, options.smoothing)
    else:
        vertices, faces = load_mesh(source.path)
        faces = orient_outward(vertices, faces)
    if options.up == 'z':
        vertices = vertices[:, [0, 2, 1]] * [1, 1, -1]  # a rotation: faces keep their order
    return vertices, faces


def _must_close(
    vertices: np.ndarray, faces: np.ndarray, options: PrepareOptions, rng: np.random.Generator
) -> bool:
    if options.close == 'auto':
        return sheet_share(vertices, faces, rng) > _MAX_SHEETS
    return options.close == 'always'


def _labeled(vertices: np.ndarray, faces: np.ndarray, points: np.ndarray) -> dict:
    # Labels are those of the rounded points, which is what is stored.
    points = points.astype(np.float16)
    inside = winding_occupancy(vertices, faces, points)
    return dict(points=points, occupancies=np.packbits(inside))


def write_index(
    root: Path,
    class_names: Mapping[str, str],
    val_fraction: float,
    test_fraction: float,
) -> dict[str, dict[str, int]]:
    """Deal the finished shapes of classes into splits and name the classes.

    Shapes that a split lists already stay there, whatever the fractions are now.

    Args:
        root: Prepared folder.
        class_names: Names by class identifier; classes that ``metadata.yaml`` already lists are
            kept.
        val_fraction: Probability that a new shape goes to ``val.lst``.
        test_fraction: Probability that a new shape goes to ``test.lst``.

    Returns:
        Number of shapes, ``{class: {split: count}}``.
    """
    counts = {}
    for class_id in class_names:
        names = [p.parent.name for p in (root / class_id).glob(f'[!.]*/{POINTS}')]
        files = {split: root / class_id / f'{split}.lst' for split in SPLITS}
        listed = {n: s for s, file in files.items() if file.is_file() for n in read_split(file)}
        splits = split_names(names, val_fraction, test_fraction, listed)
        counts[class_id] = {split: len(members) for split, members in splits.items()}
        for split, members in splits.items() if names else ():
            write_split(files[split], members)
    found = {c: class_names[c] for c in counts if sum(counts[c].values())}
    write_metadata(root, read_metadata(root) | found)
    return counts


def write_report(root: Path, options: PrepareOptions, **facts: object) -> None:
    """Write ``prepare.json``: the options and what became of the run."""
    root.mkdir(parents=True, exist_ok=True)
    write_text(root / REPORT, json.dumps(dict(options=asdict(options), **facts), indent=1))


def _check_options(root: Path, options: PrepareOptions) -> None:
    path = root / REPORT
    if not path.is_file():
        write_report(root, options)
        return
    before = json.loads(path.read_text('utf-8'))['options']
    changed = {k: (before.get(k), v) for k, v in asdict(options).items() if before.get(k) != v}
    if changed:
        raise ValueError(
            f'{root} was begun with other options (before, now): {changed}; use the same, '
            f'another folder, or delete it'
        )
