"""The check passes on what published models computed, and on nothing else."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from ddmi_toolkit.interop import kinds, video_vae
from ddmi_toolkit.interop.check import check_all, check_folder

ROOT = Path(__file__).parents[2]


class Fixture:
    """A writable copy of a fixture folder, under a name that says nothing."""

    def __init__(self, source, folder):
        self.folder = folder
        folder.mkdir()
        self.meta = json.loads((source / 'meta.json').read_text(encoding='utf-8'))
        self.arrays = dict(np.load(source / 'io.npz'))
        weights = source / 'weights.safetensors'
        self.weights = load_file(weights) if weights.is_file() else {}

    def write(self):
        (self.folder / 'meta.json').write_text(json.dumps(self.meta), encoding='utf-8')
        np.savez(self.folder / 'io.npz', **self.arrays)
        if self.weights:
            save_file(self.weights, self.folder / 'weights.safetensors')
        return self.folder

    def failures(self):
        return {c.array for c in check_folder(self.write())[1] if not c.passed}


@pytest.fixture
def copy(golden_root, tmp_path):
    """Makes writable copies of the golden folders."""

    def make(name):
        if not (golden_root / name).is_dir():
            pytest.skip(f'{golden_root / name} does not exist')
        return Fixture(golden_root / name, tmp_path / f'fixture{len(list(tmp_path.iterdir()))}')

    return make


@pytest.fixture(scope='module')
def tool():
    """The command line."""
    spec = importlib.util.spec_from_file_location('tool', ROOT / 'tools/check_published.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ('name', 'kind', 'num_arrays'),
    [
        ('image_vae', 'image autoencoder', 8),
        ('shape_vae', 'shape autoencoder', 19),
        ('video_vae', 'video autoencoder', 15),
        ('ldm_unet', '2-D U-Net with diffusion', 9),
        ('ldm_unet_triplane', 'tri-plane U-Net', 1),
        ('pointcloud_metrics', 'point cloud metrics', 10),
    ],
)
def test_published_fixtures_pass(copy, name, kind, num_arrays):
    """Every array is compared and within the tolerance, whatever the folder is called."""
    found, comparisons = check_folder(copy(name).write())
    assert found == kind
    assert len(comparisons) == num_arrays
    assert all(c.passed for c in comparisons)


def test_sizes_come_from_the_settings(copy):
    """Shapes on finer planes, with another padding, fewer blocks and another number of points."""
    fixture = copy('shape_vae')
    meta, rng = fixture.meta, np.random.default_rng(0)
    meta['ddconfig'] |= dict(
        resolution=64, hdbf_resolutions=[32, 16], inter_attn_resolutions=[64, 32, 16]
    )
    meta['pointnet'] |= dict(plane_resolution=64, n_blocks=2, padding=0.2)
    fixture.weights = {
        k: v for k, v in fixture.weights.items() if not k.startswith('pointnet.blocks.2.')
    }
    points = rng.uniform(-0.5, 0.5, (1, 70, 3)).astype(np.float32)
    queries = rng.uniform(-0.6, 0.6, (1, 30, 3)).astype(np.float32)
    inputs = dict(points=torch.from_numpy(points), queries=torch.from_numpy(queries))
    weights = {k: v.float() for k, v in fixture.weights.items()}
    with torch.no_grad():
        ours = kinds.SHAPE_VAE.compute(meta, weights, inputs)
    fixture.arrays = {k: v.numpy() for k, v in (inputs | ours).items()}
    assert fixture.arrays['hdbf_xz_2'].shape == (1, 16, 64, 64)
    assert not fixture.failures()
    meta['pointnet']['padding'] = 0.1
    assert 'logits' in fixture.failures()


def test_channels_and_steps_come_from_the_settings(copy):
    """A denoiser of channels that three planes do not divide, on a larger latent."""
    fixture = copy('ldm_unet')
    generator = torch.Generator().manual_seed(0)

    def noise(*shape):
        return torch.randn(shape, generator=generator)

    fixture.weights |= {
        'diffusion.model.input_blocks.0.0.weight': noise(32, 4, 3, 3),
        'diffusion.model.out.2.weight': noise(4, 32, 3, 3),
        'diffusion.model.out.2.bias': noise(4),
        'diffusion.mixing_logit': noise(1, 4, 1, 1),
    }
    fixture.meta['unetconfig'] |= dict(in_channels=4, out_channels=4, image_size=16)
    # Published settings of shapes name these as well; the 2-D network ignores them.
    fixture.meta['unetconfig'] |= dict(size1=16, size2=16, size3=16)
    fixture.meta['ddpmconfig'] |= dict(channels=4, image_size=16, sampling_timesteps=3)
    inputs = {k: noise(2, 4, 16, 16) for k in ('z0', 'eps', 'zT')} | dict(t=torch.tensor([5, 900]))
    weights = {k: v.float() for k, v in fixture.weights.items()}
    with torch.no_grad():
        ours = kinds.PLANE_UNET.compute(fixture.meta, weights, inputs)
    fixture.arrays = {k: v.numpy() for k, v in (inputs | ours).items()}
    assert not fixture.failures()
    fixture.meta['ddpmconfig']['sampling_timesteps'] = 4
    assert fixture.failures() == {'ddim'}


@pytest.mark.parametrize(
    'key', ['vaemodel.decoder.up.0.block.1.conv2.weight', 'mlp.net_res2.fc_0.bias']
)
def test_a_flipped_sign_fails(copy, key):
    """One tensor of 414 with its sign flipped is past the tolerance in the logits."""
    fixture = copy('shape_vae')
    fixture.weights[key] = -fixture.weights[key]
    assert 'logits' in fixture.failures()


@pytest.mark.parametrize(
    ('key', 'failing'),
    [
        ('mlp.torgb.bias', {'rgb_32', 'rgb_48'}),
        ('mlp.time_mlp.1.weight', {'rgb_32', 'rgb_48'}),
        ('mlp.net_res3.conv1.conv.modulation.weight', {'rgb_32', 'rgb_48'}),
        ('model.decoder.up.1.hdbf.0.bias', {'hdbf_1', 'rgb_32', 'rgb_48'}),
    ],
)
def test_a_flipped_sign_in_a_picture_fails(copy, key, failing):
    """In the arrays that depend on the tensor, and in no other."""
    fixture = copy('image_vae')
    fixture.weights[key] = -fixture.weights[key]
    assert fixture.failures() == failing


def test_swapped_planes_fail(copy):
    """Convolutions of two planes exchanged in the weights: those planes are past the tolerance."""
    fixture = copy('shape_vae')
    for name in ('weight', 'bias'):
        one, two = (f'vaemodel.quant_conv_{p}.{name}' for p in ('yz', 'xz'))
        weights = fixture.weights
        weights[one], weights[two] = weights[two], weights[one]
    failures = fixture.failures()
    assert {'mean_yz', 'mean_xz', 'logits'} <= failures
    assert not {'mean_xy', 'feat_yz'} & failures


def test_swapped_channels_of_the_stack_fail(copy):
    """The network on three planes notices planes in another order of its channels."""
    fixture = copy('ldm_unet')
    key = 'diffusion.model.input_blocks.0.0.weight'
    fixture.weights[key] = fixture.weights[key][:, [0, 1, 4, 5, 2, 3]].contiguous()
    assert {'raw', 'raw[xy|yz|xz]', 'ddim', 'loss'} <= fixture.failures()


def test_values_that_are_off_or_not_a_number_fail(copy):
    """The tolerance is absolute, and NaN is an error."""
    fixture = copy('pointcloud_metrics')
    fixture.meta['expected']['1nna_cd'] += 2e-4
    fixture.meta['expected']['lgan_mmd_emd'] += 5e-5
    fixture.arrays['cd_ref_gen'][3, 4] = np.nan
    assert fixture.failures() == {'1nna_cd', 'cd_ref_gen'}


def _without(name):
    return lambda f: (f.write() / name).unlink()


def _cut(f):
    path = f.write() / 'weights.safetensors'
    path.write_bytes(path.read_bytes()[:200])


def _garbage(name):
    return lambda f: (f.write() / name).write_bytes(b'\xff{')


def _edit(edit):
    return lambda f: (edit(f), f.write())


@pytest.mark.parametrize(
    ('name', 'harm', 'message'),
    [
        ('shape_vae', _without('meta.json'), r"meta.json is missing, found \['io.npz', 'weights"),
        ('shape_vae', _without('io.npz'), 'io.npz is missing, found'),
        ('shape_vae', _without('weights.safetensors'), 'weights.safetensors is missing, found'),
        ('shape_vae', _cut, 'weights.safetensors cannot be read'),
        ('shape_vae', _garbage('io.npz'), 'io.npz cannot be read'),
        ('shape_vae', _garbage('meta.json'), 'meta.json is no JSON'),
        ('shape_vae', _edit(lambda f: f.arrays.pop('points')), r"missing \['points'\]"),
        ('shape_vae', _edit(lambda f: f.arrays.pop('hdbf_xz_1')), r"missing \['hdbf_xz_1'\]"),
        ('shape_vae', _edit(lambda f: f.arrays.update(kl=np.ones(2))), r"unknown \['kl'\]"),
        ('shape_vae', _edit(lambda f: f.meta.pop('embed_dim')), "lacks 'embed_dim'"),
        ('shape_vae', _edit(lambda f: f.weights.pop('mlp.net_out.bias')), 'head.linear.bias'),
        ('shape_vae', _edit(lambda f: f.meta.pop('ddconfig')), 'unknown kind of fixture'),
        ('image_vae', _edit(lambda f: f.arrays.pop('x')), r"needs the inputs \['x'\]"),
        ('shape_vae', _edit(lambda f: f.arrays.pop('queries')), 'yet: radiance field autoencoder'),
        ('video_vae', _edit(lambda f: f.arrays.pop('video')), r"needs the inputs \['video'\]"),
        ('video_vae', _edit(lambda f: f.meta['ddconfig'].update(patch_size=4)), 'patch_size=8, or'),
    ],
)  # fmt: skip
def test_a_folder_that_cannot_be_checked_is_one_line(copy, name, harm, message):
    """The line names the folder, what was found and what is expected."""
    fixture = copy(name)
    harm(fixture)
    with pytest.raises(ValueError, match=message) as error:
        check_folder(fixture.folder)
    text = str(error.value)
    assert text.startswith(f'{fixture.folder}: ')
    assert '\n' not in text


def test_the_tool_goes_on_after_a_bad_folder(copy, tool, tmp_path, capsys):
    """Exit status 1 for one bad folder among good ones; 0 when all are good."""
    good = copy('pointcloud_metrics').write()
    assert tool.main([str(good)]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0] == f'{good}: point cloud metrics'
    assert 'emd_ref_gen' in out
    assert 'tolerance 1e-04  ok' in out
    assert tool.main([str(tmp_path / 'absent'), str(good)]) == 1
    out = capsys.readouterr().out
    assert out.splitlines()[0].endswith('absent: meta.json is missing, found no such folder')
    assert 'point cloud metrics' in out
    wrong = copy('pointcloud_metrics')
    wrong.arrays['emd_ref_gen'] *= 1.01
    assert tool.main([str(wrong.write())]) == 1
    assert 'FAIL' in capsys.readouterr().out


def test_arrays_of_another_shape_fail(copy):
    """Arrays of another shape are an infinite error that names both shapes."""
    fixture = copy('pointcloud_metrics')
    fixture.arrays['cd_ref_gen'] = fixture.arrays['cd_ref_gen'].T
    bad = [line for line, good in check_all([fixture.write()]) if not good]
    assert len(bad) == 1
    assert 'cd_ref_gen (12, 16) for (16, 12)' in bad[0]


@pytest.mark.parametrize(
    ('key', 'failing'),
    [
        ('mlp.net_out.bias', {'rgb'}),
        ('vaemodel.decoder.up.1.hdbf.0.weight', {'hdbf_xy_1', 'hdbf_xt_1', 'hdbf_yt_1', 'rgb'}),
    ],
)
def test_a_flipped_sign_in_a_clip_fails(copy, key, failing):
    """In the arrays that depend on the tensor, and in no other."""
    fixture = copy('video_vae')
    fixture.weights[key] = -fixture.weights[key]
    assert fixture.failures() == failing


def test_clips_with_true_rotations_or_straight_lookups_fail(copy, monkeypatch):
    """What the published code does oddly is part of what its weights compute."""
    fixture = copy('video_vae')
    published = video_vae.published_config
    monkeypatch.setattr(
        video_vae,
        'published_config',
        lambda meta: (c := published(meta)) | dict(layout=c['layout'] | dict(transposed=[])),
    )
    assert fixture.failures() == {'rgb'}
    monkeypatch.undo()
    convert = video_vae.convert_state

    def with_true_rotations(weights, meta):
        state = convert(weights, meta)
        frames = state['encoder.frames.frequencies']
        pairs = frames[: len(frames) // 2].repeat_interleave(2)
        return state | {'encoder.frames.frequencies': pairs}

    monkeypatch.setattr(video_vae, 'convert_state', with_true_rotations)
    assert {'mean_xy', 'mean_xt', 'rgb'} <= fixture.failures()
