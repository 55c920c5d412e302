"""Published checkpoints of videos become ours."""

import json
from collections import OrderedDict

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file

from ddmi_toolkit.apis.config import load_config
from ddmi_toolkit.apis.inference import FieldInferencer, load_model
from ddmi_toolkit.apis.training import run_state
from ddmi_toolkit.interop import unet
from ddmi_toolkit.interop.convert import convert
from ddmi_toolkit.registry import MODELS
from ddmi_toolkit.structures import PlaneLayout

TOLERANCE = 1e-4


def part(weights, prefix):
    return OrderedDict(
        (k.removeprefix(prefix), v.float()) for k, v in weights.items() if k.startswith(prefix)
    )


class Source:
    """Published files of videos, made of the golden fixtures' weights."""

    def __init__(self, golden, folder):
        clips, net = golden / 'video_vae', golden / 'ldm_unet_triplane'
        self.folder = folder
        self.meta = json.loads((clips / 'meta.json').read_text(encoding='utf-8'))
        self.meta |= json.loads((net / 'meta.json').read_text(encoding='utf-8'))
        self.io = {k: torch.from_numpy(v) for k, v in np.load(clips / 'io.npz').items()}
        weights = load_file(clips / 'weights.safetensors')
        parts = {k: part(weights, f'{k}.') for k in ('vaemodel', 'mlp')}
        self.content = dict(step=200, current_iters=2580, **parts)
        self.data = dict(domain='video', data_dir='/data/SKY', frames=self.meta['frames'])
        self.params = {k: self.meta[k] for k in ('ddconfig', 'mlpconfig', 'embed_dim')}
        self.net = part(load_file(net / 'weights.safetensors'), '')

    def add_second_stage(self):
        """A denoiser of 8 channels: the fixture's with random first and last convolutions."""
        generator = torch.Generator().manual_seed(0)

        def noise(*shape):
            return torch.randn(shape, generator=generator)

        self.meta['unetconfig'] |= dict(in_channels=8, out_channels=8)
        self.meta['ddpmconfig'] = dict(timesteps=1000, sampling_timesteps=3, mixed_prediction=True)
        self.params |= {k: self.meta[k] for k in ('unetconfig', 'ddpmconfig')}
        self.averaged = self.net | {
            'model.input_blocks.0.0.weight': noise(32, 8, 3, 3) / 10,
            'model.out.2.weight': noise(8, 32, 3, 3) / 10,
            'model.out.2.bias': noise(8),
            'mixing_logit': noise(1, 8, 1),
        }
        ema = {f'ema_model.{k}': v for k, v in self.averaged.items()} | dict(step=torch.tensor(7))
        self.content |= dict(diffusion=OrderedDict(self.averaged), ema=OrderedDict(ema))
        return self

    def convert(self, **kwargs):
        settings = self.folder / 'skytimelapse.yaml'
        content = dict(model=dict(params=self.params), data=self.data)
        settings.write_text(yaml.safe_dump(content), encoding='utf-8')
        torch.save(self.content, self.folder / 'model-last.pt')
        return convert(self.folder / 'model-last.pt', settings, self.folder / 'out', **kwargs)


@pytest.fixture
def source(golden_root, tmp_path):
    """Published files of the first stage, not written yet."""
    for name in ('video_vae', 'ldm_unet_triplane'):
        if not (golden_root / name).is_dir():
            pytest.skip(f'{golden_root / name} does not exist')
    return Source(golden_root, tmp_path)


def largest(ours, theirs):
    assert ours.shape == theirs.shape
    return (ours - theirs).abs().max().item()


@torch.no_grad()
def assert_golden_clips(autoencoder, io):
    field = autoencoder.decode(autoencoder.encode(io['video']).mean)
    clip = field.render(io['rgb'].shape[2:])
    assert largest(clip.movedim(-1, 1), io['rgb']) < TOLERANCE


