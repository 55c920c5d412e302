"""The commands as users type them, on a config that takes a minute."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FIRST = """
_base_ = 'ddmi_toolkit::d2c_vae/procedural_chair.py'
train_cfg = dict(max_iters=2, val_interval=100)
train_dataloader = dict(dataset=dict(num_shapes=8))
test_dataloader = dict(dataset=dict(num_shapes=3, num_points=500, surface_points=300))
test_evaluator = [dict(type='OccupancyIoU'), dict(type='SurfaceMetrics', resolution=32)]
generation = dict(test_dataloader=dict(dataset=dict(num_samples=3)), test_evaluator=[dict(
    type='PointCloudMetrics', resolution=32, threshold=0.5, distances=['cd'], num_points=256,
    reference=dict(type='ProceduralChairs', num_shapes=3, surface_points=256))])
"""
SECOND = """
_base_ = 'ddmi_toolkit::ddmi/procedural_chair.py'
first_stage_config = 'first.py'
train_cfg = dict(max_iters=2)
model = dict(diffuser=dict(sampler=dict(num_steps=2)))
"""


def run(*command: str, cwd: Path, fails: bool = False) -> str:
    """Output of a tool that must succeed, or its error if it must not."""
    done = subprocess.run(
        [sys.executable, str(ROOT / 'tools' / command[0]), *command[1:]],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode != 0) == fails, done.stdout[-2000:] + done.stderr[-3000:]
    return done.stderr if fails else done.stdout


@pytest.mark.slow
def test_the_main_job_from_another_folder(tmp_path):
    """Quickstart, test, compare and generate, outside the checkout."""
    (tmp_path / 'first.py').write_text(FIRST)
    (tmp_path / 'second.py').write_text(SECOND)
    text = run('quickstart.py', '--config', 'second.py', '--out', 'out', cwd=tmp_path)
    assert '| distance to held-out shapes | generated | training shapes |' in text
    report = json.loads((tmp_path / 'out/report.json').read_text())
    assert report['distance_to_held_out']['training shapes']['generation/mmd_cd'] < 0.1
    for name in ('contact_sheet.png', 'observed_reconstructed_generated.png', 'generation.json'):
        assert (tmp_path / 'out' / name).stat().st_size > 100
    run('test.py', 'second.py', '--out', 'one.json', cwd=tmp_path)
    run('test.py', 'second.py', '--out', 'two.json', cwd=tmp_path)
    assert 'generation/mmd_cd' in run('compare.py', 'a=one.json', 'b=two.json', cwd=tmp_path)
    run('generate.py', 'second.py', '--seeds', '3', '--out', 'samples', cwd=tmp_path)
    assert (tmp_path / 'samples/seed_000003.safetensors').is_file()


@pytest.mark.parametrize(
    'command, message',
    [
        (('train.py', 'ddmi/absent.py'), 'does not exist'),
        (
            ('print_config.py', 'ddmi/procedural_chair.py', '--cfg-options', 'modl.x=1'),
            'did you mean',
        ),
        (('generate.py', 'ddmi/procedural_chair.py', '--out', 'o', '--seeds', '5-2'), 'is empty'),
        (('generate.py', 'ddmi/procedural_chair.py', '--out', 'o'), 'holds no checkpoint'),
    ],
)
def test_mistakes_end_in_one_line(command, message, tmp_path):
    error = run(*command, cwd=tmp_path, fails=True)
    assert message in error
    assert 'Traceback' not in error
