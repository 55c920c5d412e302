"""Checkpoint files: written whole or not at all, read without running code, loaded strictly."""

import logging
import os
import pickle
import re
import socket
import time
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

POINTER = 'last_checkpoint'
_NUMBERED = re.compile(r'(?:iter|epoch)_(\d+)\.pth')
_MAX_LISTED = 8
_FIRST_STAGE = 'first_stage.'  # what the weights of stage 2 call those of stage 1
_PARTIAL = re.compile(r'\..*\.(\d+)(?:@(.*))?\.partial')
_ABANDONED_SECONDS = 24 * 3600.0


@contextmanager
def replace_atomically(path: str | Path) -> Iterator[BinaryIO]:
    """A binary file that appears under its name only when it is complete and on the disk.

    Whenever the process dies, ``path`` holds the former content or the new one, never a part.

    Args:
        path: Final name; its folder is made when absent.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f'.{path.name}.{os.getpid()}@{socket.gethostname()}.partial')
    try:
        with open(partial, 'wb') as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    if hasattr(os, 'O_DIRECTORY'):  # the new name itself survives a power failure
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def remove_abandoned(folder: str | Path) -> None:
    """Remove what processes that died inside :func:`replace_atomically` left in a folder.

    Files of processes that live, here or perhaps on another host, are left to them; a file that
    nobody has written to for a day is taken for abandoned.
    """
    for path in Path(folder).glob('.*.partial'):
        name = _PARTIAL.fullmatch(path.name)
        if name is None:
            continue
        try:
            age = time.time() - path.stat().st_mtime
        except FileNotFoundError:  # its process has just finished it
            continue
        is_here = name[2] in (None, socket.gethostname())
        if age > _ABANDONED_SECONDS or (is_here and not _is_alive(int(name[1]))):
            path.unlink(missing_ok=True)


def _is_alive(pid: int) -> bool:
    if os.name != 'posix':  # signal 0 would end the process there
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def load_checkpoint(path: str | Path, map_location: Any = 'cpu') -> dict[str, Any]:
    """Content of a checkpoint file; no code that the file holds is run.

    Tensors are mapped from the file and read when they are used.

    Args:
        path: File written by training, by a converter or by ``torch.save`` of plain data.
        map_location: As for :func:`torch.load`.

    Returns:
        At least ``meta`` and ``state_dict``.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is truncated, holds Python objects, or is no checkpoint.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f'checkpoint {path} does not exist; {_neighbours(path)}')
    if not zipfile.is_zipfile(path):
        raise ValueError(
            f'{path} ({path.stat().st_size} bytes) is truncated or no checkpoint; '
            f'use an older one of its folder, or train again'
        )
    try:
        content = torch.load(path, map_location=map_location, weights_only=True, mmap=True)
    except pickle.UnpicklingError as error:
        raise ValueError(
            f'{path} holds Python objects, which are not loaded; convert it first '
            f'(tools/convert_published.py reads published files)'
        ) from error
    except (RuntimeError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise ValueError(f'{path} is damaged: {_first_line(error)}; use an older one') from error
    if not isinstance(content, Mapping) or not {'meta', 'state_dict'} <= set(content):
        found = sorted(map(str, content))[:_MAX_LISTED] if isinstance(content, Mapping) else content
        raise ValueError(
            f'{path} is no checkpoint of this toolkit: expected the keys meta and state_dict, '
            f'found {found if isinstance(found, list) else type(found).__name__}'
        )
    return dict(content)


def find_checkpoint(work_dir: str | Path) -> Path | None:
    """The newest checkpoint of a run that can be read.

    Broken files are named in the log, one line each, and passed over.

    Args:
        work_dir: Folder that a run writes ``iter_*.pth`` into.

    Returns:
        None when the folder is absent or holds no checkpoint.

    Raises:
        ValueError: There are checkpoints, and none can be read.
    """
    candidates = _candidates(Path(work_dir))
    for path in candidates:
        if (problem := _problem(path)) is None:
            return path
        print_log(
            f'checkpoint {path} is broken ({problem}); falling back to the one before it',
            logger='current',
            level=logging.WARNING,
        )
    if candidates:
        raise ValueError(
            f'none of the {len(candidates)} checkpoints of {work_dir} can be read; '
            f'move them away to start over'
        )
    return None


def load_state_strict(module: nn.Module, state: Mapping[str, Tensor], *, what: str) -> None:
    """Load weights into a module, all of them and nothing else.

    Args:
        module: Receives the weights.
        state: Weights by name.
        what: What is loaded, for the message, e.g. ``'first stage from a.pth'``.

    Raises:
        ValueError: The weights are of the other stage, or names or shapes differ; the message
            lists the differences.
    """
    own = module.state_dict()
    _check_stage(own, state, what)
    shapes = [
        f'{k}: file {tuple(state[k].shape)}, model {tuple(own[k].shape)}'
        for k in own
        if k in state and state[k].shape != own[k].shape
    ]
    lines = [
        *_lines('missing in the file', (k for k in own if k not in state)),
        *_lines('unknown to the model', (k for k in state if k not in own)),
        *_lines('of another shape', shapes),
    ]
    if lines:
        details = '\n'.join(f'  {line}' for line in lines)
        raise ValueError(
            f'{what} does not fit {type(module).__name__} ({len(own)} tensors in the model, '
            f'{len(state)} in the file):\n{details}\n'
            f'Was the file trained with this config?'
        )
    module.load_state_dict(state, strict=True)


def _check_stage(own: Mapping[str, Tensor], state: Mapping[str, Tensor], what: str) -> None:
    """Tell a diffusion model from a first stage; lists of all their names would say it worse."""
    for held, wanted, stage, folder in ((own, state, 1, 'd2c_vae'), (state, own, 2, 'ddmi')):
        if any(f'{_FIRST_STAGE}{name}' in held for name in wanted):
            raise ValueError(
                f'{what}: this is a checkpoint of stage {stage}, expected one of stage '
                f'{3 - stage}; give a config of stage {stage} (configs/{folder}), or a checkpoint '
                f'of stage {3 - stage}'
            )


def _lines(title: str, items: Iterable[str]) -> list[str]:
    items = list(items)
    if not items:
        return []
    more = [] if len(items) <= _MAX_LISTED else [f'  ... and {len(items) - _MAX_LISTED} more']
    return [f'{len(items)} {title}:', *(f'  {i}' for i in items[:_MAX_LISTED]), *more]


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _neighbours(path: Path) -> str:
    near = sorted(p.name for p in path.parent.glob('*.pth')) if path.parent.is_dir() else []
    return f'{path.parent} holds {near[:_MAX_LISTED] or "no *.pth file"}'


def _candidates(work_dir: Path) -> list[Path]:
    """Numbered checkpoints, newest first; leftovers of an older run in the folder come last."""
    numbers = {p: int(m[1]) for p in work_dir.glob('*.pth') if (m := _NUMBERED.fullmatch(p.name))}
    pointer = work_dir / POINTER
    last = work_dir / Path(pointer.read_text().strip()).name if pointer.is_file() else None

    def rank(path: Path) -> tuple[bool, int]:
        is_leftover = (
            last in numbers
            and numbers[path] > numbers[last]
            and path.stat().st_mtime_ns < last.stat().st_mtime_ns
        )
        return not is_leftover, numbers[path]

    return sorted(numbers, key=rank, reverse=True)


def _problem(path: Path) -> str | None:
    """Why a checkpoint cannot be read, found by reading all of it."""
    try:
        load_checkpoint(path)
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        return _first_line(error)
    return None if damaged is None else f'checksum of {damaged} differs'
