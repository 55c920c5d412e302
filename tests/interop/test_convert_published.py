"""Published checkpoints, with all that they hold besides weights, become ours."""

import argparse
import importlib.util
import json
import shutil
from collections import OrderedDict, UserDict
from functools import reduce
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file
from torch import nn

from ddmi_toolkit.apis import FieldInferencer, load_model
from ddmi_toolkit.apis.config import config_hash, load_config
from ddmi_toolkit.apis.training import run_state
from ddmi_toolkit.interop import shape_vae, unet
from ddmi_toolkit.interop.convert import convert
from ddmi_toolkit.registry import MODELS
from ddmi_toolkit.structures import PlaneLayout
from ddmi_toolkit.utils import load_checkpoint

TOLERANCE = 1e-4


class Foreign(UserDict):
    """Stands for configuration objects that published files hold."""


class Source:
    """Published files of shapes, made of the golden fixtures' weights."""

    def __init__(self, golden, folder):
        shapes, net = golden / 'shape_vae', golden / 'ldm_unet'
        self.folder = folder
        self.meta = json.loads((shapes / 'meta.json').read_text(encoding='utf-8'))
        self.meta |= json.loads((net / 'meta.json').read_text(encoding='utf-8'))
        self.io = {k: torch.from_numpy(v) for k, v in np.load(shapes / 'io.npz').items()}
        weights = {k: v.float() for k, v in load_file(shapes / 'weights.safetensors').items()}
        self.content = dict(
            step=12,
            current_iters=3456,
            args=argparse.Namespace(lr='1e-4', data=Foreign(domain='occupancy')),
            scaler=dict(scale=65536.0),
            **{p: part(weights, f'{p}.') for p in ('pointnet', 'vaemodel', 'mlp')},
        )
        self.yaml = dict(
            model=dict(embed_dim=8, lr='1e-4', params=dict(lossconfig=dict(epochs=300))),
            data=dict(domain='occupancy', conv_config='convocc/configs/planes.yaml'),
        )
        self.params = self.yaml['model']['params']
        self.params |= {k: self.meta[k] for k in ('ddconfig', 'mlpconfig')}
        points = self.meta['pointnet']
        kwargs = {
            k: points[k] for k in ('hidden_dim', 'plane_type', 'plane_resolution', 'n_blocks')
        }
        self.conv = dict(
            data=dict(classes=['03001627'], points_subsample=2048),
            model=dict(encoder='pointnet_local_pool', encoder_kwargs=kwargs, c_dim=points['c_dim']),
        )
        self.net_weights = load_file(net / 'weights.safetensors')

    def add_second_stage(self):
        """A denoiser of 24 channels: the fixture's with random first and last convolutions."""
        generator = torch.Generator().manual_seed(0)

        def noise(*shape):
            return torch.randn(shape, generator=generator)

        self.meta['unetconfig'] |= dict(in_channels=24, out_channels=24)
        self.meta['unetconfig'] |= dict(size1=8, size2=8, size3=8)  # published, and ignored
        self.meta['ddpmconfig'] |= dict(channels=24)
        self.params |= {k: self.meta[k] for k in ('unetconfig', 'ddpmconfig')}
        weights = {k: v.float() for k, v in part(self.net_weights, 'diffusion.').items()}
        weights |= {
            'model.input_blocks.0.0.weight': noise(32, 24, 3, 3) / 10,
            'model.out.2.weight': noise(24, 32, 3, 3) / 10,
            'model.out.2.bias': noise(24),
            'mixing_logit': noise(1, 24, 1, 1),
        }
        online = {k: v + 0.01 * noise(*v.shape) for k, v in weights.items()}
        alphas = np.load(self.folder / 'alphas.npy')
        buffers = dict(alphas_cumprod=torch.from_numpy(alphas), betas=torch.zeros(1000))
        ema = {f'ema_model.{k}': v for k, v in (weights | buffers).items()}
        ema |= {f'online_model.{k}': v for k, v in (online | buffers).items()}
        ema |= dict(initted=torch.tensor([True]), step=torch.tensor([700]))
        self.content['diffusion'] = OrderedDict(online | buffers)
        self.content['ema'] = OrderedDict(ema)
        self.averaged, self.online = weights, online
        return self

    def write(self):
        """Checkpoint and yaml as published: the second yaml is named from the root."""
        files = {'configs/shapenet.yaml': self.yaml, 'convocc/configs/planes.yaml': self.conv}
        for name, content in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(yaml.safe_dump(content), encoding='utf-8')
        torch.save(self.content, self.folder / 'model-last.pt')
        return self.folder / 'model-last.pt', self.folder / 'configs/shapenet.yaml'

    def convert(self, **kwargs):
        return convert(*self.write(), self.folder / 'out', **kwargs)


