"""Whether our modules compute what published ones did: fixture folders, array by array.

A folder holds ``io.npz`` (inputs and expected outputs), ``meta.json`` (published settings) and,
for models, ``weights.safetensors``. What it is a fixture of shows in the settings and arrays.
"""

import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from .kinds import Arrays, identify

TOLERANCE = 1e-4


@dataclass(frozen=True)
class Comparison:
    """One array: the largest error, absolute or relative to the largest expected value."""

    array: str
    error: float
    is_relative: bool = False

    @property
    def passed(self) -> bool:
        """Whether the error is within the tolerance; not a number is not."""
        return self.error <= TOLERANCE

    def __str__(self) -> str:
        how = 'relative' if self.is_relative else 'absolute'
        verdict = 'ok' if self.passed else 'FAIL'
        return f'{self.array:<22} {self.error:.2e} {how}, tolerance {TOLERANCE:.0e}  {verdict}'


def check_all(folders: Iterable[str | Path]) -> Iterator[tuple[str, bool]]:
    """Lines of a report and whether each is good news; a bad folder does not end the report."""
    for folder in folders:
        try:
            kind, comparisons = check_folder(folder)
        except ValueError as error:
            yield str(error), False
            continue
        yield f'{folder}: {kind}', True
        for one in comparisons:
            yield f'  {one}', one.passed


@torch.no_grad()
def check_folder(folder: str | Path) -> tuple[str, list[Comparison]]:
    """Compare all expected arrays of a fixture with ours, in float32 on the CPU.

    Returns:
        The kind of the fixture in words, and one comparison per expected array.

    Raises:
        ValueError: Files are missing or damaged, the kind is unknown or not supported yet, or
            settings, weights and arrays do not belong together; one line that names the folder.
    """
    folder = Path(folder)
    meta, arrays = _read_meta(folder), _read_arrays(folder)
    kind = _checked(folder, identify, meta, arrays)
    if kind.compute is None:
        raise ValueError(f'{folder}: not supported yet: {kind.name}')
    weights = _read_weights(folder) if kind.has_weights else {}
    if missing := sorted(kind.inputs - set(arrays)):
        raise ValueError(
            f'{folder}: io.npz of a fixture of {kind.name} needs the inputs {sorted(kind.inputs)}; '
            f'missing {missing}'
        )
    ours = _checked(folder, kind.compute, meta, weights, arrays)
    expected = {k: v for k, v in arrays.items() if k not in kind.inputs}
    expected |= _checked(folder, _expected_values, meta)
    base_names = {name.split('[')[0] for name in ours}
    if base_names != set(expected):
        raise ValueError(
            f'{folder}: a fixture of {kind.name} holds {sorted(base_names)}; '
            f'missing {sorted(base_names - set(expected))}, '
            f'unknown {sorted(set(expected) - base_names)}'
        )
    return kind.name, [_compare(k, v, expected[k.split('[')[0]]) for k, v in ours.items()]


def _compare(name: str, ours: Tensor, expected: Tensor) -> Comparison:
    if ours.shape != expected.shape:
        found = f'{name} {tuple(ours.shape)} for {tuple(expected.shape)}'
        return Comparison(found, float('inf'))
    ours, expected = ours.double(), expected.double()
    error = (ours - expected).abs().max().item()
    if name.split('[')[0] != 'ddim':
        return Comparison(name, error)
    return Comparison(name, error / expected.abs().max().item(), is_relative=True)


def _expected_values(meta: Mapping[str, Any]) -> Arrays:
    return {k: torch.tensor(v, dtype=torch.float64) for k, v in meta.get('expected', {}).items()}


def _checked(folder: Path, function: Callable, *args: Any) -> Any:
    """Call a function; what does not fit together becomes one line that names the folder."""
    try:
        return function(*args)
    except KeyError as error:
        raise ValueError(f'{folder}: the fixture lacks {error}') from error
    except (ValueError, TypeError, AttributeError, RuntimeError, IndexError) as error:
        text = ' '.join(str(error).split())
        raise ValueError(f'{folder}: {text}') from error


def _file(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.is_file():
        found = sorted(p.name for p in folder.iterdir()) if folder.is_dir() else 'no such folder'
        raise ValueError(f'{folder}: {name} is missing, found {found}')
    return path


def _read_meta(folder: Path) -> dict[str, Any]:
    path = _file(folder, 'meta.json')
    try:
        meta = json.loads(path.read_text(encoding='utf-8'))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f'{folder}: meta.json is no JSON: {error}') from error
    if not isinstance(meta, dict):
        raise ValueError(f'{folder}: meta.json holds a {type(meta).__name__}, expected an object')
    return meta


def _read_arrays(folder: Path) -> Arrays:
    path = _file(folder, 'io.npz')
    try:
        with np.load(path) as file:
            return {k: torch.from_numpy(file[k]) for k in file.files}
    except (ValueError, OSError, TypeError, zipfile.BadZipFile) as error:
        raise ValueError(f'{folder}: io.npz cannot be read: {error}') from error


def _read_weights(folder: Path) -> Arrays:
    path = _file(folder, 'weights.safetensors')
    try:
        return {k: v.float() for k, v in load_file(path).items()}
    except (SafetensorError, OSError) as error:
        raise ValueError(f'{folder}: weights.safetensors cannot be read: {error}') from error
