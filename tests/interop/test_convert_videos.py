"""Published checkpoints of videos become ours."""

from collections import OrderedDict

import pytest
import torch
from published_files import TOLERANCE, PublishedFiles, largest, part, sampled_as_published

from ddmi_toolkit.apis import load_model
from ddmi_toolkit.apis.config import load_config
from ddmi_toolkit.apis.training import run_state


class Source(PublishedFiles):
    """Published files of videos."""

    FIXTURES = 'video_vae', 'ldm_unet_triplane'

    def __init__(self, golden, folder):
        super().__init__(golden, folder)
        parts = {k: part(self.weights, f'{k}.') for k in ('vaemodel', 'mlp')}
        self.content = dict(step=200, current_iters=2580, **parts)
        self.data = dict(domain='video', data_dir='/data/SKY', frames=self.meta['frames'])
        self.params = {k: self.meta[k] for k in ('ddconfig', 'mlpconfig', 'embed_dim')}

    def add_second_stage(self):
        self.meta['ddpmconfig'] = dict(timesteps=1000, sampling_timesteps=3, mixed_prediction=True)
        self.eight_channels(part(self.net_weights, ''), logit_dims=1)
        ema = {f'ema_model.{k}': v for k, v in self.averaged.items()} | dict(step=torch.tensor(7))
        self.content |= dict(diffusion=OrderedDict(self.averaged), ema=OrderedDict(ema))
        return self


@pytest.fixture
def source(golden_root, tmp_path):
    """Published files of the first stage, not written yet."""
    return Source(golden_root, tmp_path)


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


@torch.no_grad()
def test_second_stage_samples_as_published(source):
    """The denoiser over three planes, mixed prediction, and the first stage beside it."""
    first, second = source.add_second_stage().convert()
    inferencer = sampled_as_published(source, second, num_tokens=128)
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
