"""The command that completes what is given, on tiny models with random weights."""

import runpy
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image
from shrink import shrink

from ddmi_toolkit.apis import layout_of, load_config, make_observer, observe_file
from ddmi_toolkit.registry import MODELS

ROOT = Path(__file__).parents[2]
MODELS_USED = ('ddmi/procedural_image', 'ddmi/procedural_chair', 'ddmi/procedural_video')


@pytest.fixture(scope='module')
def models(tmp_path_factory):
    """Config file and checkpoint of pictures, shapes and clips."""
    found = {}
    for name in MODELS_USED:
        folder = tmp_path_factory.mktemp('model')
        cfg = shrink(f'{name}.py', folder)
        cfg.dump(folder / 'config.py')
        torch.manual_seed(0)
        model = MODELS.build({**cfg.model})
        torch.save(dict(state_dict=model.state_dict(), meta={}), folder / 'model.pth')
        found[name.partition('_')[2]] = [str(folder / 'config.py'), str(folder / 'model.pth')]
    return found


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    """Runs the command in this process and returns what it prints."""

    def command(*arguments):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr('sys.argv', ['complete.py', *map(str, arguments), '--out', 'out'])
        runpy.run_path(str(ROOT / 'tools/complete.py'), run_name='__main__')
        return capsys.readouterr().out

    return command


def save_picture(path, size, seed=0, mode='RGB'):
    shape = (*size, len(mode)) if len(mode) > 1 else size
    values = np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)
    Image.fromarray(values).save(path)
    return values


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def test_a_masked_picture(run, models, tmp_path):
    """As many answers as asked for, of the size asked for; the mask says what is known."""
    save_picture(tmp_path / 'a.png', (16, 16))
    mask = np.zeros((16, 16), np.uint8)
    mask[:, 12:] = 255
    Image.fromarray(mask).save(tmp_path / 'mask.png')
    out = run(
        *models['image'], 'a.png', '--mask', 'mask.png', '--num', 2, '--num-steps', 2, '--size', 24
    )
    assert 'a.png: 75 % of 16x16 pixels known' in out
    assert names(tmp_path / 'out') == [
        'contact_sheet.png',
        'seed_000000.png',
        'seed_000000.safetensors',
        'seed_000001.png',
        'seed_000001.safetensors',
    ]
    with Image.open(tmp_path / 'out/seed_000001.png') as image:
        assert image.size == (24, 24)


def test_a_small_picture_is_enlarged(run, models, tmp_path):
    save_picture(tmp_path / 'a.png', (4, 4))
    run(*models['image'], 'a.png', '--scale', 5, '--num', 1, '--num-steps', 1)
    with Image.open(tmp_path / 'out/seed_000000.png') as image:
        assert image.size == (20, 20)


def test_inversion_writes_one_field(run, models, tmp_path):
    save_picture(tmp_path / 'a.png', (16, 16))
    out = run(*models['image'], 'a.png', '--invert', '--num-steps', 3)
    assert 'nats before' in out
    assert names(tmp_path / 'out') == [
        'contact_sheet.png',
        'inverted.png',
        'inverted.safetensors',
    ]


def test_frames_of_a_clip(run, models, tmp_path):
    (tmp_path / 'frames').mkdir()
    for i in range(2):
        save_picture(tmp_path / f'frames/{i}.png', (16, 16), i)
    out = run(*models['video'], 'frames', '--num', 1, '--num-steps', 1, '--format', 'frames')
    assert 'frames: 2 frames, taken for frames 0, 3 of 4' in out
    assert len(names(tmp_path / 'out/seed_000000')) == 4


def test_a_partial_cloud(run, models, tmp_path):
    points = np.random.default_rng(0).uniform(-0.4, 0.4, (40, 3))
    normals = np.random.default_rng(1).normal(size=(40, 3))
    trimesh.PointCloud(points).export(tmp_path / 'bare.ply')
    np.savez(tmp_path / 'full.npz', points=points, normals=normals)
    common = ['--num', 1, '--num-steps', 1, '--num-points', 30, '--resolution', 16]
    assert '30 of 40 points without normals' in run(*models['chair'], 'bare.ply', *common)
    assert '30 of 40 points with normals' in run(*models['chair'], 'full.npz', *common)
    assert 'seed_000000.safetensors' in names(tmp_path / 'out')


