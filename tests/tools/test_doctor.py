"""The doctor names what is wrong and the remedy."""

import re
from importlib.metadata import PackageNotFoundError

import pytest

from ddmi_toolkit.apis import doctor


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


def test_a_broken_cv2_is_fatal(monkeypatch):
    def refuse(name):
        raise ImportError('libGL.so.1: cannot open shared object file')

    monkeypatch.setattr(doctor.importlib, 'import_module', refuse)
    text = str(doctor._cv2())
    assert 'FAIL' in text
    assert 'opencv-python-headless' in text
