"""Planewise modules: exactness of batching, and what exchanges information."""

import pytest
import torch
from torch import nn

from ddmi_toolkit.layers.attention import TokenAttention
from ddmi_toolkit.layers.planewise import ChannelMix, Mix, PlaneWise, TokenMix
from ddmi_toolkit.layers.resnet import Downsample2d, ResBlock2d, Upsample2d
from ddmi_toolkit.structures import PlaneLayout

EQUAL = {'xy': (4, 4), 'yz': (4, 4), 'xz': (4, 4)}
UNEQUAL = {'xy': (4, 6), 'xt': (2, 6), 'yt': (2, 4)}


def planes_of(shapes, channels=8, batch=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return {p: torch.randn(batch, channels, *s, generator=generator) for p, s in shapes.items()}


class Counter(nn.Module):
    """Counts its calls."""

    calls = 0

    def forward(self, x):
        self.calls += 1
        return 2 * x


@pytest.mark.parametrize('shapes', [EQUAL, UNEQUAL])
def test_planewise_equals_the_module_on_each_plane(shapes):
    torch.manual_seed(0)
    module = ResBlock2d(8, 12, emb_channels=5)
    emb, planes = torch.randn(2, 5), planes_of(shapes)
    out = PlaneWise(module)(planes, emb)
    assert list(out) == list(planes)
    for name, x in planes.items():
        torch.testing.assert_close(out[name], module(x, emb), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize('module', [Upsample2d(8), Downsample2d(8)])
def test_planewise_resamples_each_plane_by_its_own_factor(module):
    planes = planes_of({'xy': (4, 4), 'xt': (4, 4)})
    factors = {'xy': (2, 2), 'xt': (1, 2)}
    out = PlaneWise(module)(planes, factors=factors)
    for name, x in planes.items():
        torch.testing.assert_close(out[name], module(x, factors[name]), atol=1e-6, rtol=1e-5)


def test_planes_of_equal_shape_are_one_call():
    counter = Counter()
    PlaneWise(counter)(planes_of(EQUAL))
    assert counter.calls == 1
    PlaneWise(counter)(planes_of(UNEQUAL))
    assert counter.calls == 4


@pytest.mark.parametrize(
    'mix, shapes',
    [
        (ChannelMix(8, list(EQUAL)), EQUAL),
        (TokenMix(8, num_heads=2), UNEQUAL),
        (TokenMix(8, num_heads=2, head_channels=8), UNEQUAL),
    ],
)
def test_mixes_carry_information_from_every_plane_to_every_plane(mix, shapes):
    planes = planes_of(shapes)
    before = mix(planes)
    for changed in shapes:
        after = mix({**planes, changed: planes[changed].flip(0) + 1})
        for name in shapes:
            assert after[name].shape == planes[name].shape
            assert (after[name] - before[name]).abs().max() > 1e-5, (changed, name)


def test_token_mix_is_attention_over_the_merged_latent():
    layout = PlaneLayout(
        axes=[dict(name='x', size=6), dict(name='y', size=4), dict(name='t', size=2)],
        planes=list(UNEQUAL),
        latent_stride=1,
    )
    z = torch.randn(2, 8, layout.num_tokens())
    mix = TokenMix(8, num_heads=2)
    assert isinstance(mix.attention, TokenAttention)
    torch.testing.assert_close(layout.merge(mix(layout.split(z))), mix.attention(z))


def test_zero_init_token_mix_is_the_identity():
    planes = planes_of(UNEQUAL)
    out = TokenMix(8, zero_init=True)(planes)
    assert all(torch.equal(out[p], planes[p]) for p in planes)


def test_channel_mix_names_the_shapes_of_unequal_planes():
    with pytest.raises(ValueError, match=r"'xt': \(2, 8, 2, 6\).*TokenMix"):
        ChannelMix(8, list(UNEQUAL))(planes_of(UNEQUAL))


def test_mix_is_built_where_the_config_says():
    layout = PlaneLayout([dict(name=a, size=8) for a in 'xyz'], list(EQUAL))
    mix = Mix.parse(dict(type='token', strides=[4], num_heads=2))
    assert isinstance(mix.build(8, layout, 1), nn.Identity)
    assert isinstance(mix.build(8, layout, 4), TokenMix)
    assert isinstance(mix.build(8, layout), TokenMix)
    assert isinstance(Mix.parse('none').build(8, layout), nn.Identity)
    assert isinstance(Mix.parse('channel').build(8, layout, 2), ChannelMix)
    wide = Mix('token', num_heads=8, wide_heads=True).build(8, layout)
    assert wide.attention.qkv.weight.shape[0] == 3 * 8 * 8


def test_mix_errors_name_the_remedy():
    with pytest.raises(ValueError, match="'none', 'channel' or 'token', got 'tokens'"):
        Mix.parse('tokens')
    video = PlaneLayout(
        [dict(name='x', size=8), dict(name='y', size=8), dict(name='t', size=2, strided=False)],
        ['xy', 'xt', 'yt'],
    )
    with pytest.raises(ValueError, match="use mix='token'"):
        Mix.parse('channel').build(8, video, 1)
