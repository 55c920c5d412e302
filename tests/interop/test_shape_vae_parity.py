"""Published shape autoencoders under our names."""

import copy
import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from ddmi_toolkit.interop.shape_vae import (
    convert_state,
    latent_from_published,
    latent_to_published,
    published_config,
)
from ddmi_toolkit.models.losses import SpectralRegularizer
from ddmi_toolkit.registry import MODELS
from ddmi_toolkit.structures import DiagonalGaussian, PlaneLayout

TOLERANCE = 1e-4
FULL = dict(
    ddconfig=dict(
        z_channels=128,
        resolution=64,
        in_channels=32,
        out_ch=64,
        ch=64,
        ch_mult=[1, 2, 4],
        num_res_blocks=2,
        attn_resolutions=[],
        attn_type='vanilla',
        hdbf_resolutions=[32, 16],
        inter_attn_resolutions=[64, 32, 16],
    ),
    embed_dim=64,
    mlpconfig=dict(in_ch=3, out_ch=1, ch=256, latent_dim=64),
    pointnet=dict(dim=3, c_dim=32, hidden_dim=256, plane_resolution=64, n_blocks=7, padding=0.1),
)


def build(meta):
    config = published_config(meta)
    layout, channels = PlaneLayout(**config['layout']), config['latent_channels']
    offers = dict(layout=layout, in_channels=channels, out_channels=channels)
    return nn.ModuleDict(
        {k: MODELS.build(config[k], default_args=offers) for k in ('encoder', 'generator')}
    ).eval()


@pytest.fixture(scope='module')
def fixture(golden_root):
    folder = golden_root / 'shape_vae'
    if not folder.is_dir():
        pytest.skip(f'{folder} does not exist')
    meta = json.loads((folder / 'meta.json').read_text())
    weights = {k: v.float() for k, v in load_file(folder / 'weights.safetensors').items()}
    arrays = {k: torch.from_numpy(v) for k, v in np.load(folder / 'io.npz').items()}
    return meta, weights, arrays


@pytest.fixture(scope='module')
def model(fixture):
    meta, weights, _ = fixture
    module = build(meta)
    module.load_state_dict(convert_state(weights, meta))
    return module.requires_grad_(False)


def error(a, b):
    assert a.shape == b.shape
    return (a - b).abs().max().item()


def test_point_features_equal_the_published_ones(model, fixture):
    arrays = fixture[2]
    for plane, x in model['encoder'].scatter(arrays['points']).items():
        assert error(x, arrays[f'feat_{plane}']) < TOLERANCE


def test_posteriors_equal_the_published_ones(model, fixture):
    arrays, encoder = fixture[2], model['encoder']
    posterior = DiagonalGaussian(encoder(arrays['points']))
    for name, value in (('mean', posterior.mean), ('logvar', posterior.logvar)):
        for plane, x in encoder.layout.split(value).items():
            assert error(x, arrays[f'{name}_{plane}']) < TOLERANCE


def test_basis_fields_and_logits_equal_the_published_ones(model, fixture):
    arrays, generator = fixture[2], model['generator']
    z = latent_from_published(
        torch.cat([arrays['mean_xy'], arrays['mean_xz'], arrays['mean_yz']], dim=1)
    )
    field = generator(z)
    for name, x in field.state.items():
        level, plane = name.removeprefix('level').split('.')
        assert error(x, arrays[f'hdbf_{plane}_{level}']) < TOLERANCE
    assert error(field(arrays['queries'])[..., 0], arrays['logits']) < TOLERANCE


def test_swapped_latent_planes_would_be_noticed(model, fixture):
    arrays = fixture[2]
    wrong = torch.cat([arrays['mean_xy'], arrays['mean_yz'], arrays['mean_xz']], dim=1)
    logits = model['generator'](latent_from_published(wrong))(arrays['queries'])[..., 0]
    assert error(logits, arrays['logits']) > 10 * TOLERANCE


def test_every_weight_is_used_and_none_is_unknown(fixture):
    meta, weights, _ = fixture
    with pytest.raises(ValueError, match=r"1 weights have no counterpart, e.g. \['extra'\]"):
        convert_state(weights | {'extra': torch.zeros(1)}, meta)


def test_latents_survive_the_published_order():
    z = torch.randn(2, 12, 3, 3)
    assert torch.equal(latent_to_published(latent_from_published(z), (3, 3)), z)


def test_attention_at_levels_is_refused():
    meta = copy.deepcopy(FULL)
    meta['ddconfig']['attn_resolutions'] = [16]
    with pytest.raises(ValueError, match=r'attn_resolutions=\[16\]'):
        published_config(meta)


def test_parameters_and_regularized_layers_number_as_published():
    with torch.device('meta'):
        model = build(FULL)

    def count(*modules):
        return sum(p.numel() for m in modules for p in m.parameters())

    cnn, decoder = model['encoder'].cnn, model['generator'].decoder
    quant = count(cnn.quant, decoder.post_quant)
    assert count(model['encoder'].point_net) == pytest.approx(2.308e6, abs=500)
    assert count(cnn) - count(cnn.quant) == pytest.approx(60.791e6, abs=500)
    assert count(decoder) - count(decoder.post_quant) == pytest.approx(63.196e6, abs=500)
    assert quant == pytest.approx(0.124e6, abs=500)
    assert count(cnn, decoder) == pytest.approx(124.110e6, abs=500)
    assert count(model['generator'].evaluator) == 1024 + 37184 + 229888 + 229888 + 131584 + 257
    stacks = SpectralRegularizer()._stacks([cnn, decoder])
    assert sum(map(len, stacks.values())) == 130
    assert sum(isinstance(m, nn.GroupNorm) for x in (cnn, decoder) for m in x.modules()) == 82
