"""mmengine reads checkpoints without running their code, and importing the package is cheap."""

import subprocess
import sys

import pytest

CODE = {
    'mmengine after the package': 'import ddmi_toolkit; import mmengine.runner',
    'mmengine before the package': 'import mmengine.runner; import ddmi_toolkit',
}
TRAP = """
import os, pickle, torch
from mmengine.runner import CheckpointLoader
class Trap:
    def __reduce__(self):
        return os.mkdir, ('trapped',)
torch.save(dict(state_dict={}, extra=Trap()), 'bad.pth')
torch.save(dict(state_dict=dict(w=torch.ones(2))), 'good.pth')
assert CheckpointLoader.load_checkpoint('good.pth', logger='silent')['state_dict']['w'].sum() == 2
try:
    CheckpointLoader.load_checkpoint('bad.pth', logger='silent')
except pickle.UnpicklingError:
    pass
else:
    raise AssertionError('a Python object was loaded')
assert not os.path.exists('trapped')
"""


@pytest.mark.parametrize('order', CODE)
def test_mmengine_loads_plain_data_only(tmp_path, order):
    """In either order of imports, whatever mmengine's own default is."""
    code = f'{CODE[order]}\n{TRAP}'
    done = subprocess.run(
        [sys.executable, '-c', code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_importing_the_package_imports_nothing_heavy():
    """``import ddmi_toolkit`` alone stays far below two seconds: no torch, cv2 or mmengine."""
    code = (
        'import sys, ddmi_toolkit;'
        'print([m for m in ("torch", "cv2", "mmengine", "mmcv", "timm") if m in sys.modules])'
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == '[]'
