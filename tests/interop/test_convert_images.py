"""Published checkpoints of images become ours."""

import argparse
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
from ddmi_toolkit.structures import Grid, PlaneLayout
from ddmi_toolkit.structures.coords import pixel_centers
from ddmi_toolkit.utils import load_checkpoint

TOLERANCE = 1e-4


def part(weights, prefix):
    return OrderedDict(
        (k.removeprefix(prefix), v.float()) for k, v in weights.items() if k.startswith(prefix)
    )


class Source:
    """Published files of images, made of the golden fixtures' weights."""

    def __init__(self, golden, folder):
        pictures, net = golden / 'image_vae', golden / 'ldm_unet'
        self.folder = folder
        self.meta = json.loads((pictures / 'meta.json').read_text(encoding='utf-8'))
        self.meta |= json.loads((net / 'meta.json').read_text(encoding='utf-8'))
        self.io = {k: torch.from_numpy(v) for k, v in np.load(pictures / 'io.npz').items()}
        weights = load_file(pictures / 'weights.safetensors')
        self.content = dict(
            step=200,
            current_iters=2580,
            args=argparse.Namespace(lr='1e-4'),
            sn=dict(sr_u=dict(), sr_v=dict()),
            model=part(weights, 'model.'),
            mlp=part(weights, 'mlp.'),
        )
        self.data = dict(domain='image', data_dir='/data/afhqv2/train/cat')
        sections = {k: self.meta[k] for k in ('ddconfig', 'mlpconfig')}
        self.params = dict(embed_dim=self.meta['embed_dim'], **sections)
        self.net = part(load_file(net / 'weights.safetensors'), 'diffusion.')

    def add_second_stage(self):
        """A denoiser of 8 channels: the fixture's with random first and last convolutions."""
        generator = torch.Generator().manual_seed(0)

        def noise(*shape):
            return torch.randn(shape, generator=generator)

        self.meta['unetconfig'] |= dict(in_channels=8, out_channels=8)
        self.params |= {k: self.meta[k] for k in ('unetconfig', 'ddpmconfig')}
        self.averaged = self.net | {
            'model.input_blocks.0.0.weight': noise(32, 8, 3, 3) / 10,
            'model.out.2.weight': noise(8, 32, 3, 3) / 10,
            'model.out.2.bias': noise(8),
            'mixing_logit': noise(1, 8, 1, 1),
        }
        online = {k: v + 0.01 * noise(*v.shape) for k, v in self.averaged.items()}
        ema = {f'ema_model.{k}': v for k, v in self.averaged.items()}
        ema |= dict(initted=torch.tensor([True]), step=torch.tensor([700]))
        self.content['vaemodel'] = self.content.pop('model')
        self.content |= dict(diffusion=OrderedDict(online), ema=OrderedDict(ema))
        return self

    def convert(self, **kwargs):
        settings = self.folder / 'afhq.yaml'
        content = dict(model=dict(params=self.params), data=self.data)
        settings.write_text(yaml.safe_dump(content), encoding='utf-8')
        torch.save(self.content, self.folder / 'model-last.pt')
        return convert(self.folder / 'model-last.pt', settings, self.folder / 'out', **kwargs)


@pytest.fixture
def source(golden_root, tmp_path):
    """Published files of the first stage, not written yet."""
    for name in ('image_vae', 'ldm_unet'):
        if not (golden_root / name).is_dir():
            pytest.skip(f'{golden_root / name} does not exist')
    return Source(golden_root, tmp_path)


def largest(ours, theirs):
    assert ours.shape == theirs.shape
    return (ours - theirs).abs().max().item()


@torch.no_grad()
def assert_golden_pictures(autoencoder, io):
    field = autoencoder.decode(autoencoder.encode(io['x']).mean)
    for n in (32, 48):
        axes = {a: pixel_centers(field.layout.axes[a], n).expand(2, -1) for a in 'yx'}
        picture = field(Grid(axes, field.layout), scale=torch.full((2,), 32 / n))
        assert largest(picture.movedim(-1, 1), io[f'rgb_{n}']) < TOLERANCE


