"""Imports go one way, and no model asks which domain it serves."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / 'ddmi_toolkit'
DOMAINS = {'image', 'video', 'nerf', 'occupancy', 'shape', 'audio'}
ROOM = {'registry', 'structures', 'layers'}
MAY_IMPORT = {  # folder (or file) -> what of ours it may import
    'compat': set(),
    'doctor': set(),
    'registry': set(),
    'utils': set(),
    'structures': set(),
    'layers': {'structures'},
    'models/d2c_vae': {'registry', 'structures', 'utils'},
    'models/latent_diffusion': {'registry', 'structures', 'utils', 'models/weak_model'},
    'models/weak_model': {'registry', 'utils'},
    'models/classifiers': ROOM,
    'models/encoders': ROOM,
    'models/generators': ROOM,
    'models/renderers': ROOM,
    'models/losses': ROOM,
    'models/diffusion': ROOM,
    'models/denoisers': ROOM,
    'models/conditioners': ROOM,
    'geometry': {'structures'},
    'datasets': {'registry', 'structures', 'geometry', 'utils'},
    'evaluation': {'registry', 'structures', 'geometry', 'layers', 'utils'},
    'engine': {'registry', 'structures', 'geometry', 'utils'},
    'visualization': {'registry', 'structures', 'geometry', 'layers'},
    'interop': {'registry', 'structures', 'utils', 'evaluation', 'apis'},
    'apis': {'*'},
}
FILES = sorted(
    p
    for p in PACKAGE.rglob('*.py')
    if p not in (PACKAGE / '__init__.py',) and 'configs' not in p.parts
)


def room(parts: tuple[str, ...]) -> str:
    """Where a module lives: the first folder, or ``models/<folder>``."""
    if parts[0] == 'models' and len(parts) > 1:
        return '/'.join(parts[:2])
    return parts[0]


def imported(path: Path) -> Iterator[tuple[str, ...]]:
    """Modules of ours that a file imports, as paths inside the package."""
    folder = path.relative_to(PACKAGE.parent).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.ImportFrom):
            base = folder[: len(folder) - node.level + 1] if node.level else ()
            parts = (*base, *(node.module.split('.') if node.module else ()))
            if parts[:1] == ('ddmi_toolkit',):
                yield from [(*parts[1:], a.name) for a in node.names]
        elif isinstance(node, ast.Import):
            for alias in node.names:
                parts = tuple(alias.name.split('.'))
                if parts[0] == 'ddmi_toolkit':
                    yield parts[1:]


@pytest.mark.parametrize('path', FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_are_one_way(path):
    """A room imports only what the table allows (docs/design.md)."""
    here = room(path.relative_to(PACKAGE).with_suffix('').parts)
    if here == 'models/__init__':
        return  # lists the rooms, so that their classes register
    allowed = MAY_IMPORT[here]
    for parts in imported(path):
        there = room(parts) if parts else ''
        may = allowed | {here, '', '__version__'}
        assert '*' in allowed or there in may or parts[0] in may, (
            f'{here} imports {".".join(parts)}; it may import {sorted(allowed)}'
        )


@pytest.mark.parametrize('folder', ['models', 'structures', 'engine'])
def test_nothing_compares_with_a_domain_name(folder):
    """One path for all domains: a branch on the domain's name is a missing abstraction."""
    for path in (PACKAGE / folder).rglob('*.py'):
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            if isinstance(node, ast.Compare):
                words = {
                    w.value if isinstance(w, ast.Constant) else getattr(w, 'id', None)
                    for w in ast.walk(node)
                    if isinstance(w, ast.Constant | ast.Name)
                }
                strings = {w for w in words if isinstance(w, str)}
                bad = strings & (DOMAINS - {'shape'})  # `shape` is also a tensor's
                assert not bad, f'{path}:{node.lineno} compares with {sorted(bad)}'


def test_detects_an_import_that_goes_up(tmp_path, monkeypatch):
    """The guard itself fails on a wrong import."""
    bad = PACKAGE / 'layers' / 'attention.py'
    source = bad.read_text(encoding='utf-8') + '\nfrom ..models.d2c_vae import D2CVAE\n'
    monkeypatch.setattr(Path, 'read_text', lambda *a, **k: source)
    with pytest.raises(AssertionError, match='layers imports models'):
        test_imports_are_one_way(bad)