def observe(models, kind, path, **options):
    cfg = load_config(models[kind][0])
    channels = 1 if kind == 'chair' else 3
    return observe_file(make_observer(layout_of(cfg), options, channels), path)[0]


def test_a_large_picture_is_averaged_over_what_is_known(models, tmp_path):
    """A hidden pixel has no share in the mean of its cell."""
    values = save_picture(tmp_path / 'a.png', (32, 32), mode='RGBA')
    alpha = np.full((32, 32), 255, np.uint8)
    alpha[0, 0] = 0
    alpha[2:4, 0:2] = 0
    values[..., 3] = alpha
    Image.fromarray(values).save(tmp_path / 'a.png')
    found = observe(models, 'image', tmp_path / 'a.png')
    assert len(found) == 255  # one cell has no known pixel
    known = torch.from_numpy(values[..., :3] / 127.5 - 1).float()
    expected = (known[0, 1] + known[1, 0] + known[1, 1]) / 3
    torch.testing.assert_close(found.values[0], expected)


def test_normals_of_a_ply_are_read(models, tmp_path):
    """Those of a cloud, which lie in its vertices, and those of a mesh, which follow from it."""
    header = ['ply', 'format ascii 1.0', 'element vertex 1']
    header += [f'property float {n}' for n in ('x', 'y', 'z', 'nx', 'ny', 'nz')] + ['end_header']
    (tmp_path / 'a.ply').write_text('\n'.join([*header, '0.1 0 0 0 0 2']) + '\n')
    found = observe(models, 'chair', tmp_path / 'a.ply')
    assert found.values[:, 0].tolist() == [0.5, 1.0, 0.0]
    assert (found.coords[:, 2] * 1e3).sign().tolist() == [0, -1, 1]
    trimesh.creation.box((0.2, 0.2, 0.2)).export(tmp_path / 'box.ply')
    assert len(observe(models, 'chair', tmp_path / 'box.ply')) == 24


@pytest.mark.parametrize(
    ('kind', 'arguments', 'message'),
    [
        ('image', ['none.png'], 'none.png does not exist; give a file to complete'),
        ('image', ['cloud.npz'], 'is no file that can be completed by this model'),
        ('image', ['a.png', '--mask', 'small.png'], 'small.png has 4x4 pixels, a.png has 16x16'),
        ('image', ['a.png', '--mask', 'white.png'], 'nothing is observed'),
        ('image', ['a.png', '--mask', 'none.png'], 'none.png does not exist; give a picture'),
        ('image', ['a.png', '--scale', '0'], 'scale=0.0 must be a positive enlargement'),
        ('image', ['a.png', '--times', '1'], 'times does not apply to a picture'),
        ('image', ['a.png', '--noise', '0'], 'noise=0.0 must be a positive standard deviation'),
        ('chair', ['far.npz'], "2 of 2 places leave the field: 'x' goes from"),
        ('chair', ['bad.npz'], 'bad.npz: cannot be read as a point cloud'),
        ('chair', ['cloud.npz', '--viewpoint', '1'], 'viewpoint=[1.0] must be 3 coordinates'),
        ('chair', ['cloud.npz', '--noise', '1'], 'noise=1.0 does not apply to occupancies'),
        ('video', ['frames', '--times', '0'], '1 times for 2 frames; give one each'),
        ('video', ['frames', '--times', '0', '9'], 'must be frames of the field, from 0 to 3'),
    ],
)
def test_mistakes_are_named(run, models, tmp_path, kind, arguments, message):
    save_picture(tmp_path / 'a.png', (16, 16))
    save_picture(tmp_path / 'small.png', (4, 4))
    Image.new('L', (16, 16), 255).save(tmp_path / 'white.png')
    (tmp_path / 'frames').mkdir()
    for i in range(2):
        save_picture(tmp_path / f'frames/{i}.png', (16, 16), i)
    np.savez(tmp_path / 'cloud.npz', points=np.zeros((2, 3)))
    np.savez(tmp_path / 'far.npz', points=np.full((2, 3), 5.0))
    (tmp_path / 'bad.npz').write_bytes(b'PK nothing')
    with pytest.raises(SystemExit) as error:
        run(*models[kind], *arguments, '--num-steps', 1)
    assert message in str(error.value)