def part(weights, prefix):
    return OrderedDict(
        (k.removeprefix(prefix), v) for k, v in weights.items() if k.startswith(prefix)
    )


@pytest.fixture
def source(golden_root, tmp_path):
    """Published files of the first stage, not written yet."""
    for name in ('shape_vae', 'ldm_unet'):
        if not (golden_root / name).is_dir():
            pytest.skip(f'{golden_root / name} does not exist')
    np.save(tmp_path / 'alphas.npy', np.load(golden_root / 'ldm_unet/io.npz')['alphas_cumprod'])
    return Source(golden_root, tmp_path)


def largest(ours, theirs):
    assert ours.shape == theirs.shape
    return (ours - theirs).abs().max().item()


@torch.no_grad()
def assert_golden_logits(autoencoder, io):
    field = autoencoder.decode(autoencoder.encode(io['points']).mean)
    assert largest(field(io['queries'])[..., 0], io['logits']) < TOLERANCE


def test_first_stage_gives_the_published_logits(source):
    """Through the written config and checkpoint alone, from another folder than it was written."""
    (stage,) = source.convert()
    moved = source.folder / 'moved'
    stage.config.parent.rename(moved)
    cfg = load_config(moved / 'd2c_vae.py')
    assert_golden_logits(load_model(cfg, device='cpu'), source.io)
    assert cfg.train_dataloader.dataset.classes == ['03001627']
    meta = load_checkpoint(moved / 'd2c_vae/iter_3456.pth')['meta']
    assert meta['config_hash'] == config_hash(cfg)
    assert meta['published_epoch'] == 12
    assert run_state(cfg)[0] == 'done'


def published_samples(source, weights, z):
    """Implicit sampling by the published network, on planes stacked in the published order."""
    config = unet.published_config(source.meta)
    layout = PlaneLayout(**config['layout'])
    offers = dict(layout=layout, channels=config['channels'])
    net = MODELS.build(config['denoiser'], default_args=offers).eval()
    diffuser = MODELS.build(config['diffuser'], default_args=offers)
    state = unet.convert_state(weights, source.meta)
    nn.ModuleDict(dict(denoiser=net, diffuser=diffuser)).load_state_dict(state)
    out = diffuser.sampler(
        lambda z, t: diffuser.denoise(net, z, t), diffuser.schedule, z.flatten(2)
    )
    return out.unflatten(-1, z.shape[2:])


@torch.no_grad()
def test_second_stage_samples_as_published(source):
    """The averaged denoiser, on planes in our order, gives the published latents and logits."""
    first, second = source.add_second_stage().convert()
    assert second.weights == 'averaged (EMA after 700 steps)'
    inferencer = FieldInferencer(second.config, device='cpu')
    model, diffuser = inferencer.model, inferencer.model.diffuser
    z = torch.randn(2, 24, 8, 8, generator=torch.Generator().manual_seed(1))
    theirs = published_samples(source, source.averaged, z)
    out = diffuser.sampler(
        lambda z, t: diffuser.denoise(model.denoiser, z, t),
        diffuser.schedule,
        shape_vae.latent_from_published(z),
    )
    ours = shape_vae.latent_to_published(model.denormalize(out), (8, 8))
    scale = theirs.abs().max().item()
    assert largest(ours, theirs) < TOLERANCE * scale
    assert largest(ours, published_samples(source, source.online, z)) > 0.01 * scale
    assert_golden_logits(inferencer.autoencoder, source.io)
    assert [f.out_channels for f in inferencer.sample([3, 4])] == [1, 1]
    assert [run_state(load_config(s.config))[0] for s in (first, second)] == ['done', 'done']


@torch.no_grad()
def test_weights_of_the_last_iteration_on_demand(source):
    """``online=True``, a checkpoint without averages, and averages that were never updated."""
    source.add_second_stage()
    expected = source.online['model.out.2.bias']
    order = unet.stack_permutation(24, shape_vae.PLANES)

    def bias(**kwargs):
        stage = source.convert(**kwargs)[1]
        state = load_checkpoint(stage.checkpoint)['state_dict']
        shutil.rmtree(source.folder / 'out')
        return state['denoiser.denoiser.conv_out.module.bias'], stage.weights

    value, which = bias(online=True)
    assert torch.equal(value, expected[order])
    assert which == 'of the last iteration (as asked)'
    source.content['ema']['step'] = torch.tensor([0])
    value, which = bias()
    assert torch.equal(value, expected[order])
    assert 'never updated' in which
    del source.content['ema']
    assert bias()[1] == 'of the last iteration (no average)'


def test_prefixes_of_wrapped_modules_are_dropped(source):
    """Weights that were saved from a wrapper for several processes."""
    for name in ('pointnet', 'vaemodel', 'mlp'):
        state = source.content[name]
        source.content[name] = OrderedDict((f'module.{k}', v) for k, v in state.items())
    (stage,) = source.convert()
    assert_golden_logits(load_model(load_config(stage.config), device='cpu'), source.io)


