"""Package metadata; the configs travel inside the wheel as ``ddmi_toolkit/configs``."""

import re
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
VERSION = re.search(
    r"__version__ = '(.+)'", (ROOT / 'ddmi_toolkit/__init__.py').read_text(encoding='utf-8')
).group(1)

CORE = [
    'torch>=2.11,<2.17',
    'torchvision>=0.26',
    'numpy>=1.26',
    'scipy>=1.11',
    'einops>=0.7',
    'pillow>=10.1',
    'mmengine>=0.10.7,<0.12',
    'mmcv-lite>=2.1,<2.3',
    'timm>=1.0.9,<2',
    'open-clip-torch>=2.26,<4',
    'kornia>=0.7.3',
    'safetensors>=0.4',
    'trimesh>=4.4',
    'scikit-image>=0.22',
    'tifffile>=2023.8',
    'av>=14.2',
    'point-cloud-utils>=0.31',
    'torch-fidelity>=0.3',
    'lpips>=0.1.4',
    'tensorboard>=2.15',
    'tqdm>=4.60',
    'matplotlib>=3.8',
    'pyyaml>=6',
]
EXTRAS = {
    'track': ['wandb>=0.17'],
    'lsun': ['lmdb>=1.4'],
    'text2shape': ['pynrrd>=1.0'],
    'dev': [
        'pytest>=8',
        'pytest-xdist>=3.5',
        'ruff>=0.14',
        'mypy>=1.10',
        'interrogate>=1.7',
        'codespell>=2.2',
        'pre-commit>=3.7',
        'lmdb>=1.4',
        'pynrrd>=1.0',
        'diffusers>=0.31',
    ],
    'docs': ['sphinx>=8', 'myst-parser>=4', 'furo>=2024.8'],
}
EXTRAS['all'] = sorted({r for extra in EXTRAS for r in EXTRAS[extra]})


class BuildWithConfigs(build_py):
    """Copy ``configs/`` into the built package, so that ``ddmi_toolkit::`` bases resolve."""

    def run(self):
        super().run()
        if not self.editable_mode:
            target = Path(self.build_lib) / 'ddmi_toolkit/configs'
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(ROOT / 'configs', target, ignore=shutil.ignore_patterns('__pycache__'))


setup(
    name='ddmi_toolkit',
    version=VERSION,
    description='Generative models of implicit neural representations',
    long_description=(ROOT / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    python_requires='>=3.11',
    packages=find_packages(include=['ddmi_toolkit', 'ddmi_toolkit.*']),
    install_requires=CORE,
    extras_require=EXTRAS,
    cmdclass={'build_py': BuildWithConfigs},
)
