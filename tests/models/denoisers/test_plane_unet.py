"""The planewise U-Net: shared weights, exchange, conditions, sizes."""

import pytest
import torch

from ddmi_toolkit.models.denoisers import PlaneUNet
from ddmi_toolkit.structures import PlaneLayout

LAYOUTS = dict(
    line=PlaneLayout([dict(name='t', size=8)], ['t'], 1),
    plane=PlaneLayout([dict(name='x', size=8), dict(name='y', size=4)], ['xy'], 1),
    triplane=PlaneLayout([dict(name=a, size=16) for a in 'xyz'], ['xy', 'yz', 'xz'], 4),
    clip=PlaneLayout(
        [dict(name='x', size=8), dict(name='y', size=8), dict(name='t', size=2, strided=False)],
        ['xy', 'xt', 'yt'],
        2,
    ),
)
CHANNELS = 3


def build(layout: PlaneLayout, **kwargs) -> PlaneUNet:
    """A small network with no weight at zero."""
    net = fresh(layout, **kwargs)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for p in net.parameters():
            p.add_(0.15 * torch.randn(p.shape, generator=generator))
    return net.eval()


def fresh(layout: PlaneLayout, **kwargs) -> PlaneUNet:
    small = dict(
        model_channels=48,  # 2 channels a group: the norm of one would remove the time
        channel_mult=(1, 2),
        num_res_blocks=1,
        attention_rates=(2,),
        num_head_channels=16,
        num_mix_heads=2,
    )
    return PlaneUNet(layout, CHANNELS, **{**small, **kwargs})


