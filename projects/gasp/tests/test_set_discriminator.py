"""Scores of sets: what they depend on, and what a point convolution computes."""

from itertools import pairwise

import pytest
import torch
from gasp_project import PointConv, SetDiscriminator
from gasp_project.neighborhoods import Neighborhoods, neighborhoods
from torch import nn

LAYERS = [
    dict(channels=6, num_neighbors=5),
    dict(num_points=10, num_neighbors=5),
    dict(channels=8, num_neighbors=4),
]


def discriminator(dim=2, channels=3, layers=LAYERS, norm='batch'):
    torch.manual_seed(0)
    return SetDiscriminator(dim, channels, layers, weight_channels=(8, 8), norm=norm)


def sets(dim=2, batch=3, count=36, channels=3):
    g = torch.Generator().manual_seed(0)
    coords = torch.rand(batch, count, dim, generator=g) * 2 - 1
    return coords, torch.randn(batch, count, channels, generator=g)


def grid(size=6, batch=3):
    axis = torch.linspace(-1, 1, size)
    coords = torch.stack(torch.meshgrid(axis, axis, indexing='ij'), -1).flatten(0, 1)
    return coords.expand(batch, -1, -1), sets(batch=batch, count=size**2)[1]


@pytest.mark.parametrize('dim', [1, 2, 3, 4])
def test_scores_do_not_depend_on_the_order_of_elements(dim):
    net, (coords, values) = discriminator(dim), sets(dim)
    order = torch.randperm(36, generator=torch.Generator().manual_seed(1))
    assert torch.equal(net(coords, values), net(coords[:, order], values[:, order]))


def test_ties_of_a_grid_do_not_depend_on_the_order_either():
    net, (coords, values) = discriminator(), grid()
    order = torch.randperm(36, generator=torch.Generator().manual_seed(1))
    assert torch.equal(net(coords, values), net(coords[:, order], values[:, order]))


def test_scores_depend_on_each_value_and_on_where_it_is():
    net, (coords, values) = discriminator(), grid()
    values.requires_grad_()
    (net(coords, values) * torch.tensor([1.0, 2.0, 4.0])).sum().backward()
    assert (values.grad.abs().sum(-1) > 0).all()
    moved = values.detach().flip(1)
    assert not torch.allclose(net(coords, values), net(coords, moved))


def test_any_number_of_elements_is_a_set():
    net = discriminator()
    for count in (10, 50):
        assert net(*sets(count=count)).shape == (3,)
    with pytest.raises(ValueError, match='10 farthest points wanted of a set of 9'):
        net(*sets(count=9))


def test_neighbors_are_searched_once_for_the_same_coordinates():
    net, (coords, values) = discriminator(), grid()
    net(coords, values)
    known = net._known
    net(coords.clone(), -values)
    assert net._known is known
    net(coords + 0.1, values)
    assert net._known is not known


def test_every_parameter_is_trained():
    net = discriminator()
    (net(*sets()) * torch.tensor([1.0, 2.0, 4.0])).sum().backward()
    # a bias before a batch norm is taken out by it
    dead = [n for n, p in net.named_parameters() if p.grad is None]
    assert dead == []


def test_a_point_convolution_averages_over_offsets():
    """With weights that are the offsets, inside a grid of 3 x 3 neighbors: moments of the values.

    The offsets of a constant cancel; of the coordinate x, ``mean dx x = mean dx^2 = 6 h^2 / 9``.
    """
    size, h = 6, 2 / 5
    coords, _ = grid(size, batch=1)
    convolution = PointConv(2, 2, 4, weight_channels=(2,))
    convolution.weights = nn.Identity()
    nn.init.eye_(convolution.linear.weight)
    nn.init.zeros_(convolution.linear.bias)
    features = torch.stack([torch.ones(36), coords[0, :, 0]], dim=-1)[None]
    out = convolution(neighborhoods(coords, 9), features).view(size, size, 2, 2)
    inside = out[1:-1, 1:-1]
    torch.testing.assert_close(inside[..., 0, :], torch.zeros(4, 4, 2), atol=1e-6, rtol=0)
    expected = torch.tensor([6 * h**2 / 9, 0.0]).expand(4, 4, 2)
    torch.testing.assert_close(inside[..., 1, :], expected, atol=1e-6, rtol=1e-5)


def test_features_keep_their_scale_through_convolutions_at_the_start():
    """With any number of neighbors: else a score would be all or nothing before any training."""
    torch.manual_seed(0)
    coords = grid(16)[0][:1]
    for num_neighbors in (9, 25):
        place = neighborhoods(coords, num_neighbors)
        h = torch.randn(4, 256, 3) + torch.randn(4, 1, 3)
        sizes = [3, 24, 48, 96, 96]
        start = h.square().mean().sqrt()
        for before, after in pairwise(sizes):
            h = PointConv(2, before, after, (16, 16))(place, h).detach()
            h = nn.functional.leaky_relu(h, 0.2)
        assert 0.2 < h.square().mean().sqrt() / start < 5


def test_shared_neighborhoods_convolve_as_separate_ones():
    """While training, too: batch norms see the same offsets, once or three times."""
    coords, values = grid()
    convolution = PointConv(2, 3, 4, weight_channels=(5, 5))
    shared = neighborhoods(coords[:1], 9, 7)
    separate = Neighborhoods(*(t.expand(3, *t.shape[1:]) for t in shared))
    torch.testing.assert_close(convolution(shared, values), convolution(separate, values))


@pytest.mark.parametrize(('norm', 'is_blind'), [('batch', True), ('none', False)])
def test_batch_norms_hide_the_scale_of_all_values(norm, is_blind):
    """Why small configs have none: a batch of twice the contrast has the same scores."""
    net, (coords, values) = discriminator(norm=norm).double(), grid()
    one, two = net(coords.double(), values.double()), net(coords.double(), 2 * values.double())
    assert torch.allclose(one, two, atol=1e-4) == is_blind


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="must be 'batch' or 'none', got 'group'"):
        discriminator(norm='group')
    with pytest.raises(ValueError, match=r'either channels \(a convolution\) or num_points'):
        discriminator(layers=[dict(channels=3, num_points=2, num_neighbors=4)])
