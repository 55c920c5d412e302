"""What users install: the wheel carries the configs, and importing it is quick."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(*args: str, **kwargs) -> str:
    """Standard output of a command that must succeed."""
    done = subprocess.run(args, capture_output=True, text=True, check=False, **kwargs)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_configs_travel_in_the_wheel_and_resolve_from_another_project(tmp_path):
    """Installed without the checkout, a leaf of another project names shipped bases."""
    pip = (sys.executable, '-m', 'pip')
    wheels = tmp_path / 'wheels'
    build = '--quiet --no-deps --no-build-isolation --disable-pip-version-check'.split()
    run(*pip, 'wheel', *build, '-w', str(wheels), str(ROOT))
    (wheel,) = wheels.iterdir()
    names = zipfile.ZipFile(wheel).namelist()
    assert 'ddmi_toolkit/configs/ddmi/shapenet_chair.py' in names
    assert not [n for n in names if n.startswith(('tests', 'configs', 'tools'))]
    site = tmp_path / 'site'
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    leaf = tmp_path / 'leaf.py'
    leaf.write_text("_base_ = 'ddmi_toolkit::ddmi/procedural_chair.py'\n")
    code = (
        'import ddmi_toolkit, sys; from ddmi_toolkit.apis import load_config, check_config\n'
        'assert ddmi_toolkit.__file__.startswith(sys.argv[2]), ddmi_toolkit.__file__\n'
        'cfg = load_config(sys.argv[1]); check_config(cfg); print(cfg.first_stage.config)'
    )
    env = {**os.environ, 'PYTHONPATH': str(site)}
    out = run(sys.executable, '-c', code, str(leaf), str(site), cwd=tmp_path, env=env)
    assert str(site / 'ddmi_toolkit/configs/d2c_vae/procedural_chair.py') in out


def test_importing_pulls_in_nothing_heavy():
    """Pretrained backbones, metrics and pictures are imported when they are used."""
    code = (
        'import sys, ddmi_toolkit, ddmi_toolkit.models\n'
        "heavy = 'timm open_clip kornia matplotlib trimesh skimage cv2 tensorboard'.split()\n"
        'print([m for m in heavy if m in sys.modules])'
    )
    assert run(sys.executable, '-c', code).strip() == '[]'


def test_the_package_itself_imports_without_torch():
    """The compatibility layer waits until mmengine is imported."""
    code = "import sys, ddmi_toolkit; print('torch' in sys.modules, 'mmengine' in sys.modules)"
    assert run(sys.executable, '-c', code).strip() == 'False False'