def test_settings_may_be_those_of_a_fixture(source):
    """Sections at the top of the file, the point encoder among them; no class means all."""
    source.yaml = {k: source.meta[k] for k in ('ddconfig', 'mlpconfig', 'embed_dim', 'pointnet')}
    (stage,) = source.convert()
    cfg = load_config(stage.config)
    assert cfg.train_dataloader.dataset.classes is None
    assert_golden_logits(load_model(cfg, device='cpu'), source.io)


def _drop(*path, key):
    return lambda source: reduce(dict.__getitem__, path, source.yaml).pop(key)


def _set(section, **values):
    return lambda source: source.params[section].update(values)


@pytest.mark.parametrize(
    ('harm', 'message'),
    [
        (_drop('model', key='embed_dim'), r"yaml lacks 'embed_dim'; expected it at"),
        (_drop('model', 'params', 'ddconfig', key='ch_mult'), 'ddconfig lacks ch_mult'),
        (_drop('model', 'params', key='mlpconfig'), "lacks 'mlpconfig'"),
        (_drop('model', 'params', 'unetconfig', key='channel_mult'), 'lacks channel_mult'),
        (_drop('data', key='conv_config'), 'describes no point encoder: expected data.conv_config'),
        (lambda s: s.conv['model']['encoder_kwargs'].pop('n_blocks'), 'pointnet lacks n_blocks'),
        (lambda s: s.conv['data'].update(dim=6), 'points of 6 numbers are not supported yet'),
        (lambda s: s.conv['data'].update(classes=['02691156']), r'expected null \(13 classes\)'),
        (lambda s: s.yaml['data'].update(domain='nerf'), "domain='nerf' is not supported yet"),
        (_set('ddconfig', resolution=64), 'plane_resolution is 32 and ddconfig.resolution is 64'),
        (_set('unetconfig', in_channels=12), 'three times embed_dim is 24 and unetconfig.in_ch'),
        (_set('unetconfig', num_classes=13), 'unetconfig.num_classes=13 has no counterpart'),
        (_set('ddpmconfig', timesteps=500), r'the noise schedule of the checkpoint'),
        (_set('ddconfig', out_ch=8), r'model-last.pt with these settings does not fit D2CVAE'),
        (lambda s: s.content['mlp'].pop('net_p.weight'), 'lacks the weight'),
        (lambda s: s.content['vaemodel'].update(x=torch.ones(1)), r"e.g. \['vaemodel.x'\]"),
        (lambda s: s.content.update(mlp=Foreign()), "'mlp' of the checkpoint is no state dict"),
        (lambda s: s.content.pop('pointnet'), r"expected the keys \['pointnet', 'vaemodel', 'mlp'"),
    ],
)  # fmt: skip
def test_what_does_not_belong_together_is_named_and_nothing_is_written(source, harm, message):
    """Every error is a ValueError that names the setting or weight."""
    harm(source.add_second_stage())
    with pytest.raises(ValueError, match=message):
        source.convert()
    assert not (source.folder / 'out').exists()


def test_missing_files_are_named(source):
    """The checkpoint, the yaml, and the second yaml, for which there is an option."""
    checkpoint, settings = source.write()
    out = source.folder / 'out'
    with pytest.raises(FileNotFoundError, match=r'absent.pt does not exist'):
        convert('absent.pt', settings, out)
    with pytest.raises(FileNotFoundError, match=r'absent.yaml does not exist'):
        convert(checkpoint, 'absent.yaml', out)
    conv = source.folder / 'elsewhere.yaml'
    (source.folder / 'convocc/configs/planes.yaml').rename(conv)
    with pytest.raises(FileNotFoundError, match='name the file by --conv-config FILE'):
        convert(checkpoint, settings, out)
    assert len(convert(checkpoint, settings, out, conv)) == 1
    with pytest.raises(FileExistsError, match='is not empty; name a new folder'):
        convert(checkpoint, settings, out, conv)


def test_the_tool_reports_what_it_wrote_or_why_not(source, capsys):
    """Exit status 0 and one line per stage; 1 and one line of error."""
    path = Path(__file__).parents[2] / 'tools/convert_published.py'
    spec = importlib.util.spec_from_file_location('tool', path)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    checkpoint, settings = map(str, source.write())
    out = source.folder / 'out'
    assert tool.main([checkpoint, settings, str(out)]) == 0
    line = f'{out}/d2c_vae.py: weights as trained, {out}/d2c_vae/iter_3456.pth\n'
    assert capsys.readouterr().out == line
    assert tool.main([checkpoint, settings, str(out)]) == 1
    assert capsys.readouterr().err == f'{out} exists and is not empty; name a new folder\n'
