"""The decoder of basis fields."""

import pytest
import torch

from ddmi_toolkit.models.generators import BasisFieldDecoder
from ddmi_toolkit.structures import PlaneLayout

SHAPE = PlaneLayout([dict(name=a, size=8) for a in 'xyz'], ['xy', 'yz', 'xz'])
VIDEO = PlaneLayout(
    [dict(name='x', size=8), dict(name='y', size=8), dict(name='t', size=3, strided=False)],
    ['xy', 'xt', 'yt'],
)


def small(layout, **kwargs):
    torch.manual_seed(0)
    config = dict(out_channels=4, base_channels=8, channel_mult=(1, 1, 2), num_res_blocks=1)
    return BasisFieldDecoder(layout, 3, **(config | kwargs))


@pytest.mark.parametrize('layout', [SHAPE, VIDEO])
@pytest.mark.parametrize('strides', [(4, 2, 1), (4, 1), (2, 1), (1,), (4, 2), (4,)])
def test_basis_fields_come_coarse_to_fine_at_the_chosen_strides(layout, strides):
    decoder = small(layout, strides=strides)
    levels = decoder(torch.randn(2, 3, layout.num_tokens()))
    assert len(levels) == decoder.num_levels == len(strides)
    for stride, level in zip(strides, levels, strict=True):
        assert list(level) == list(layout.planes)
        for plane, x in level.items():
            assert x.shape == (2, 4, *layout.shape(plane, stride))


def test_dropping_coarse_scales_leaves_the_finest_alone():
    """The scales are read out of one network and do not feed each other."""
    full, single = small(SHAPE), small(SHAPE, strides=(1,))
    single.load_state_dict({k: v for k, v in full.state_dict().items() if k in single.state_dict()})
    z = torch.randn(2, 3, SHAPE.num_tokens())
    finest, alone = full(z)[-1], single(z)[0]
    assert all(torch.equal(finest[p], alone[p]) for p in SHAPE.planes)


def test_levels_beyond_the_finest_scale_are_not_built():
    assert list(small(SHAPE, strides=(4, 2)).levels) == ['4', '2']


def test_planes_meet_only_where_they_are_mixed():
    z = torch.randn(1, 3, SHAPE.num_tokens())
    other = SHAPE.split(z) | {'yz': torch.randn(1, 3, 2, 2)}
    for mix, is_mixed in (('none', False), ('channel', True), ('token', True)):
        decoder = small(SHAPE, mix=mix)
        before, after = decoder(z)[-1], decoder(SHAPE.merge(other))[-1]
        change = {p: (before[p] - after[p]).abs().max() > 1e-6 for p in SHAPE.planes}
        assert change == {'xy': is_mixed, 'yz': True, 'xz': is_mixed}


def test_finest_head_of_the_paper_is_linear_in_the_features():
    heads = {k: small(SHAPE, finest_head=k).heads['1'].module for k in ('conv1x1', 'conv3x3')}
    x = torch.randn(1, 8, 4, 4)
    zero = torch.zeros_like(x)
    for kind, is_linear in (('conv1x1', True), ('conv3x3', False)):
        head = heads[kind]
        gap = head(2 * x) - head(zero) - 2 * (head(x) - head(zero))
        assert (gap.abs().max() < 1e-5) == is_linear


def test_errors_name_value_and_expectation():
    for strides in ((1, 2, 4), (8, 4), (3, 1), ()):
        with pytest.raises(ValueError, match=r'coarse-to-fine choice of \[4, 2, 1\]'):
            small(SHAPE, strides=strides)
    with pytest.raises(ValueError, match='makes 2 levels; latent_stride=4 needs 3'):
        small(SHAPE, channel_mult=(1, 2))
    with pytest.raises(ValueError, match="'conv3x3' or 'conv1x1', got 'conv'"):
        small(SHAPE, finest_head='conv')
    with pytest.raises(ValueError, match="use mix='token'"):
        small(VIDEO, mix='channel')


def test_parameters_number_as_published():
    """AFHQ: 33.656 M; SkyTimelapse: 53.285 M; both without the first 1x1 convolutions."""
    space = [dict(name='x', size=256), dict(name='y', size=256)]
    image = PlaneLayout(space, ['xy'])
    video = PlaneLayout(
        [*space, dict(name='t', size=16, strided=False)], ['xy', 'xt', 'yt'], latent_stride=8
    )
    mix = dict(type='token', num_heads=8, wide_heads=True)
    with torch.device('meta'):
        decoders = {
            33.656e6: BasisFieldDecoder(image, 64, base_channels=128, z_channels=128),
            53.285e6: BasisFieldDecoder(
                video, 64, channel_mult=(1, 2, 4, 8), num_heads=16, mix=mix
            ),
        }
    for expected, decoder in decoders.items():
        parameters = decoder.named_parameters()
        sizes = {n: p.numel() for n, p in parameters if not n.startswith('post_quant')}
        assert sum(sizes.values()) == pytest.approx(expected, abs=500)