def latent(layout: PlaneLayout, batch: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(batch, CHANNELS, layout.num_tokens(), generator=generator)


@pytest.mark.parametrize('mix', ['token', 'none'])
@pytest.mark.parametrize('name', LAYOUTS)
def test_gradients_reach_every_parameter(name, mix):
    """On lines, planes, equal and unequal planes."""
    net, z = build(LAYOUTS[name], mix=mix, cond_channels=5), latent(LAYOUTS[name])
    out = net(z, torch.tensor([3.0, 400.0]), dict(vector=torch.ones(2, 5)))
    assert out.shape == z.shape
    out.square().mean().backward()
    for key, p in net.named_parameters():
        assert p.grad is not None, key
        assert p.grad.abs().max() > 1e-7, key


def test_starts_by_predicting_zero():
    """The last convolution starts at zero, as in ADM."""
    layout = LAYOUTS['triplane']
    assert fresh(layout)(latent(layout), torch.zeros(2)).abs().max() == 0


@pytest.mark.parametrize('name', ['triplane', 'clip'])
def test_without_exchange_each_plane_is_an_ordinary_unet(name):
    """The same weights on a layout of one plane give that plane's output."""
    layout = LAYOUTS[name]
    net, z, t = build(layout, mix='none'), latent(layout), torch.tensor([3.0, 400.0])
    out, parts = layout.split(net(z, t)), layout.split(z)
    for plane in layout.planes:
        alone_layout = PlaneLayout([layout.axes[a] for a in plane], [plane], layout.latent_stride)
        alone = build(alone_layout)  # mix='token' has nobody to exchange with
        alone.load_state_dict(net.state_dict())
        result = alone(parts[plane].flatten(2), t)
        torch.testing.assert_close(result, out[plane].flatten(2), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize('mix', ['token', 'none'])
def test_planes_hear_of_each_other_through_tokens_only(mix):
    """Changing one plane changes the others if and only if they exchange."""
    layout = LAYOUTS['clip']
    net, z, t = build(layout, mix=mix), latent(layout), torch.zeros(2)
    changed = layout.split(z)
    changed['xt'] = changed['xt'] + 1
    before, after = layout.split(net(z, t)), layout.split(net(layout.merge(changed), t))
    assert (after['xt'] - before['xt']).abs().max() > 1e-3
    for plane in ('xy', 'yt'):
        heard = (after[plane] - before[plane]).abs().max()
        assert heard > 1e-5 if mix == 'token' else heard == 0


def test_equal_planes_are_exchangeable():
    """Weights are shared and tokens carry no plane identity: permuting planes permutes outputs."""
    layout = LAYOUTS['triplane']
    net, t = build(layout), torch.tensor([5.0, 50.0])
    z = latent(layout)
    n = layout.num_tokens() // 3
    swap = torch.cat([torch.arange(n, 3 * n), torch.arange(n)])
    torch.testing.assert_close(net(z[..., swap], t), net(z, t)[..., swap], atol=1e-5, rtol=1e-5)


def test_samples_of_a_batch_are_independent():
    """Each sample is denoised at its own time, whoever its neighbors are."""
    layout = LAYOUTS['clip']
    net, z, t = build(layout), latent(layout), torch.tensor([3.0, 700.0])
    out = net(z, t)
    for i in range(2):
        torch.testing.assert_close(
            net(z[i : i + 1], t[i : i + 1]), out[i : i + 1], atol=1e-5, rtol=1e-4
        )
    assert (net(z, t.flip(0)) - out).abs().max() > 1e-3


def test_the_vector_steers_and_a_missing_one_is_an_error():
    """cond['vector'] is added to the time embedding."""
    layout = LAYOUTS['plane']
    net, z, t = build(layout, cond_channels=4), latent(layout), torch.zeros(2)
    one, two = (net(z, t, dict(vector=torch.full((2, 4), v), context=None)) for v in (0.0, 1.0))
    assert (one - two).abs().max() > 1e-3
    for cond in (None, dict(vector=None)):
        with pytest.raises(ValueError, match=r"cond_channels=4 needs cond\['vector'\].*\(B, 4\)"):
            net(z, t, cond)


def test_a_condition_without_place_is_an_error():
    """An unconditional network does not swallow a condition; an empty one is none."""
    layout = LAYOUTS['plane']
    net, z, t = build(layout), latent(layout), torch.zeros(2)
    assert torch.equal(net(z, t, dict(vector=None, context=None)), net(z, t))
    with pytest.raises(ValueError, match='without cond_channels; set it to the width 4'):
        net(z, t, dict(vector=torch.ones(2, 4)))
    with pytest.raises(ValueError, match='without context_channels; set it to the width 6'):
        net(z, t, dict(context=torch.ones(2, 7, 6)))


@pytest.mark.parametrize(
    ('context', 'message'),
    [
        (None, r"context_channels=6 needs cond\['context'\] of shape \(B, L, 6\); got none.*null"),
        (torch.ones(2, 7, 5), r'\(B, L, 6\) with B=2 and L > 0; got \(2, 7, 5\)'),
        (torch.ones(2, 6), r'got \(2, 6\)'),
        (torch.ones(1, 7, 6), r'B=2.*got \(1, 7, 6\)'),
        (torch.ones(2, 0, 6), r'L > 0; got \(2, 0, 6\)'),
    ],
)
def test_a_context_that_does_not_fit_is_named(context, message):
    """Missing, of another width, rank or batch, or without tokens."""
    layout = LAYOUTS['plane']
    with pytest.raises(ValueError, match=message):
        build(layout, context_channels=6)(latent(layout), torch.zeros(2), dict(context=context))


def test_cross_attention_starts_as_nothing_and_adds_parameters_only():
    """With the weights of the unconditional network, whatever the context says."""
    layout, t = LAYOUTS['clip'], torch.tensor([3.0, 400.0])
    plain, z = build(layout), latent(layout)
    net = fresh(layout, context_channels=6).eval()
    missing, unexpected = net.load_state_dict(plain.state_dict(), strict=False)
    assert not unexpected
    assert all('.cross.' in key for key in missing)
    torch.testing.assert_close(net(z, t, dict(context=torch.randn(2, 3, 6))), plain(z, t))


def test_cross_attention_is_where_self_attention_is():
    """At the attention rates and in the middle."""
    net = fresh(LAYOUTS['clip'], context_channels=6)
    layers = [block.layer.module for block in (*net.down, *net.mid, *net.up)]
    assert [x.cross is None for x in layers] == [x.attention is None for x in layers]
    assert sum(x.cross is not None for x in layers) == 4  # down, middle, twice up


@pytest.mark.parametrize('name', LAYOUTS)
def test_gradients_reach_everything_that_reads_the_conditions(name):
    """Vector and context together: every parameter, and both conditions."""
    net, z = build(LAYOUTS[name], cond_channels=5, context_channels=6), latent(LAYOUTS[name])
    generator = torch.Generator().manual_seed(2)
    vector = torch.randn(2, 5, generator=generator, requires_grad=True)
    context = torch.randn(2, 3, 6, generator=generator, requires_grad=True)
    net(
        z, torch.tensor([3.0, 400.0]), dict(vector=vector, context=context)
    ).square().sum().backward()
    for key, p in [*net.named_parameters(), ('vector', vector), ('context', context)]:
        assert p.grad is not None, key
        assert p.grad.abs().max() > 1e-9, key


def test_context_is_a_set():
    """The order of tokens and repetitions of all of them do not matter; what they say does."""
    layout, t = LAYOUTS['triplane'], torch.zeros(2)
    net, z = build(layout, context_channels=6), latent(layout)
    context = torch.randn(2, 3, 6, generator=torch.Generator().manual_seed(2))
    out = net(z, t, dict(context=context))
    for same in (context.flip(1), context.repeat(1, 4, 1)):
        torch.testing.assert_close(net(z, t, dict(context=same)), out, atol=2e-5, rtol=1e-5)
    other = context.clone()
    other[1] = -other[1]
    difference = (net(z, t, dict(context=other)) - out).abs().amax((1, 2))
    assert difference[0] < 2e-5
    assert difference[1] > 1e-2


def test_a_null_context_has_no_length():
    """Equal tokens, here zeros, say the same however many there are."""
    layout, t = LAYOUTS['clip'], torch.zeros(2)
    net, z = build(layout, context_channels=6), latent(layout)
    one, many = (net(z, t, dict(context=torch.zeros(2, n, 6))) for n in (1, 77))
    torch.testing.assert_close(one, many, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ('name', 'kwargs', 'message'),
    [
        ('plane', dict(channel_mult=(1, 1, 1, 1)), r"'xy' has 8 nodes along 'x'|'xy' has 4 nodes"),
        ('clip', dict(channel_mult=(1, 1, 1)), r"'xt' has 2 nodes along 't', which the 3 levels"),
        ('plane', dict(num_head_channels=7), r'num_head_channels=7 does not divide the 96'),
        ('triplane', dict(num_mix_heads=5), r'num_mix_heads=5 does not divide the 48 channels'),
        ('plane', dict(mix='channel'), r"mix must be 'token' or 'none', got 'channel'"),
    ],
)
def test_settings_that_do_not_fit_are_named(name, kwargs, message):
    """Errors say value, expectation and remedy."""
    with pytest.raises(ValueError, match=message):
        fresh(LAYOUTS[name], **kwargs)


def test_a_latent_of_another_layout_is_refused():
    """The layout's own message names both shapes."""
    with pytest.raises(ValueError, match='does not fit'):
        build(LAYOUTS['plane'])(torch.zeros(1, CHANNELS, 31), torch.zeros(1))


def test_attention_is_at_the_asked_rates():
    """Rates are relative to the latent; the middle always attends."""
    attends = [
        [block.layer.module.attention is not None for block in blocks]
        for net in [fresh(LAYOUTS['plane'], channel_mult=(1, 1, 1), attention_rates=(2,))]
        for blocks in (net.down, net.mid, net.up)
    ]
    assert attends[0] == [False, False, True, False, False]  # block, down, block, down, block
    assert attends[1] == [True, False]
    assert attends[2] == [False, False, True, True, False, False]
