"""Published image autoencoders under our names."""

import copy

import pytest
import torch
from torch import nn

from ddmi_toolkit.interop.image_vae import published_config
from ddmi_toolkit.models.losses import SpectralRegularizer
from ddmi_toolkit.registry import MODELS
from ddmi_toolkit.structures import PlaneLayout

AFHQ = dict(
    ddconfig=dict(
        double_z=True,
        z_channels=128,
        resolution=256,
        in_channels=3,
        out_ch=64,
        ch=128,
        ch_mult=[1, 2, 4],
        num_res_blocks=2,
        attn_resolutions=[],
        attn_type='vanilla',
        hdbf_resolutions=[128, 64],
    ),
    embed_dim=64,
    mlpconfig=dict(in_ch=2, out_ch=3, ch=256, latent_dim=64),
)
COUNTS = {2: (23.503e6, 33.656e6, 57.201e6), 3: (29.702e6, 39.855e6, 69.598e6)}


def built(num_res_blocks):
    meta = copy.deepcopy(AFHQ)
    meta['ddconfig']['num_res_blocks'] = num_res_blocks
    config = published_config(meta)
    layout, channels = PlaneLayout(**config['layout']), config['latent_channels']
    offers = dict(layout=layout, in_channels=channels, out_channels=channels)
    with torch.device('meta'):
        return [MODELS.build(config[k], default_args=offers) for k in ('encoder', 'generator')]


def count(*modules):
    return sum(p.numel() for m in modules for p in m.parameters())


@pytest.mark.parametrize('num_res_blocks', [2, 3], ids=['afhq', 'celebahq'])
def test_parameters_number_as_published(num_res_blocks):
    """Encoder, decoder, autoencoder, and each part of the read-out."""
    encoder, generator = built(num_res_blocks)
    cnn, decoder, mlp = encoder.cnn, generator.decoder, generator.evaluator.readout.mlp
    expected = COUNTS[num_res_blocks]
    assert count(cnn) - count(cnn.quant) == pytest.approx(expected[0], abs=500)
    assert count(decoder) - count(decoder.post_quant) == pytest.approx(expected[1], abs=500)
    assert count(cnn, decoder) == pytest.approx(expected[2], abs=500)
    assert count(mlp.modulation) == 82432
    assert [count(b) for b in mlp.blocks] == [314181, 511045, 511045, 394755]
    assert count(mlp.head) == 66563


def test_regularized_layers_number_as_published():
    """62 convolutions and 42 norms; the read-out has none of them."""
    encoder, generator = built(2)
    stacks = SpectralRegularizer()._stacks([encoder, generator])
    assert sum(map(len, stacks.values())) == 62
    modules = [m for x in (encoder, generator) for m in x.modules()]
    assert sum(isinstance(m, nn.GroupNorm) for m in modules) == 42


def test_settings_without_counterpart_are_refused():
    for section, values, message in (
        ('ddconfig', dict(attn_resolutions=[64]), r'attn_resolutions=\[64\]'),
        ('mlpconfig', dict(latent_dim=32), r'latent_dim=32 and ddconfig.out_ch=64 must be equal'),
    ):
        meta = copy.deepcopy(AFHQ)
        meta[section] |= values
        with pytest.raises(ValueError, match=message):
            published_config(meta)
