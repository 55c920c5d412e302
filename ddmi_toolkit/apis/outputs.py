"""Generated fields as files that people open."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mmengine.logging import print_log

from ..geometry.isosurface import FORMATS, extract_mesh, save_mesh
from ..geometry.raycast import contact_sheet
from ..structures import Field
from ..visualization import save_image
from .fields import save_field


def parse_seeds(text: str) -> list[int]:
    """Seeds of ``'0-15'`` or ``'1,4,9'`` or a mixture.

    Raises:
        ValueError: Anything else, or an empty range.
    """
    seeds: list[int] = []
    for part in text.split(','):
        low, dash, high = part.strip().partition('-')
        if not low.isdigit() or (dash and not high.isdigit()):
            raise ValueError(f'--seeds {text!r}: {part!r} is neither a seed nor a range like 0-15')
        if dash and int(high) < int(low):
            raise ValueError(f'--seeds {text!r}: the range {part!r} is empty')
        seeds += range(int(low), int(high or low) + 1)
    return seeds


def check_output(resolution: int, threshold: float, suffix: str) -> None:
    """Refuse what :func:`write_samples` could not write, before anything is sampled.

    Raises:
        ValueError: The message names the value and the expectation.
    """
    if resolution < 1:
        raise ValueError(f'resolution={resolution} must be at least 1 cell')
    if not 0 < threshold < 1:
        raise ValueError(f'threshold={threshold} must be a probability between 0 and 1')
    if f'.{suffix}' not in FORMATS:
        known = ', '.join(f.removeprefix('.') for f in FORMATS)
        raise ValueError(f'format {suffix!r} is not one of {known}')


@contextmanager
def readable_errors() -> Iterator[None]:
    """Let a command end with the message alone when the mistake is the user's.

    ``DDMI_TRACEBACK=1`` keeps the traceback.
    """
    try:
        yield
    except (ValueError, TypeError, KeyError, FileNotFoundError, FloatingPointError) as error:
        if os.environ.get('DDMI_TRACEBACK'):
            raise
        text = error.args[0] if isinstance(error, KeyError) and error.args else error
        raise SystemExit(
            f'{type(error).__name__}: {text}\n(DDMI_TRACEBACK=1 shows where)'
        ) from None


def write_samples(
    samples: Iterable[tuple[int, Field]],
    folder: str | Path,
    *,
    resolution: int = 128,
    threshold: float = 0.5,
    suffix: str = 'glb',
) -> list[Path]:
    """Write each field as a mesh and as a field file, and a picture of all meshes.

    Fields are written as they come, so an interrupted run keeps what it has made.

    Args:
        samples: Seed and field (a batch of one) of each sample.
        folder: Created if needed.
        resolution: Cells along each axis of the iso-surface extraction.
        threshold: Occupancy probability of the surface.
        suffix: ``'glb'``, ``'ply'`` or ``'obj'``.

    Returns:
        The files written, the picture last.
    """
    folder = Path(folder)
    meshes, paths = [], []
    for seed, field in samples:
        name = folder / f'seed_{seed:06d}'
        paths.append(save_field(field, name.with_suffix('.safetensors')))
        mesh = extract_mesh(field, resolution, threshold)
        if len(mesh.faces):
            paths.append(save_mesh(mesh, name.with_suffix(f'.{suffix}')))
        meshes.append(mesh)
    paths.append(save_image(contact_sheet(meshes), folder / 'contact_sheet.png'))
    print_log(f'wrote {len(meshes)} samples to {folder}', logger='current')
    return paths
