"""Which files are reconstructed, and by what."""

import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mmengine.logging import print_log
from torch import Tensor

from ...structures import Field, PlaneLayout, Signal
from ..inference import FieldInferencer
from ..outputs import for_signal
from .base import AbstractReconstructor, Report
from .clips import ClipReconstructor
from .meshes import MeshReconstructor
from .pictures import PictureReconstructor
from .views import ViewsReconstructor

RECONSTRUCTORS: dict[Signal, type[AbstractReconstructor]] = {
    Signal.PICTURE: PictureReconstructor,
    Signal.CLIP: ClipReconstructor,
    Signal.SURFACE: MeshReconstructor,
    Signal.RADIANCE: ViewsReconstructor,
}
"""What is read and written for a signal."""


def make_reconstructor(
    layout: PlaneLayout, options: Mapping[str, Any] | None = None, out_channels: int = 1
) -> AbstractReconstructor:
    """What reconstructs files as a layout's fields.

    Args:
        layout: Coordinate axes.
        options: Arguments by name; those that are None keep their defaults.
        out_channels: Channels of a value, which tell surfaces from radiance fields.

    Raises:
        ValueError: There are no files for such a signal, or they have no such option, or an option
            has a value that does not fit.
    """
    return for_signal(RECONSTRUCTORS, layout, options, out_channels)


def find_inputs(
    paths: Iterable[str | Path], kind: AbstractReconstructor | type[AbstractReconstructor]
) -> dict[str, Path]:
    """Files to read, by a name for what is made of them.

    Args:
        paths: Files, and folders whose files are taken at any depth.
        kind: What reads them.

    Returns:
        In the order given, folders in order of name.

    Raises:
        FileNotFoundError: A path does not exist.
        ValueError: A file of another kind, a folder without files, or two files of one name.
    """
    found: dict[str, Path] = {}
    for path in map(Path, paths):
        if not path.exists():
            raise FileNotFoundError(f'{path} does not exist; give files or folders to reconstruct')
        if path.name in ('', '..'):
            path = path.resolve()  # '.' and '..' are no names for what is made of them
        files = kind.find(path)
        if not files:
            raise ValueError(
                f'{path} {"holds no" if path.is_dir() else "is no"} file that can be '
                f'reconstructed; expected the suffix {", ".join(kind.SUFFIXES)}'
                f'{kind.FOLDERS and f", or {kind.FOLDERS}"}'
            )
        for file in files:
            root = path if path.is_dir() and file != path else path.parent
            whole = file if file.is_dir() else file.with_suffix('')
            name = '_'.join(whole.relative_to(root).parts)
            if name in found:
                raise ValueError(
                    f'{found[name]} and {file} would both be written as {name!r}; rename one of '
                    f'them or reconstruct them apart'
                )
            found[name] = file
    return found


def reconstruct_files(
    inferencer: FieldInferencer,
    inputs: Mapping[str, Path],
    folder: str | Path,
    reconstructor: AbstractReconstructor,
) -> Iterator[tuple[str, Report]]:
    """Reconstruct files one by one; ``reconstruction.json`` holds the reports of all so far.

    A file of several that cannot be read is passed over and named at the end.

    Args:
        inferencer: Trained model of either stage.
        inputs: Files by name, see :func:`find_inputs`.
        folder: Where to write.
        reconstructor: What reads, writes and measures.

    Yields:
        Name and report of each file.

    Raises:
        ValueError: After all others, that some could not be reconstructed, and why.
    """

    def to_field(observation: Tensor) -> Field:
        return next(inferencer.reconstruct([observation]))

    folder, reports, failures = Path(folder), {}, []
    for name, path in inputs.items():
        try:
            reports[name] = reconstructor(path, folder / name, to_field)
        except (ValueError, OSError) as error:
            if len(inputs) == 1:
                raise
            failures.append(str(error))
            print_log(f'passed over: {error}', logger='current', level=logging.WARNING)
            continue
        text = json.dumps(reports, indent=2) + '\n'
        (folder / 'reconstruction.json').write_text(text, encoding='utf-8')
        yield name, reports[name]
    if failures:
        raise ValueError(
            f'{len(failures)} of {len(inputs)} files could not be reconstructed, the others are '
            f'in {folder}: {"; ".join(failures[:3])}{"; ..." if len(failures) > 3 else ""}'
        )
