"""The spectral regularizer against exact singular values."""

import copy

import pytest
import torch
from torch import nn

from ddmi_toolkit.layers.attention import SpatialAttention, TokenAttention
from ddmi_toolkit.models.losses import SpectralRegularizer


def network(seed=0):
    """Layers whose largest singular value stands out, so that power iteration is quick."""
    torch.manual_seed(seed)
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3),
        nn.GroupNorm(4, 8),
        SpatialAttention(8),
        nn.Conv2d(8, 8, 3),
        nn.Conv2d(8, 8, 3),
        TokenAttention(8),
        nn.Linear(5, 7),
    ).double()
    for p in net.parameters():
        if p.ndim > 1:
            for part in p.data.chunk(3) if p.shape[0] == 24 else [p.data]:
                part += 0.3 * torch.randn(part.shape[0], *[1] * (p.ndim - 1))
    return net


def attached(modules, **kwargs):
    return SpectralRegularizer(**(dict(weight=1.0) | kwargs)).attach(modules).double()


def top(*weights):
    return sum(torch.linalg.svdvals(w.flatten(1))[0] for w in weights)


def gains(net):
    return sum(m.weight.abs().max() for m in net.modules() if isinstance(m, nn.GroupNorm))


def spatial_weights(net):
    tokens = net[2].tokens
    return [*tokens.qkv.weight.chunk(3), tokens.proj.weight]


def test_penalty_is_the_sum_of_top_singular_values_and_gains():
    net = network()
    regularizer = attached([net])
    expected = top(net[0].weight, net[3].weight, net[4].weight, *spatial_weights(net)) + gains(net)
    torch.testing.assert_close(regularizer([net]), expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize(
    'kinds, weights',
    [
        (('conv',), lambda n: [n[0].weight, n[3].weight, n[4].weight]),
        (('spatial_attention',), spatial_weights),
        (('linear',), lambda n: [n[6].weight]),
        (('joint_attention',), lambda n: [*n[5].qkv.weight.chunk(3), n[5].proj.weight]),
    ],
)
def test_the_set_of_regularized_weights_is_an_option(kinds, weights):
    net = network()
    regularizer = attached([net], kinds=kinds)
    expected = top(*weights(net)) + gains(net)
    torch.testing.assert_close(regularizer([net]), expected, rtol=1e-6, atol=0)


def test_published_iteration_counts_are_accurate_and_never_too_large():
    """Power iteration approaches the largest singular value from below."""
    net = network()
    exact = top(net[0].weight, net[3].weight, net[4].weight, *spatial_weights(net)) + gains(net)
    regularizer = attached([net])
    values = [regularizer([net]).item() for _ in range(5)]
    assert values[0] == pytest.approx(exact.item(), rel=0.05)
    assert values == sorted(values)
    assert values[-1] <= exact.item() + 1e-9


def test_gradient_is_that_of_the_largest_singular_value():
    net = network()
    regularizer = attached([net])
    regularizer([net]).backward()
    weight = net[3].weight.detach().requires_grad_()
    top(weight).backward()
    torch.testing.assert_close(net[3].weight.grad, weight.grad, rtol=1e-4, atol=1e-6)
    assert net[1].weight.grad.any()
    assert net[6].weight.grad is None


def test_descent_reduces_singular_values():
    net = network()
    regularizer = attached([net])
    optimizer = torch.optim.SGD(net.parameters(), 0.05)
    before = top(net[0].weight)
    for _ in range(10):
        optimizer.zero_grad()
        regularizer([net]).backward()
        optimizer.step()
    assert top(net[0].weight) < 0.9 * before


def test_restored_state_continues_bit_for_bit():
    net, other = network(), network()
    first = attached([net])
    first([net])
    restored = attached([other])
    restored.load_state_dict(copy.deepcopy(first.state_dict()))
    assert torch.equal(first([net]), restored([other]))
    assert first.state_dict().keys() == restored.state_dict().keys()
    for a, b in zip(first.state_dict().values(), restored.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_global_random_state_is_neither_read_nor_moved():
    net = network()
    torch.manual_seed(1)
    a = attached([net])([net])
    state = torch.get_rng_state()
    torch.manual_seed(2)
    b = attached([net])([net])
    assert torch.equal(a, b)
    torch.manual_seed(1)
    assert torch.equal(state, torch.get_rng_state())


def test_evaluation_mode_changes_no_state():
    net = network()
    regularizer = attached([net])
    regularizer([net])
    regularizer.eval()
    before = copy.deepcopy(regularizer.state_dict())
    regularizer([net])
    assert all(torch.equal(v, before[k]) for k, v in regularizer.state_dict().items())


def test_weight_is_a_plain_number_that_scales():
    net = network()
    regularizer = attached([net]).eval()
    value = regularizer([net])
    regularizer.weight = 0.5
    torch.testing.assert_close(regularizer([net]), 0.5 * value)


def test_modules_keep_their_parameters_to_themselves():
    net = network()
    regularizer = attached([net])
    assert not list(regularizer.parameters())
    assert all(k == 'is_warm' or k[:2] in ('u_', 'v_') for k in regularizer.state_dict())


def test_errors_name_the_remedy():
    with pytest.raises(ValueError, match=r"kinds has \['conv1d'\]; choose of \['conv'"):
        SpectralRegularizer(kinds=('conv1d',))
    with pytest.raises(RuntimeError, match='call attach'):
        SpectralRegularizer()([network()])
    with pytest.raises(RuntimeError, match='attached to other weights'):
        attached([network()])([network(), nn.Conv2d(3, 8, 3)])


def test_copies_are_independent():
    net = network()
    regularizer = attached([net])
    twin = copy.deepcopy(regularizer)
    regularizer([net])
    assert regularizer.is_warm
    assert not twin.is_warm


def test_it_can_be_attached_on_the_meta_device():
    with torch.device('meta'):
        net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.GroupNorm(4, 8))
        regularizer = SpectralRegularizer().attach([net])
    assert regularizer.get_buffer('u_8x27').shape == (1, 8)
