"""Published video autoencoders under our names."""

import copy

import pytest
import torch
from torch import nn

from ddmi_toolkit.interop import unet
from ddmi_toolkit.interop.video_vae import published_config
from ddmi_toolkit.models.losses import SpectralRegularizer
from ddmi_toolkit.registry import MODELS
from ddmi_toolkit.structures import PlaneLayout

SKY = dict(
    ddconfig=dict(
        double_z=True,
        timesformer_channels=384,
        patch_size=8,
        resolution=256,
        z_channels=64,
        in_channels=3,
        out_ch=64,
        ch=64,
        ch_mult=[1, 2, 4, 8],
        num_res_blocks=2,
        attn_resolutions=[],
        attn_type='vanilla-multihead',
        hdbf_resolutions=[128, 64],
        inter_attn_resolutions=[32, 64, 128, 256],
    ),
    embed_dim=64,
    mlpconfig=dict(in_ch=2, out_ch=3, ch=256, latent_dim=64),
)
UNET = dict(
    size1=32,
    size2=32,
    size3=16,
    in_channels=64,
    out_channels=64,
    model_channels=256,
    attention_resolutions=[2, 4, 8],
    num_res_blocks=2,
    channel_mult=[1, 2, 4, 6],
    num_head_channels=64,
)


def built(config, *names, **offers):
    layout = PlaneLayout(**config['layout'])
    with torch.device('meta'):
        return [MODELS.build(config[k], default_args=dict(offers, layout=layout)) for k in names]


def autoencoder(meta=SKY):
    config = published_config(meta)
    channels = config['latent_channels']
    return built(config, 'encoder', 'generator', in_channels=channels, out_channels=channels)


def count(*modules):
    return sum(p.numel() for m in modules for p in m.parameters())


def test_parameters_number_as_published():
    """Of the sky model: each part of the encoder, the decoder, its exchange, the read-out."""
    encoder, generator = autoencoder()
    decoder = generator.decoder
    assert count(encoder.embed, encoder.blocks) == pytest.approx(26.865e6, abs=500)
    assert sum(count(p.blocks) for p in encoder.pools.values()) == pytest.approx(8.291e6, abs=500)
    assert count(decoder) - count(decoder.post_quant) == pytest.approx(53.285e6, abs=500)
    mixes = [decoder.mid_mix, *(level['mix'] for level in decoder.levels.values())]
    assert count(*mixes) == pytest.approx(19.57e6, abs=5000)
    assert count(encoder, decoder) == pytest.approx(88.634e6, abs=500)
    assert count(generator.evaluator) == pytest.approx(0.859e6, abs=500)


def test_regularized_layers_number_as_published():
    """48 convolutions and 35 norms, of the exchange the norms only."""
    stacks = SpectralRegularizer()._stacks(autoencoder())
    assert sum(map(len, stacks.values())) == 48
    modules = [m for x in autoencoder() for m in x.modules()]
    assert sum(isinstance(m, nn.GroupNorm) for m in modules) == 35


def test_the_denoiser_has_the_published_number_of_parameters():
    """767.9 M, of which 89.8 M are attention over all planes."""
    (net,) = built(unet.published_config(dict(unetconfig=UNET)), 'denoiser', channels=64)
    assert count(net) == pytest.approx(767.857e6, abs=500)
    mixes = sum(p.numel() for n, p in net.named_parameters() if '.mix.' in n)
    assert mixes == pytest.approx(89.8e6, abs=50000)


def test_frames_come_from_the_settings():
    """16 where they say nothing."""
    frames = [published_config(m)['layout']['axes'][2]['size'] for m in (SKY, SKY | dict(frames=4))]
    assert frames == [16, 4]


@pytest.mark.parametrize(
    ('section', 'values', 'message'),
    [
        ('ddconfig', dict(attn_type='vanilla'), "attn_type='vanilla': expected .*multihead"),
        ('ddconfig', dict(patch_size=4), 'patch_size=4: a decoder of 4 levels enlarges latents 8'),
        ('mlpconfig', dict(latent_dim=32), 'latent_dim=32 and ddconfig.out_ch=64 must be equal'),
    ],
)
def test_settings_without_counterpart_are_refused(section, values, message):
    meta = copy.deepcopy(SKY)
    meta[section] |= values
    with pytest.raises(ValueError, match=message):
        published_config(meta)
