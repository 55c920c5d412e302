"""The leaderboard as users type it."""

import importlib.util
import sys
from pathlib import Path

import pytest

from ddmi_toolkit.apis import readable_errors
from ddmi_toolkit.evaluation import Result

TOOL = Path(__file__).parents[2] / 'tools' / 'compare.py'


def saved(path: Path, value: float, checkpoint: str = '', **protocol) -> Path:
    """A file of one generation metric."""
    protocol = dict(num_samples=64) | protocol
    metrics = {'generation/mmd_cd': value}
    return Result(metrics, dict(generation=protocol), 'chair', checkpoint_hash=checkpoint).save(
        path
    )


@pytest.fixture
def compare(monkeypatch, capsys):
    """Runs the tool in this process; returns what it prints."""
    spec = importlib.util.spec_from_file_location('compare_tool', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def run(*arguments) -> str:
        monkeypatch.setattr(sys, 'argv', ['compare.py', *map(str, arguments)])
        with readable_errors():
            module.main()
        return capsys.readouterr().out

    return run


def test_systems_by_metrics(compare, tmp_path):
    one, two = saved(tmp_path / 'one.json', 0.1), saved(tmp_path / 'two.json', 0.2)
    lines = compare(f'a={one}', f'b={two}').splitlines()
    assert lines[0] == '| system | generation/mmd_cd ↓ |'
    assert lines[2:4] == ['| a | **0.1** |', '| b | 0.2 |']
    assert '- `generation`: num_samples 64' in lines


def test_files_of_one_name_are_seeds(compare, tmp_path):
    for i, value in enumerate((1.0, 2.0, 4.0)):
        saved(tmp_path / f'seed_{i}' / 'result.json', value, checkpoint=f'c{i}')
    expected = '| a | 2.33 ± 0.88 (3) |'
    by_name = [f'a={tmp_path}/seed_{i}/result.json' for i in range(3)]
    assert expected in compare(*by_name)
    assert expected in compare(f'a={tmp_path}/seed_*/result.json')
    with pytest.raises(SystemExit, match="'a' has the weights c0 twice"):
        compare(by_name[0], by_name[0])


def test_stages_of_a_system_share_a_row(compare, tmp_path):
    for i, value in enumerate((1.0, 3.0)):
        folder = tmp_path / f'seed_{i}'
        saved(folder / 'stage2.json', value, checkpoint=f'c{i}')
        Result({'image/psnr': 10 * value}, dict(image={})).save(folder / 'stage1.json')
    folder = tmp_path / 'seed_0'
    lines = compare(f'a={folder}/stage1.json+{folder}/stage2.json').splitlines()
    assert lines[0] == '| system | image/psnr ↑ | generation/mmd_cd ↓ |'
    assert lines[2] == '| a | 10 | 1 |'
    lines = compare(f'a={tmp_path}/*/stage1.json+{tmp_path}/*/stage2.json').splitlines()
    assert lines[2] == '| a | 20 ± 10 (2) | 2.0 ± 1.0 (2) |'
    with pytest.raises(SystemExit, match=r"both have 'generation'"):
        compare(f'a={folder}/stage2.json+{tmp_path}/seed_1/stage2.json')
    with pytest.raises(SystemExit, match=r'joins 2 of .*, 1 of .*; expected as many of each'):
        compare(f'a={tmp_path}/*/stage1.json+{folder}/stage2.json')


def test_mistakes_end_in_one_line(compare, tmp_path):
    one, two = saved(tmp_path / 'one.json', 0.1), saved(tmp_path / 'two.json', 0.2)
    mixed = saved(tmp_path / 'mixed.json', 0.3, num_samples=32)
    (tmp_path / 'bad.json').write_text('{"metrics": 1', encoding='utf-8')
    for arguments, message in [
        ([f'a={one}', f'b={mixed}'], 'num_samples: 64 and 32'),
        ([f'a={one}', f'a={mixed}'], r"'a \(result 1\)' and 'a \(result 2\)'"),
        ([one, two], "two results are named 'chair'"),
        ([tmp_path / 'bad.json'], 'is not a result'),
        ([f'a={tmp_path}/absent_*.json'], r'absent_\*.json is no file; expected a result.json'),
        ([tmp_path / 'absent.json'], 'absent.json is no file; expected a result.json'),
        ([tmp_path], 'is no file; expected a result.json'),
        ([f'a={one}', f'b={one}'], 'one.json is given twice'),
    ]:
        with pytest.raises(SystemExit, match=message):
            compare(*arguments)
