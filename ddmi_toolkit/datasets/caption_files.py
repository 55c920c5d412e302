"""Captions of shapes as Text2Shape (Chen et al. 2018) distributes them: one CSV row per caption.

The columns are ``id, modelId, description, category, topLevelSynsetId, subSynsetId``. What people
typed is kept, misspellings included, except for rows in capitals, which become lower case. The
preprocessed copies of the file write identifiers as numbers, without their leading zeros.
"""

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

_NEEDED = ('modelId', 'description')
_SYNSET_DIGITS = 8


@dataclass(frozen=True)
class CaptionFile:
    """What a file says.

    Args:
        path: The file.
        captions: Captions by shape, in the file's order.
        classes: Class identifier and name by shape, where the file knows them.
        left_out: Rows without caption or shape, and captions that repeat one of the same shape,
            by reason.
    """

    path: Path
    captions: dict[str, list[str]]
    classes: dict[str, tuple[str, str]]
    left_out: Counter[str]


def read_captions(path: str | Path) -> CaptionFile:
    """Read a file of captions.

    Raises:
        FileNotFoundError: It does not exist.
        ValueError: It lacks a column, or holds no caption.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(
            f'captions {path} do not exist; captions.tablechair.csv is distributed at '
            f'http://text2shape.stanford.edu as "Text Descriptions"'
        )
    found = CaptionFile(path, {}, {}, Counter())
    seen: set[tuple[str, str]] = set()
    with path.open(encoding='utf-8-sig', newline='') as file:
        rows = csv.DictReader(file)
        if missing := [name for name in _NEEDED if name not in (rows.fieldnames or ())]:
            raise ValueError(f'{path} has no column {missing}; it has {rows.fieldnames}')
        for row in rows:
            _add(found, seen, row)
    if not found.captions:
        raise ValueError(f'{path} holds no caption; left out: {dict(found.left_out) or "nothing"}')
    return found


def _add(found: CaptionFile, seen: set[tuple[str, str]], row: dict[str, str | None]) -> None:
    shape = (row['modelId'] or '').strip()
    caption = ' '.join((row['description'] or '').split())
    if not shape or not any(c.isalnum() for c in caption):
        found.left_out['empty'] += 1
        return
    if caption.isupper():
        caption = caption.lower()
    key = (shape, caption.lower().rstrip(' .'))
    if key in seen:
        found.left_out['repeated'] += 1
        return
    seen.add(key)
    found.captions.setdefault(shape, []).append(caption)
    if synset := (row.get('topLevelSynsetId') or '').strip():
        name = (row.get('category') or synset).strip().lower()
        found.classes.setdefault(shape, (synset.zfill(_SYNSET_DIGITS), name))
