"""What a radiance head promises of colors and densities."""

import pytest
import torch

from ddmi_toolkit.models.generators import RadianceHead
from ddmi_toolkit.registry import MODELS
from ddmi_toolkit.structures import Field, PlaneLayout, Points


def head(**options) -> RadianceHead:
    torch.manual_seed(0)
    return RadianceHead(16, **options)


def unit(*shape: int) -> torch.Tensor:
    return torch.nn.functional.normalize(torch.randn(*shape, 3), dim=-1)


def test_density_depends_on_the_place_and_color_on_the_direction_too():
    """Else surfaces would move with the camera."""
    model, h = head(), torch.randn(2, 5, 16)
    a, b = model(h, unit(2, 5)), model(h, unit(2, 5))
    assert torch.equal(a[..., 3], b[..., 3])
    assert not torch.allclose(a[..., :3], b[..., :3])
    assert torch.equal(model(h)[..., 3], a[..., 3])  # without directions
    matte = head(num_frequencies=None)
    assert torch.equal(matte(h, unit(2, 5)), matte(h, unit(2, 5)))


def test_values_stay_in_their_ranges():
    """Colors in [-1, 1], densities not negative, both without end."""
    model = head()
    out = model(1000 * torch.randn(1, 500, 16), unit(1, 500))
    assert out[..., :3].abs().max() <= 1
    assert out[..., 3].min() >= 0
    assert out[..., 3].max() > 500


@pytest.mark.parametrize('scale', [1.0, 25.0])
def test_density_begins_as_said(scale):
    """Where features say nothing; and it grows by the scale where they say much."""
    model = head(init_density=0.3, density_scale=scale)
    torch.nn.init.zeros_(model.density.bias)
    assert model(torch.zeros(1, 1, 16))[..., 3].item() == pytest.approx(0.3, rel=1e-4)
    torch.nn.init.constant_(model.density.bias, 50.0)
    high = model(torch.zeros(1, 1, 16))[..., 3].item()
    torch.nn.init.constant_(model.density.bias, 51.0)
    assert model(torch.zeros(1, 1, 16))[..., 3].item() - high == pytest.approx(scale, rel=1e-4)


def test_a_start_is_nearly_transparent_and_has_gradients():
    """Ordinary features absorb little on 2 units, and change the density by as much as it is."""
    model, h = head(), torch.randn(1, 2000, 16, requires_grad=True)
    density = model(h)[..., 3]
    assert 1 - torch.exp(-2 * density.mean()) < 0.25
    density.sum().backward()
    assert h.grad.norm(dim=-1).mean() > 0.1 * density.mean()


def test_the_color_is_not_linear():
    """The published activations were linear: a mean of features would give the mean logit."""
    model, dirs = head(), unit(1, 200)
    a, b = torch.randn(2, 1, 200, 16)

    def logits(h):
        return torch.logit((model(h, dirs)[..., :3] + 1) / 2)

    off = logits((a + b) / 2) - (logits(a) + logits(b)) / 2
    assert off.abs().mean() > 1e-3


def test_every_parameter_learns():
    """Color and density reach all of them."""
    model = head()
    model(torch.randn(1, 50, 16), unit(1, 50)).square().sum().backward()
    assert all(p.grad.abs().max() > 0 for p in model.parameters())


def test_impossible_densities_are_refused():
    """The message names both."""
    with pytest.raises(ValueError, match=r'init_density=0 and density_scale=25.0 must be posit'):
        head(init_density=0)


@pytest.mark.parametrize('strides', [(2, 1), (1,)])
def test_read_outs_of_several_scales_make_radiance_fields(strides):
    """CFC with Fourier coordinates ends in color and density; directions reach the head."""
    layout = PlaneLayout([dict(name=a, size=8) for a in 'xyz'], ['xy', 'yz', 'xz'], 2)
    torch.manual_seed(0)
    generator = MODELS.build(
        dict(
            type='PEGenerator',
            layout=layout,
            in_channels=2,
            reduce='concat',
            decoder=dict(
                type='BasisFieldDecoder',
                out_channels=4,
                strides=strides,
                base_channels=4,
                channel_mult=(1, 2),
                num_res_blocks=1,
            ),
            readout=dict(
                type='CFCReadout', width=8, coordinates='fourier', head=dict(type='RadianceHead')
            ),
        )
    )
    field = generator(torch.randn(2, 2, layout.num_tokens()))
    assert isinstance(field, Field)
    assert field.out_channels == 4
    points = Points(2 * torch.rand(2, 6, 3) - 1, layout)
    a, b = field(points, dirs=unit(2, 6)), field(points, dirs=unit(2, 6))
    assert torch.equal(a[..., 3], b[..., 3])
    assert not torch.equal(a[..., :3], b[..., :3])
