"""The doctor names what is wrong and the remedy."""

import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from ddmi_toolkit import doctor

ROOT = Path(__file__).parents[2]


def test_a_sound_installation_needs_nothing():
    findings = doctor.examine()
    assert not [f for f in findings if f.fatal and f.remedy]
    assert any(f.name == 'torch' and f.state.startswith('2.') for f in findings)


@pytest.mark.parametrize(
    'versions, name, message',
    [
        ({'torch': None}, 'torch', "FAIL.*not installed\n.*pip install 'torch>=2.11"),
        ({'torch': '2.3.0'}, 'torch', 'warn.*2.3.0, tested with'),
        ({'mmcv': '2.2.0', 'mmcv-lite': '2.2.0'}, 'mmcv', 'overwrite each other\n.*uninstall'),
        ({'mmcv': '2.2.0', 'mmcv-lite': None}, 'mmcv-lite', 'serves as well'),
    ],
)
def test_wrong_packages_are_named(monkeypatch, versions, name, message):
    original = doctor.version

    def version(package):
        if package not in versions:
            return original(package)
        if versions[package] is None:
            raise PackageNotFoundError
        return versions[package]

    monkeypatch.setattr(doctor, 'version', version)
    texts = [str(f) for f in doctor.examine() if f.name == name]
    assert re.search(message, '\n'.join(texts)), texts


@pytest.mark.parametrize('module', ['cv2', 'torch', 'trimesh', 'mmengine'])
def test_the_doctor_speaks_when_a_module_is_broken(module):
    """In a process of its own, in which the module cannot be imported."""
    code = (
        f'import sys; sys.modules[{module!r}] = None; sys.argv = ["doctor"]\n'
        f'import runpy; runpy.run_path({str(ROOT / "tools/doctor.py")!r}, run_name="__main__")'
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=False)
    assert not done.stderr
    assert '[ ok ] python' in done.stdout
    if module in ('cv2', 'torch'):
        assert done.returncode == 1
        assert re.search(rf'FAIL. {module}: cannot be imported.*\n.*pip', done.stdout)


@pytest.mark.parametrize(
    'found, spec, fits',
    [
        ('2.15.0+cu132', '>=2.11,<2.17', True),
        ('2.9.1', '>=2.11,<2.17', False),
        ('2.17.0', '>=2.11,<2.17', False),
        ('0.11.0rc3', '>=0.10.7,<0.12', True),
        ('5.0', '>=4.4', True),
    ],
)
def test_versions_are_compared_by_number(found, spec, fits):
    assert doctor._satisfies(found, spec) == fits
