"""Where tests find real data and the reference fixtures."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def _folder(variable: str, default: Path) -> Path:
    folder = Path(os.environ.get(variable, default))
    if not folder.is_dir():
        pytest.skip(f'{folder} does not exist; set {variable} to the folder that holds it')
    return folder


@pytest.fixture(scope='session')
def data_root() -> Path:
    """Folder of the real data sets (``DDMI_DATA``, default ``data/``)."""
    return _folder('DDMI_DATA', ROOT / 'data')


@pytest.fixture(scope='session')
def golden_root() -> Path:
    """Folder of the reference fixtures (``DDMI_GOLDEN``, default ``tests/golden/``)."""
    return _folder('DDMI_GOLDEN', ROOT / 'tests/golden')
