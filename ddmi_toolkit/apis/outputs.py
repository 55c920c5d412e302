"""Generated fields as files that people open, whatever they are a function of."""

from collections.abc import Iterable, Mapping
from inspect import signature
from pathlib import Path
from typing import Any, TypeVar

from mmengine.logging import print_log

from ..structures import Field, PlaneLayout, Signal, signal_of
from ..visualization import image_grid, save_image
from .fields import save_field
from .writers import ClipWriter, FieldWriter, MeshWriter, PictureWriter, ViewsWriter

Kind = TypeVar('Kind')

WRITERS: dict[Signal, type[FieldWriter]] = {
    Signal.PICTURE: PictureWriter,
    Signal.CLIP: ClipWriter,
    Signal.SURFACE: MeshWriter,
    Signal.RADIANCE: ViewsWriter,
}
"""What a signal is written as."""


def make_writer(
    layout: PlaneLayout, options: Mapping[str, Any] | None = None, out_channels: int = 1
) -> FieldWriter:
    """The writer of a layout's fields.

    Args:
        layout: Coordinate axes.
        options: Arguments of the writer by name; those that are None keep their defaults.
        out_channels: Channels of a value, which tell surfaces from radiance fields.

    Raises:
        ValueError: Such signals are not written, or they have no such option, or an option has a
            value that does not fit.
    """
    return for_signal(WRITERS, layout, options, out_channels)


def for_signal(
    kinds: Mapping[Signal, type[Kind]],
    layout: PlaneLayout,
    options: Mapping[str, Any] | None = None,
    out_channels: int = 1,
) -> Kind:
    """Build what is meant for a signal; see :func:`make_writer`."""
    axes, signal = ''.join(layout.axes), signal_of(layout, out_channels)
    if signal not in kinds:
        raise ValueError(
            f'there are no files for {signal.value}, a field over the axes {axes!r}; save_field '
            f'writes it as it is'
        )
    kind = kinds[signal]
    given = {k: v for k, v in (options or {}).items() if v is not None}
    known = [k for k in signature(kind).parameters if k != 'layout']
    if foreign := [k for k in given if k not in known]:
        raise ValueError(
            f'{", ".join(foreign)} does not apply to {signal.value}, a field over the axes '
            f'{axes!r}: {kind.__name__} takes {", ".join(known)}'
        )
    return kind(layout, **given)


def write_samples(
    samples: Iterable[tuple[int | str, Field]],
    folder: str | Path,
    writer: FieldWriter | None = None,
    columns: int = 4,
) -> list[Path]:
    """Write each field as a file to look at and as a field file, and a picture of all of them.

    Fields are written as they come, so an interrupted run keeps what it has made.

    Args:
        samples: Seed (or name) and field (a batch of one) of each sample.
        folder: Created if needed.
        writer: What writes them; None is :func:`make_writer` of the first field's layout.
        columns: Samples per row of the picture of all.

    Returns:
        The files written, the picture of all last.

    Raises:
        ValueError: There are no samples, or the disk may have no room for one of them.
    """
    folder = Path(folder)
    views, paths = [], []
    for name, field in samples:
        if writer is None:
            writer = make_writer(field.layout, out_channels=field.out_channels)
        stem = folder / (name if isinstance(name, str) else f'seed_{name:06d}')
        paths.append(save_field(field, stem.with_name(f'{stem.name}.safetensors')))
        files, view = writer.write(field, stem)
        paths += files
        views.append(view)
    paths.append(save_image(image_grid(views, columns), folder / 'contact_sheet.png'))
    print_log(f'wrote {len(views)} samples to {folder}', logger='current')
    return paths
