"""What is installed, what works, and what to do about what does not.

Needs the standard library alone, so that it can speak when nothing else works.
"""

import importlib
import os
import platform
import re
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

SUPPORTED = {
    'torch': '>=2.11,<2.17',
    'torchvision': '>=0.26',
    'mmengine': '>=0.10.7,<0.12',
    'mmcv-lite': '>=2.1,<2.3',
    'timm': '>=1.0.9,<2',
    'open-clip-torch': '>=2.26,<4',
    'kornia': '>=0.7.3',
    'einops': '>=0.7',
    'trimesh': '>=4.4',
    'scikit-image': '>=0.22',
    'point-cloud-utils': '>=0.31',
    'safetensors': '>=0.4',
    'torch-fidelity': '>=0.3',
    'lpips': '>=0.1.4',
    'tifffile': '>=2023.8',
}
DATA_VARIABLE = 'DDMI_DATA'


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Args:
        name: What was looked at.
        state: What was found.
        remedy: What to do; empty when all is well.
        fatal: Whether the toolkit cannot run without the remedy.
    """

    name: str
    state: str
    remedy: str = ''
    fatal: bool = False

    def __str__(self) -> str:
        mark = ('FAIL' if self.fatal else 'warn') if self.remedy else ' ok '
        text = f'[{mark}] {self.name}: {self.state}'
        return f'{text}\n       -> {self.remedy}' if self.remedy else text


def examine() -> list[Finding]:
    """All findings; only torch and cv2 are imported, to see whether they can be."""
    return [
        _python(),
        *(_package(name, spec) for name, spec in SUPPORTED.items()),
        _mmcv(),
        _cv2(),
        _device(),
        _weights(),
        _data(),
    ]


def _python() -> Finding:
    ok = sys.version_info >= (3, 11)
    return Finding(
        'python',
        platform.python_version(),
        '' if ok else 'Python 3.11 or newer is needed',
        fatal=not ok,
    )


def _package(name: str, spec: str) -> Finding:
    try:
        found = version(name)
    except PackageNotFoundError:
        if name == 'mmcv-lite' and _installed('mmcv'):
            return Finding(name, 'absent; full mmcv is installed and serves as well')
        return Finding(name, 'not installed', f"pip install '{name}{spec}'", fatal=True)
    if _satisfies(found, spec):
        return Finding(name, found)
    return Finding(name, f'{found}, tested with {spec}', f"pip install '{name}{spec}'")


def _satisfies(found: str, spec: str) -> bool:
    """Whether a version like ``2.15.0+cu132`` fits bounds like ``>=2.11,<2.17``."""

    def numbers(text: str) -> tuple[int, ...]:
        return tuple(int(n) for n in re.findall(r'\d+', text.partition('+')[0])[:3])

    for bound in spec.split(','):
        is_lower = bound.startswith('>=')
        limit = numbers(bound)
        if (numbers(found) >= limit) != is_lower:
            return False
    return True


def _installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


def _mmcv() -> Finding:
    if _installed('mmcv') and _installed('mmcv-lite'):
        return Finding(
            'mmcv',
            'both mmcv and mmcv-lite are installed and overwrite each other',
            'pip uninstall -y mmcv mmcv-lite && pip install mmcv-lite',
        )
    return Finding('mmcv', 'one distribution')


def _cv2() -> Finding:
    try:
        cv2 = importlib.import_module('cv2')
    except ImportError as error:
        return Finding(
            'cv2',
            f'cannot be imported ({error})',
            'pip uninstall -y opencv-python && pip install opencv-python-headless',
            fatal=True,
        )
    return Finding('cv2', cv2.__version__)


def _device() -> Finding:
    try:
        torch = importlib.import_module('torch')
    except (ImportError, OSError) as error:
        return Finding('torch', f'cannot be imported ({error})', 'pip install torch', fatal=True)
    if torch.cuda.is_available():
        return Finding('device', f'{torch.cuda.device_count()} x {torch.cuda.get_device_name()}')
    return Finding('device', f'CPU with {torch.get_num_threads()} threads (no CUDA device)')


def _weights() -> Finding:
    cache = Path(os.environ.get('XDG_CACHE_HOME', '~/.cache')).expanduser()
    folders = [
        Path(os.environ.get('TORCH_HOME', cache / 'torch')) / 'hub/checkpoints',
        Path(os.environ.get('HF_HOME', cache / 'huggingface')) / 'hub',
    ]
    found = [p.name for f in folders if f.is_dir() for p in sorted(f.iterdir())]
    state = ', '.join(found) if found else 'none (shapes need none)'
    return Finding(f'pretrained weights in {" and ".join(map(str, folders))}', state)


def _data() -> Finding:
    folder = Path(os.environ.get(DATA_VARIABLE, 'data'))
    if not folder.is_dir():
        return Finding(
            f'data folder {folder}',
            f'absent (procedural data needs none; {DATA_VARIABLE} names another folder)',
        )
    if not os.access(folder, os.R_OK | os.X_OK):
        return Finding(f'data folder {folder}', 'not readable', f'chmod u+rx {folder}')
    return Finding(f'data folder {folder}', f'{len(list(folder.iterdir()))} entries')
