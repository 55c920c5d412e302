"""The network on sets of pairs: what it may and may not depend on."""

import pytest
import torch
from torch import nn

DIMS = [1, 2, 3, 4]


def build(num_coords, **options):
    """A small network whose outputs are not zero, as they are before training."""
    from dpf import SetTransformer

    torch.manual_seed(0)
    sizes = dict(hidden_channels=16, num_latents=5, depth=2, num_heads=2, read_depth=2)
    net = SetTransformer(num_coords, channels=2, **(sizes | options)).double()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return net


def pairs(num, num_coords, seed=0):
    """Random pairs of a batch of two."""
    from dpf import Pairs

    torch.manual_seed(seed)
    coords = torch.rand(2, num, num_coords, dtype=torch.float64) * 2 - 1
    return Pairs(coords, torch.randn(2, 2, num, dtype=torch.float64))


def take(given, index):
    """Some of the pairs, in this order."""
    return type(given)(given.coords[:, index], given.values[..., index])


LEVEL = torch.tensor([3.0, 400.0])


@pytest.mark.parametrize('num_coords', DIMS)
def test_the_order_of_the_context_does_not_matter(num_coords):
    net, context, query = build(num_coords), pairs(9, num_coords), pairs(6, num_coords, 1)
    shuffled = take(context, torch.randperm(9))
    torch.testing.assert_close(net(shuffled, query, LEVEL), net(context, query, LEVEL))


@pytest.mark.parametrize('num_coords', DIMS)
def test_outputs_follow_the_queries_and_no_query_sees_another(num_coords):
    """Equivariant, and each as if it had been asked alone."""
    net, context, query = build(num_coords), pairs(9, num_coords), pairs(6, num_coords, 1)
    out = net(context, query, LEVEL)
    order = torch.randperm(6)
    torch.testing.assert_close(net(context, take(query, order), LEVEL), out[..., order])
    for i in range(6):
        torch.testing.assert_close(net(context, take(query, [i]), LEVEL), out[..., [i]])


def test_everything_that_is_given_counts():
    net, context, query = build(2), pairs(9, 2), pairs(6, 2, 1)
    out = net(context, query, LEVEL)
    changed = [
        net(context._replace(values=context.values + 0.3), query, LEVEL),
        net(context._replace(coords=-context.coords), query, LEVEL),
        net(context, query._replace(values=query.values + 0.3), LEVEL),
        net(context, query._replace(coords=-query.coords), LEVEL),
        net(context, query, LEVEL.flip(0)),
        net(take(context, slice(5)), query, LEVEL),
    ]
    for other in changed:
        assert (other - out).abs().max() > 1e-3


def test_gradients_reach_every_parameter():
    net = build(3)
    net(pairs(9, 3), pairs(6, 3, 1), LEVEL).square().sum().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_predicts_zero_before_training():
    from dpf import SetTransformer

    net = SetTransformer(2, 2, hidden_channels=16, num_heads=2).double()
    assert not net(pairs(9, 2), pairs(6, 2, 1), LEVEL).any()


def test_attention_depends_on_differences_of_places_only():
    """All places moved alike change nothing; one of them does."""
    from dpf.rotary_attention import PlaceRotary, RotaryAttention

    torch.manual_seed(0)
    attention, rotary = RotaryAttention(16, 2).double(), PlaceRotary(3, 2, 8, 16.0).double()
    x, context = torch.randn(2, 5, 16).double(), torch.randn(2, 7, 16).double()
    at_x, at_context = torch.rand(2, 5, 3).double(), torch.rand(2, 7, 3).double()

    def attend(places, context_places):
        return attention(x, context, rotary(places), rotary(context_places))

    out, move = attend(at_x, at_context), torch.tensor([0.3, -0.1, 0.2]).double()
    torch.testing.assert_close(attend(at_x + move, at_context + move), out)
    assert (attend(at_x, at_context + move) - out).abs().max() > 1e-4


def test_attention_is_local_before_training():
    """Tokens without content of their own: the value that is read is that of the nearest place."""
    from dpf.rotary_attention import PlaceRotary, RotaryAttention

    torch.manual_seed(0)
    attention, rotary = RotaryAttention(64, 4), PlaceRotary(1, 4, 16, 32.0)
    nn.init.zeros_(attention.query.weight)
    nn.init.zeros_(attention.key.weight)
    places = torch.linspace(-1, 1, 33)[None, :, None]
    weights = torch.empty(33)
    for i in range(33):  # weight of one token of the context, by what is read when it is marked
        context = torch.randn(1, 1, 64).expand(1, 33, 64).clone()
        plain = attention(torch.zeros(1, 1, 64), context, rotary(places[:, 16:17]), rotary(places))
        context[:, i] = -context[:, i]
        marked = attention(torch.zeros(1, 1, 64), context, rotary(places[:, 16:17]), rotary(places))
        weights[i] = (marked - plain).norm() / (plain.norm() + 1e-6)
    assert weights.argmax() == 16
    assert weights[15:18].sum() > weights[:15].sum()
    assert weights[15:18].sum() > weights[18:].sum()


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(num_heads=3), 'num_heads=3 does not divide hidden_channels=16'),
        (dict(num_latents=0), 'num_latents=0 must be at least 1'),
        (dict(read_depth=0), 'read_depth=0 must be at least 1'),
    ],
)
def test_impossible_sizes_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        build(2, **options)
