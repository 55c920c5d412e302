"""The commands that make pictures, on tiny models with random weights."""

import json
import runpy
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from shrink import shrink

from ddmi_toolkit.apis import FieldInferencer, load_field
from ddmi_toolkit.registry import MODELS
from ddmi_toolkit.visualization import quantize

ROOT = Path(__file__).parents[2]


def read(path):
    with Image.open(path) as image:
        return np.asarray(image)


@pytest.fixture(scope='module')
def models(tmp_path_factory):
    """Config file and checkpoint of both stages of pictures, and of shapes."""
    found = {}
    for name in ('d2c_vae/procedural_image', 'ddmi/procedural_image', 'ddmi/procedural_chair'):
        folder = tmp_path_factory.mktemp('model')
        cfg = shrink(f'{name}.py', folder)
        cfg.dump(folder / 'config.py')
        torch.manual_seed(0)
        model = MODELS.build({**cfg.model})
        torch.save(dict(state_dict=model.state_dict(), meta={}), folder / 'model.pth')
        found[name] = [str(folder / 'config.py'), str(folder / 'model.pth')]
    return found


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    """Runs a command in this process and returns what it prints."""

    def command(tool, *arguments):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr('sys.argv', [tool, *map(str, arguments)])
        runpy.run_path(str(ROOT / 'tools' / tool), run_name='__main__')
        return capsys.readouterr().out

    return command


@pytest.mark.parametrize('stage', ['d2c_vae', 'ddmi'])
def test_pictures_of_seeds(run, models, tmp_path, stage):
    """Written pictures, their fields and their part in the sheet agree."""
    files = models[f'{stage}/procedural_image']
    run('generate.py', *files, '--seeds', '3,5', '--out', 'a', '--size', 24, 40)
    assert sorted(p.name for p in (tmp_path / 'a').iterdir()) == [
        'contact_sheet.png',
        'seed_000003.png',
        'seed_000003.safetensors',
        'seed_000005.png',
        'seed_000005.safetensors',
    ]
    picture = read(tmp_path / 'a/seed_000005.png')
    field = load_field(tmp_path / 'a/seed_000005.safetensors')
    assert np.array_equal(picture, quantize(field.render((24, 40))[0]))
    assert np.array_equal(read(tmp_path / 'a/contact_sheet.png')[:, 42:], picture)
    direct = next(FieldInferencer(*files, 'cpu').sample([5]))
    torch.testing.assert_close(field.render((8, 8)), direct.render((8, 8)), atol=1e-5, rtol=0)


def test_options_of_pictures(run, models, tmp_path):
    files = models['d2c_vae/procedural_image']
    region = (-0.5, -1.0, 0.5, -0.5)
    arguments = ('--seeds', 1, '--out', 'b', '--size', 32, '--cell', 1.0, '--format', 'tiff')
    run('generate.py', *files, *arguments, '--region', *region)
    field = load_field(tmp_path / 'b/seed_000001.safetensors')
    expected = quantize(field.render((16, 32), region, cell=1.0)[0])
    assert np.array_equal(read(tmp_path / 'b/seed_000001.tiff'), expected)


def test_interpolations_are_written_in_order(run, models, tmp_path):
    files = models['ddmi/procedural_image']
    run('generate.py', *files, '--interpolate', 3, 5, 3, '--out', 'c')
    names = [p.name for p in sorted((tmp_path / 'c').glob('step_*.png'))]
    assert names == ['step_000.png', 'step_001.png', 'step_002.png']
    run('generate.py', *files, '--seeds', 5, '--out', 'd')
    last = read(tmp_path / 'c/step_002.png').astype(int)
    assert np.abs(last - read(tmp_path / 'd/seed_000005.png')).max() <= 1


@pytest.mark.parametrize('stage', ['d2c_vae', 'ddmi'])
def test_given_pictures_are_reconstructed(run, models, tmp_path, stage):
    files = models[f'{stage}/procedural_image']
    rng = np.random.default_rng(0)
    for name in ('one.png', 'two.png'):
        picture = rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)
        (tmp_path / 'in').mkdir(exist_ok=True)
        Image.fromarray(picture).save(tmp_path / 'in' / name)
    text = run('reconstruct.py', *files, 'in', '--out', 'rec', '--factor', 2.5)
    assert 'one: 50x40, center-cropped to 40x40, reduced to 16x16; psnr_at_input_size' in text
    assert read(tmp_path / 'rec/two.png').shape == (40, 40, 3)
    report = json.loads((tmp_path / 'rec/reconstruction.json').read_text())
    assert list(report) == ['one', 'two']
    assert 0 < report['two']['psnr'] < 20
    config = files[:1]
    Path(files[1]).rename(Path(files[1]).with_name('kept.pth'))
    try:
        with pytest.raises(SystemExit, match='holds no checkpoint'):
            run('reconstruct.py', *config, 'in', '--out', 'rec')
    finally:
        Path(files[1]).with_name('kept.pth').rename(files[1])


@pytest.mark.parametrize(
    'name, tool, arguments, message',
    [
        ('ddmi/procedural_image', 'generate.py', ['--resolution', 64], "resolution .* axes 'xy'"),
        ('ddmi/procedural_image', 'generate.py', ['--format', 'glb'], "format 'glb' is not one"),
        ('ddmi/procedural_image', 'generate.py', ['--size', 0], 'size=0 must be'),
        ('ddmi/procedural_image', 'generate.py', ['--region', 1, 0, 0, 1], "empty along 'x'"),
        ('ddmi/procedural_image', 'generate.py', ['--interpolate', 0, 1, 1], 'num_steps=1'),
        ('ddmi/procedural_chair', 'generate.py', ['--size', 64], "size .* over the axes 'xyz'"),
        ('ddmi/procedural_image', 'reconstruct.py', [], 'absent.png does not exist'),
        ('ddmi/procedural_chair', 'reconstruct.py', ['--factor', 2], "factor .* axes 'xyz'"),
    ],
)
def test_mistakes_end_in_one_line(run, models, tmp_path, name, tool, arguments, message):
    files = [*models[name], 'absent.png'] if tool == 'reconstruct.py' else models[name]
    with pytest.raises(SystemExit, match=message):
        run(tool, *files, '--out', 'e', *arguments)
    assert not (tmp_path / 'e').exists()


@pytest.mark.parametrize('tool', ['generate.py', 'reconstruct.py'])
def test_a_file_in_place_of_the_folder_ends_in_one_line(run, models, tmp_path, tool):
    Image.new('RGB', (16, 16)).save(tmp_path / 'a.png')
    inputs = ['a.png'] if tool == 'reconstruct.py' else []
    with pytest.raises(SystemExit, match=r'a\.png is a file; name a folder'):
        run(tool, *models['d2c_vae/procedural_image'], *inputs, '--out', 'a.png')
