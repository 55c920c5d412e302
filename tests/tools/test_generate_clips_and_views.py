"""Both stages of clips and of radiance fields by command: train, test, generate, bad options."""

import json
import runpy
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image
from shrink import shrink

from ddmi_toolkit.apis import evaluate, load_config, load_field, train

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """Config and checkpoint of stage 2 after one step of each stage."""
    found = {}
    for name in ('procedural_video', 'procedural_nerf'):
        folder = tmp_path_factory.mktemp(name)
        cfg = shrink(f'ddmi/{name}.py', folder)
        torch.manual_seed(0)
        checkpoint = train(cfg)
        cfg.dump(folder / 'config.py')
        found[name] = str(folder / 'config.py'), str(checkpoint)
    return found


@pytest.fixture
def generate(monkeypatch, tmp_path):
    """Runs tools/generate.py in this process, in a folder of its own."""

    def command(files, *arguments):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr('sys.argv', ['generate.py', *files, *map(str, arguments)])
        runpy.run_path(str(ROOT / 'tools/generate.py'), run_name='__main__')
        return tmp_path

    return command


def test_a_clip_of_any_length_and_size(generate, trained):
    """Twice the frames of the layout at half its size are those of the field itself."""
    files = trained['procedural_video']
    options = ('--num-frames', 8, '--size', 8, '--format', 'frames', '--playback', 'reverse')
    folder = generate(files, '--seeds', '5', '--out', 'a', *options) / 'a'
    frames = [np.asarray(Image.open(p)) for p in sorted((folder / 'seed_000005').iterdir())]
    field = load_field(folder / 'seed_000005.safetensors')
    values = field.render((8, 8, 8))[0].flip(0).clamp(-1, 1)
    expected = ((values + 1) * 127.5).round().to(torch.uint8).numpy()
    assert np.array_equal(np.stack(frames), expected)
    assert (folder / 'seed_000005_sheet.png').is_file()


def test_views_of_a_radiance_field(generate, trained):
    """Posed views that say where they are, and a turntable, of the size asked for."""
    files = trained['procedural_nerf']
    options = ('--views', 2, '--num-frames', 3, '--size', 12, '--format', 'gif')
    folder = generate(files, '--seeds', '1', '--out', 'a', '--resolution', 8, *options) / 'a'
    scene = json.loads((folder / 'seed_000001_views/transforms.json').read_text())
    assert (scene['w'], scene['h'], len(scene['frames'])) == (12, 12, 2)
    with Image.open(folder / 'seed_000001.gif') as turn:
        assert (turn.n_frames, turn.size) == (3, (12, 12))
    if (folder / 'seed_000001.glb').is_file():
        assert len(trimesh.load(folder / 'seed_000001.glb', force='mesh').faces)


@pytest.mark.parametrize('name, value', [('procedural_video', 'fvd'), ('procedural_nerf', 'fid')])
def test_the_test_command_measures_generated_ones(trained, name, value):
    """A finite distance to the references, under a name that tells the features."""
    config, checkpoint = trained[name]
    cfg = load_config(config)
    cfg.test_evaluator[0]['values'] = [value]
    metrics = evaluate(cfg, checkpoint).metrics
    assert [k.partition('/')[2] for k in metrics] == [f'{value}_random_not_comparable']
    assert all(np.isfinite(v) for v in metrics.values())


@pytest.mark.parametrize(
    'name, option, message',
    [
        ('procedural_video', ('--views', 3), 'views does not apply to a clip'),
        ('procedural_nerf', ('--fps', 3), 'fps does not apply to a radiance field'),
        ('procedural_nerf', ('--format', 'glb'), "turntable format 'glb' is not one of mp4, gif"),
        ('procedural_video', ('--num-frames', 0), 'must be a whole number of at least 1|at least'),
    ],
)
def test_options_that_do_not_fit_end_with_one_line(generate, trained, name, option, message):
    with pytest.raises(SystemExit, match=message):
        generate(trained[name], '--seeds', '1', '--out', 'b', *option)
