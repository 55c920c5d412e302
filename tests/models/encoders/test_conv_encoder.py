"""The encoder of one plane."""

import pytest
import torch

from ddmi_toolkit.models.encoders import ConvEncoder
from ddmi_toolkit.structures import PlaneLayout

IMAGE = PlaneLayout([dict(name='x', size=16), dict(name='y', size=8)], ['xy'])
LINE = PlaneLayout([dict(name='t', size=32)], ['t'])


def small(layout, **kwargs):
    torch.manual_seed(0)
    config = dict(in_channels=2, base_channels=8, channel_mult=(1, 1, 2), num_res_blocks=1)
    return ConvEncoder(layout, 3, **(config | kwargs))


@pytest.mark.parametrize('layout, shape', [(IMAGE, (8, 16)), (LINE, (32,))])
def test_samples_do_not_see_each_other(layout, shape):
    encoder, inputs = small(layout), torch.randn(3, 2, *shape)
    together = encoder(inputs)
    assert together.shape == (3, 6, layout.num_tokens())
    for i in range(3):
        torch.testing.assert_close(together[i : i + 1], encoder(inputs[i : i + 1]))


@pytest.mark.parametrize('layout, shape', [(IMAGE, (8, 16)), (LINE, (32,))])
def test_gradients_reach_every_parameter(layout, shape):
    encoder = small(layout)
    encoder(torch.randn(2, 2, *shape)).square().sum().backward()
    dead = [n for n, p in encoder.named_parameters() if p.grad is None or not p.grad.any()]
    assert dead == []


def test_a_line_is_an_image_of_one_row():
    encoder, inputs = small(LINE), torch.randn(2, 2, 32)
    assert torch.equal(encoder(inputs), encoder(inputs[:, :, None]))


def test_rows_and_columns_of_the_inputs_are_those_of_the_plane():
    """A change in the last columns of an image reaches the last column of the latent first."""
    encoder = small(PlaneLayout([dict(name='x', size=64), dict(name='y', size=8)], ['xy']))
    encoder.cnn.mid.module = torch.nn.Identity()  # attention sees everything
    for norm in [m for m in encoder.modules() if isinstance(m, torch.nn.GroupNorm)]:
        norm.forward = lambda x: x
    a = torch.randn(1, 2, 8, 64)
    b = a.clone()
    b[..., -1] += 1
    change = (encoder(a) - encoder(b)).unflatten(-1, (2, 16)).abs().amax((0, 1, 2))
    assert change[-1] > 0
    assert not change[:4].any()


def test_errors_name_value_and_expectation():
    with pytest.raises(ValueError, match=r'\(2, 2, 16, 8\).*expected \(B, 2, 8, 16\)'):
        small(IMAGE)(torch.zeros(2, 2, 16, 8))
    with pytest.raises(ValueError, match='makes 2 levels; latent_stride=4 needs 3'):
        small(IMAGE, channel_mult=(1, 2))
    layout = PlaneLayout([dict(name=a, size=8) for a in 'xyz'], ['xy', 'yz'])
    with pytest.raises(ValueError, match=r"one plane, the layout has \['xy', 'yz'\]"):
        small(layout)


def test_parameters_number_as_published():
    """AFHQ: 23.503 M in the encoder, without its last 1x1 convolution."""
    layout = PlaneLayout([dict(name='x', size=256), dict(name='y', size=256)], ['xy'])
    with torch.device('meta'):
        cnn = ConvEncoder(layout, 64, z_channels=128).cnn
    sizes = {n: p.numel() for n, p in cnn.named_parameters() if not n.startswith('quant')}
    assert sum(sizes.values()) == pytest.approx(23.503e6, abs=500)
