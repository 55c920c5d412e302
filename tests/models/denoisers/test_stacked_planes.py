"""Equal planes as channels."""

import pytest
import torch

from ddmi_toolkit.models.denoisers import AbstractDenoiser, PlaneUNet, StackedPlanes
from ddmi_toolkit.structures import PlaneLayout

LAYOUT = PlaneLayout(
    [dict(name=a, size=8, low=-0.55, high=0.55) for a in 'xyz'], ['xy', 'yz', 'xz'], 2
)


class Echo(AbstractDenoiser):
    """Returns what it is given, and remembers it."""

    def forward(self, z_t, t, cond=None):
        self.seen = z_t, t, cond
        return z_t


def test_stacking_is_undone_and_follows_the_layout():
    """Channel block p of the inner network is plane p; the way back is the inverse."""
    inner = Echo()
    net = StackedPlanes(inner, LAYOUT, channels=2)
    z = torch.randn(3, 2, LAYOUT.num_tokens(), generator=torch.Generator().manual_seed(0))
    t, cond = torch.arange(3.0), dict(vector=None)
    assert torch.equal(net(z, t, cond), z)
    stacked, seen_t, seen_cond = inner.seen
    assert stacked.shape == (3, 6, 16)
    for p, plane in enumerate(LAYOUT.split(z).values()):
        assert torch.equal(stacked[:, 2 * p : 2 * p + 2], plane.flatten(2))
    assert seen_t is t
    assert seen_cond is cond


def test_the_inner_network_is_an_ordinary_unet_on_all_channels():
    """It is offered one plane of the latent's size and P * C channels."""
    net = StackedPlanes(
        dict(type='PlaneUNet', model_channels=32, channel_mult=(1, 2)), LAYOUT, channels=2
    )
    assert isinstance(net.denoiser, PlaneUNet)
    assert net.denoiser.layout.planes == ('xy',)
    assert net.denoiser.layout.num_tokens() == 16
    assert net.denoiser.conv_in.module.in_channels == 6
    assert all(block.mix is None for block in net.denoiser.down)


class Conditional(Echo):
    """Has widths of its own."""

    def __init__(self, cond_channels=5, context_channels=6):
        super().__init__()
        self.widths = cond_channels, context_channels


@pytest.mark.parametrize(('given', 'widths'), [((), (5, 6)), ((3, None), (3, 6)), ((3, 4), (3, 4))])
def test_the_inner_network_is_offered_the_widths_of_the_condition(given, widths):
    """Those there are: without one, its own default holds."""
    net = StackedPlanes(dict(type=Conditional), LAYOUT, 2, *given)
    assert net.denoiser.widths == widths


def test_stacked_planes_attend_to_a_context():
    """The wrapped U-Net is built for the context's width; its samples follow it."""
    torch.manual_seed(0)
    unet = dict(type='PlaneUNet', model_channels=32, channel_mult=(1,), attention_rates=(1,))
    net = StackedPlanes(unet, LAYOUT, 2, context_channels=6)
    for parameter in net.parameters():
        parameter.data += 0.1 * torch.randn(parameter.shape)
    z, t, context = torch.randn(2, 2, LAYOUT.num_tokens()), torch.zeros(2), torch.randn(2, 3, 6)
    other = torch.cat([context[:1], -context[1:]])
    out, changed = (net(z, t, dict(vector=None, context=c)) for c in (context, other))
    torch.testing.assert_close(out[0], changed[0])
    assert (out[1] - changed[1]).abs().max() > 1e-3


def test_a_change_in_one_plane_reaches_all():
    """Stacked planes exchange in every convolution."""
    torch.manual_seed(0)
    net = StackedPlanes(
        dict(type='PlaneUNet', model_channels=32, channel_mult=(1, 2)), LAYOUT, channels=2
    )
    torch.nn.init.normal_(net.denoiser.conv_out.module.weight)
    z = torch.randn(1, 2, LAYOUT.num_tokens())
    changed = LAYOUT.split(z)
    changed['xz'] = changed['xz'] + 1
    difference = LAYOUT.split(net(LAYOUT.merge(changed), torch.zeros(1)) - net(z, torch.zeros(1)))
    assert all(d.abs().max() > 1e-3 for d in difference.values())


def clip_layout(num_frames: int) -> PlaneLayout:
    return PlaneLayout(
        [
            dict(name='x', size=8),
            dict(name='y', size=8),
            dict(name='t', size=num_frames, strided=False),
        ],
        ['xy', 'xt', 'yt'],
        2,
    )


def test_unequal_planes_are_refused_with_their_shapes():
    """The error shows every shape and names the alternative; the latent's shapes decide."""
    with pytest.raises(ValueError, match=r"'xy': \(4, 4\), 'xt': \(6, 4\).*PlaneDiT.*PlaneUNet"):
        StackedPlanes(Echo(), clip_layout(6), channels=2)
    z = torch.ones(1, 2, 48)
    assert torch.equal(StackedPlanes(Echo(), clip_layout(4), channels=2)(z, torch.zeros(1)), z)
