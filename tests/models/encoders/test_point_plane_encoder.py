"""The encoder of point clouds: invariances, pooling, and what it refuses."""

import pytest
import torch

from ddmi_toolkit.models.encoders import PointPlaneEncoder
from ddmi_toolkit.models.encoders.point_plane import cell_max, cell_mean
from ddmi_toolkit.structures import PlaneLayout

TRIPLANE = PlaneLayout(
    [dict(name=a, size=8, low=-0.55, high=0.55) for a in 'xyz'],
    ['xy', 'yz', 'xz'],
    align_corners=True,
)
UNEQUAL = PlaneLayout(
    [dict(name=a, size=n, low=-0.55, high=0.55) for a, n in zip('xyz', (4, 8, 12), strict=True)],
    ['xy', 'xz'],
    latent_stride=2,
)
LAYOUTS = [(TRIPLANE, 'channel'), (TRIPLANE, 'token'), (TRIPLANE, 'none'), (UNEQUAL, 'token')]


def small(layout=TRIPLANE, mix='channel', **kwargs):
    torch.manual_seed(0)
    levels = layout.latent_stride.bit_length()
    config = dict(
        hidden_channels=8,
        point_channels=4,
        num_blocks=3,
        base_channels=8,
        channel_mult=(1, 2, 2)[:levels],
        num_res_blocks=1,
    )
    encoder = PointPlaneEncoder(layout, 3, mix=mix, **(config | kwargs))
    for p in encoder.parameters():  # blocks that start as their shortcut hide the pooling
        p.data += 0.1 * torch.randn(p.shape)
    return encoder


def cloud(batch=2, points=50, channels=3):
    generator = torch.Generator().manual_seed(1)
    return 1.2 * torch.rand(batch, points, channels, generator=generator) - 0.6


@pytest.mark.parametrize('layout, mix', LAYOUTS)
def test_the_order_of_the_points_does_not_matter(layout, mix):
    encoder, points = small(layout, mix), cloud()
    shuffled = points[:, torch.randperm(50)]
    torch.testing.assert_close(encoder(points), encoder(shuffled), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize('layout, mix', LAYOUTS)
def test_clouds_do_not_see_each_other(layout, mix):
    encoder, points = small(layout, mix), cloud(3)
    together = encoder(points)
    assert together.shape == (3, 6, layout.num_tokens())
    for i in range(3):
        alone = encoder(points[i : i + 1])
        torch.testing.assert_close(together[i : i + 1], alone, atol=1e-5, rtol=1e-5)


def test_points_given_twice_change_nothing():
    """Maxima and means over a cell do not count."""
    encoder, points = small(), cloud()
    torch.testing.assert_close(
        encoder(points), encoder(torch.cat([points, points], dim=1)), atol=1e-5, rtol=1e-5
    )


def test_other_channels_are_features_and_not_coordinates():
    encoder = small(in_channels=6)
    points = cloud(1, 5, 6)
    planes = encoder.scatter(points)
    colored = encoder.scatter(torch.cat([points[..., :3], -points[..., 3:]], dim=-1))
    for plane, x in planes.items():
        occupied = x.abs().sum(1) > 0
        assert torch.equal(occupied, colored[plane].abs().sum(1) > 0)
        assert not torch.equal(x, colored[plane])


def test_a_point_lands_in_the_cell_of_its_coordinates():
    encoder = small()
    point = torch.tensor([[[-0.55 + 1.1 * 0.2, -0.55 + 1.1 * 0.4, -0.55 + 1.1 * 0.9]]])
    columns = dict(x=1, y=3, z=7)
    for plane, x in encoder.scatter(point).items():
        rows, cols = x.abs().sum((0, 1)).nonzero()[0].tolist()
        assert (rows, cols) == (columns[plane[1]], columns[plane[0]])
        assert (x.abs().sum((0, 1)) > 0).sum() == 1


def test_extent_replaces_the_range_of_the_axes():
    config = TRIPLANE.config
    for axis in config['axes']:
        axis.update(low=-3.5, high=3.5)
    wide = small(PlaneLayout(**config), extent=0.55)
    points = cloud()
    for plane, x in small().scatter(points).items():
        torch.testing.assert_close(wide.scatter(points)[plane], x)


def test_cell_max_is_the_maximum_over_the_cell_and_so_is_its_gradient():
    torch.manual_seed(0)
    cells = torch.randint(0, 5, (20,))
    x = torch.randn(20, 3, dtype=torch.float64, requires_grad=True)
    expected = torch.stack([x[cells == c].amax(0) for c in cells.tolist()])
    torch.testing.assert_close(cell_max(x, cells, 7), expected)
    weights = torch.randn_like(expected)
    ours = torch.autograd.grad((cell_max(x, cells, 7) * weights).sum(), x)[0]
    torch.testing.assert_close(ours, torch.autograd.grad((expected * weights).sum(), x)[0])


def test_cell_mean_is_zero_in_empty_cells():
    x = torch.tensor([[1.0], [3.0], [5.0]])
    out = cell_mean(x, torch.tensor([2, 2, 0]), 4)
    assert out.flatten().tolist() == [5.0, 0.0, 2.0, 0.0]


@pytest.mark.parametrize('layout, mix', LAYOUTS)
def test_gradients_reach_every_parameter(layout, mix):
    encoder = small(layout, mix)
    encoder(cloud()).square().sum().backward()
    dead = [n for n, p in encoder.named_parameters() if p.grad is None or not p.grad.any()]
    assert dead == []


def test_errors_name_value_and_remedy():
    with pytest.raises(ValueError, match='in_channels=2, but the first 3 channels'):
        small(in_channels=2)
    with pytest.raises(ValueError, match=r'\(1, 4, 6\).*set in_channels=6'):
        small()(torch.zeros(1, 4, 6))
    with pytest.raises(ValueError, match='extent must be positive, got -1'):
        small(extent=-1)
    with pytest.raises(ValueError, match="use mix='token'"):
        small(UNEQUAL, 'channel')