@pytest.mark.parametrize(
    ('folder', 'leaf'),
    [('/data/CelebAMask-HQ', 'celebahq'), ('afhqv2/dog', 'afhqv2_dog'), ('x/cat', 'afhqv2_cat')],
)
def test_first_stage_gives_the_published_pictures(source, folder, leaf):
    """Through the written config and checkpoint alone, with the data sets of the same pictures."""
    source.data['data_dir'] = folder
    (stage,) = source.convert()
    cfg = load_config(stage.config)
    assert_golden_pictures(load_model(cfg, device='cpu'), source.io)
    base = {'celebahq': 'd2c_vae/celebahq_256.py'}.get(leaf, f'd2c_vae/{leaf}.py')
    assert cfg.train_dataloader == load_config(base).train_dataloader
    assert load_checkpoint(stage.checkpoint)['meta']['published_epoch'] == 200
    assert run_state(cfg)[0] == 'done'


def test_noise_weights_are_kept_and_never_used_in_evaluation(source):
    """A field is a function: the published noise per query is drawn in training mode alone."""
    source.content['mlp']['net_res2.conv3.noise.weight'] += 0.5
    (stage,) = source.convert()
    model = load_model(load_config(stage.config), device='cpu')
    noise = model.generator.evaluator.readout.mlp.blocks[1].noise
    assert noise.tolist() == [0, 0, 0.5]
    assert_golden_pictures(model, source.io)


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
    """The averaged denoiser over one plane, mixed prediction, and the first stage beside it."""
    first, second = source.add_second_stage().convert()
    assert second.weights == 'averaged (EMA after 700 steps)'
    inferencer = FieldInferencer(second.config, device='cpu')
    model, diffuser = inferencer.model, inferencer.model.diffuser
    z = torch.randn(2, 8, 64, generator=torch.Generator().manual_seed(1))
    theirs = published_samples(source, z)
    ours = diffuser.sampler(
        lambda z, t: diffuser.denoise(model.denoiser, z, t), diffuser.schedule, z
    )
    ours = model.denormalize(ours)
    assert largest(ours, theirs) < TOLERANCE * theirs.abs().max().item()
    assert_golden_pictures(inferencer.autoencoder, source.io)
    assert [f.out_channels for f in inferencer.sample([3])] == [3]
    assert [run_state(load_config(s.config))[0] for s in (first, second)] == ['done', 'done']


def test_a_file_without_domain_or_point_encoder_is_of_images(source):
    del source.data['domain']
    (stage,) = source.convert()
    assert_golden_pictures(load_model(load_config(stage.config), device='cpu'), source.io)


@pytest.mark.parametrize(
    ('harm', 'message'),
    [
        (lambda s: s.params['mlpconfig'].pop('latent_dim'), 'mlpconfig lacks latent_dim'),
        (lambda s: s.params['mlpconfig'].update(latent_dim=8), 'latent_dim=8 and ddconfig.out_ch'),
        (lambda s: s.params.pop('embed_dim'), "lacks 'embed_dim'"),
        (lambda s: s.params['unetconfig'].update(in_channels=6), 'embed_dim is 8 and unetconfig'),
        (lambda s: s.params['unetconfig'].update(image_size=16), 'latent resolution is 8 and unet'),
        (lambda s: s.params['mlpconfig'].update(ch=16), 'with these settings does not fit D2CVAE'),
        (lambda s: s.content['mlp'].pop('torgb.bias'), "lacks the weight 'mlp.torgb.bias'"),
        (lambda s: s.content['mlp'].update(x=torch.ones(1)), r"e.g. \['mlp.x'\]"),
        (lambda s: s.content.pop('vaemodel'), r"no published checkpoint of images: .*'vaemodel'"),
        (lambda s: s.content.update(pointnet={}), r"images: .* only shapes have a key 'pointnet'"),
    ],
)  # fmt: skip
def test_what_does_not_belong_together_is_named_and_nothing_is_written(source, harm, message):
    harm(source.add_second_stage())
    with pytest.raises(ValueError, match=message):
        source.convert()
    assert not (source.folder / 'out').exists()


def test_a_second_yaml_is_refused(source):
    with pytest.raises(ValueError, match=r'images, which have no conv_config; leave x.yaml out'):
        source.convert(conv_config='x.yaml')
