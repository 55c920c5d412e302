"""Which format a folder of posed views has."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .base import AbstractViewSource
from .npz_format import NpzSource
from .srn_format import SrnSource
from .transforms_format import TransformsSource

FORMATS: dict[str, type[AbstractViewSource]] = dict(
    srn=SrnSource, npz=NpzSource, transforms=TransformsSource
)
"""File formats by name."""


def open_views(
    root: str | Path, split: str | None = None, format: str | Mapping[str, Any] | None = None
) -> AbstractViewSource:
    """The objects below a folder.

    Args:
        root: Folder of the set.
        split: Part of it, as the format has it.
        format: A key of ``FORMATS``, or ``dict(type=key, ...)`` with arguments of its class; by
            default what lies there tells.

    Raises:
        ValueError: The folder does not exist, holds nothing, or nothing that is known.
    """
    root = Path(root)
    options = dict(type=format) if isinstance(format, str) else dict(format or {})
    name = options.pop('type', None)
    known = '; '.join(f'{key}: {cls.WHAT}' for key, cls in FORMATS.items())
    if name is not None and name not in FORMATS:
        raise ValueError(f'format={name!r} is unknown; choose of {list(FORMATS)}')
    if not root.is_dir():
        raise ValueError(
            f'{root} does not exist; expected a folder. Set root, or the environment variable '
            f'DDMI_DATA to where the data is. Formats: {known}'
        )
    fitting = [key for key, cls in FORMATS.items() if cls.fits(root, split)]
    if name is None and len(fitting) != 1:
        inside = sorted(p.name for p in root.iterdir())[:8]
        found = f'fits the formats {fitting}' if fitting else f'fits no format; it has {inside}'
        where = f'{root}' if split is None else f'{root} (split {split!r})'
        raise ValueError(f'{where} {found}. Set root, split or format. Formats: {known}')
    cls = FORMATS[name or fitting[0]]
    source = cls(root, split, **options)
    if not source.names:
        raise ValueError(f'{root} holds no objects; expected {cls.WHAT}')
    return source