@pytest.mark.parametrize('is_named', [True, False])
def test_first_stage_gives_the_published_clips(source, is_named):
    """Through the written config and checkpoint alone, whether the file names its domain or not."""
    if not is_named:
        del source.data['domain']
    (stage,) = source.convert()
    cfg = load_config(stage.config)
    assert_golden_clips(load_model(cfg, device='cpu'), source.io)
    leaf = load_config('d2c_vae/skytimelapse_256.py')
    assert cfg.train_dataloader == leaf.train_dataloader
    assert run_state(cfg)[0] == 'done'


def published_samples(source, z):
    config = unet.published_config(source.meta)
    layout = PlaneLayout(**config['layout'])
    offers = dict(layout=layout, channels=config['channels'])
    net = MODELS.build(config['denoiser'], default_args=offers).eval()
    diffuser = MODELS.build(config['diffuser'], default_args=offers)
    state = unet.convert_state(source.averaged, source.meta)
    torch.nn.ModuleDict(dict(denoiser=net, diffuser=diffuser)).load_state_dict(state)
    return diffuser.sampler(lambda z, t: diffuser.denoise(net, z, t), diffuser.schedule, z)


@torch.no_grad()
def test_second_stage_samples_as_published(source):
    """The denoiser over three planes, mixed prediction, and the first stage beside it."""
    first, second = source.add_second_stage().convert()
    inferencer = FieldInferencer(second.config, device='cpu')
    model, diffuser = inferencer.model, inferencer.model.diffuser
    z = torch.randn(2, 8, 128, generator=torch.Generator().manual_seed(1))
    theirs = published_samples(source, z)
    ours = diffuser.sampler(
        lambda z, t: diffuser.denoise(model.denoiser, z, t), diffuser.schedule, z
    )
    ours = model.denormalize(ours)
    assert largest(ours, theirs) < TOLERANCE * theirs.abs().max().item()
    assert_golden_clips(inferencer.autoencoder, source.io)
    assert [f.out_channels for f in inferencer.sample([3])] == [3]
    assert [run_state(load_config(s.config))[0] for s in (first, second)] == ['done', 'done']


@pytest.mark.parametrize(
    ('harm', 'message'),
    [
        (lambda s: s.params['ddconfig'].pop('patch_size'), 'ddconfig lacks patch_size'),
        (lambda s: s.params['unetconfig'].pop('size3'), 'unetconfig lacks size3'),
        (lambda s: s.params['unetconfig'].update(size2=4), 'latent resolution is 8 and unetconfig'),
        (lambda s: s.params['unetconfig'].update(size3=8), 'number of frames is 4 and unetconfig'),
        (lambda s: s.data.update(frames=8), 'number of frames is 8 and unetconfig.size3 is 4'),
        (lambda s: s.content['vaemodel'].pop('xt_token'), "lacks the weight 'vaemodel.xt_token'"),
        (lambda s: s.content['mlp'].update(x=torch.ones(1)), r"e.g. \['mlp.x'\]"),
        (lambda s: s.content.pop('vaemodel'), r"no published checkpoint of videos: .*'vaemodel'"),
    ],
)  # fmt: skip
def test_what_does_not_belong_together_is_named_and_nothing_is_written(source, harm, message):
    harm(source.add_second_stage())
    with pytest.raises(ValueError, match=message):
        source.convert()
    assert not (source.folder / 'out').exists()


def test_frames_that_the_weights_deny_are_named(source):
    """Without a second stage, the positions of the pooling say how many frames there are."""
    source.data['frames'] = 8
    with pytest.raises(ValueError, match=r'(?s)encoder.pools.xy.positions.*\(1, 5, 32\)'):
        source.convert()


def test_a_second_yaml_is_refused(source):
    with pytest.raises(ValueError, match=r'videos, which have no conv_config; leave x.yaml out'):
        source.convert(conv_config='x.yaml')
