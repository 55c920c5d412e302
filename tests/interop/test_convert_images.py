"""Published checkpoints of images become ours."""

import argparse
from collections import OrderedDict

import pytest
import torch
from published_files import TOLERANCE, PublishedFiles, largest, part, sampled_as_published

from ddmi_toolkit.apis import load_model
from ddmi_toolkit.apis.config import load_config
from ddmi_toolkit.apis.training import run_state
from ddmi_toolkit.structures import Grid
from ddmi_toolkit.structures.coords import pixel_centers
from ddmi_toolkit.utils import load_checkpoint


class Source(PublishedFiles):
    """Published files of images, with what else they hold."""

    FIXTURES = 'image_vae', 'ldm_unet'

    def __init__(self, golden, folder):
        super().__init__(golden, folder)
        self.content = dict(
            step=200,
            current_iters=2580,
            args=argparse.Namespace(lr='1e-4'),
            sn=dict(sr_u=dict(), sr_v=dict()),
            model=part(self.weights, 'model.'),
            mlp=part(self.weights, 'mlp.'),
        )
        self.data = dict(domain='image', data_dir='/data/afhqv2/train/cat')
        self.params = {k: self.meta[k] for k in ('ddconfig', 'mlpconfig', 'embed_dim')}

    def add_second_stage(self):
        self.eight_channels(part(self.net_weights, 'diffusion.'), logit_dims=2)
        online = {k: v + 0.01 * self.noise(*v.shape) for k, v in self.averaged.items()}
        ema = {f'ema_model.{k}': v for k, v in self.averaged.items()}
        ema |= dict(initted=torch.tensor([True]), step=torch.tensor([700]))
        self.content['vaemodel'] = self.content.pop('model')
        self.content |= dict(diffusion=OrderedDict(online), ema=OrderedDict(ema))
        return self


@pytest.fixture
def source(golden_root, tmp_path):
    """Published files of the first stage, not written yet."""
    return Source(golden_root, tmp_path)


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


@torch.no_grad()
def test_second_stage_samples_as_published(source):
    """The averaged denoiser over one plane, mixed prediction, and the first stage beside it."""
    first, second = source.add_second_stage().convert()
    assert second.weights == 'averaged (EMA after 700 steps)'
    inferencer = sampled_as_published(source, second, num_tokens=64)
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
