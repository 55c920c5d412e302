"""Cross-attention: what tokens read from a context."""

import pytest
import torch

from ddmi_toolkit.layers.attention import CrossAttention, SpatialCrossAttention


def perturbed(module):
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for p in module.parameters():
            p.add_(0.2 * torch.randn(p.shape, generator=generator))
    return module.double()


def draws(*shapes):
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(*s, generator=generator, dtype=torch.float64) for s in shapes]


def test_it_is_softmax_attention_of_the_textbook():
    """One head, written out: softmax(q k' / sqrt(d)) v (Vaswani et al. 2017, Eq. 1)."""
    net = perturbed(CrossAttention(4, 3))
    x, context = draws((2, 5, 4), (2, 6, 3))
    c = torch.nn.functional.layer_norm(context, (3,), net.norm.weight, net.norm.bias)
    k, v = net.key_value(c).chunk(2, dim=-1)
    weights = (net.query(x) @ k.mT / 4**0.5).softmax(-1)
    torch.testing.assert_close(net(x, context), net.proj(weights @ v))


def test_heads_are_separate_attentions():
    """Keys of one head do not move what the other reads."""
    net = perturbed(CrossAttention(4, 3, num_heads=2))
    x, context = draws((1, 5, 4), (1, 6, 3))
    torch.nn.init.eye_(net.proj.weight)
    before = net(x, context)
    with torch.no_grad():
        net.key_value.weight[:2] += 1  # keys of the first head
    moved = (net(x, context) - before).abs().amax((0, 1))
    assert (moved > 1e-4).tolist() == [True, True, False, False]


def test_it_starts_as_nothing():
    """The residual block is the identity at first, whatever the context."""
    x, context = draws((2, 8, 3, 4), (2, 6, 3))
    assert torch.equal(SpatialCrossAttention(8, 3, 2).double()(x, context), x)


def test_gradients_are_exact():
    """Against finite differences, to tokens and context."""
    net = perturbed(SpatialCrossAttention(4, 3, 2))
    x, context = (v.requires_grad_() for v in draws((1, 4, 1, 2), (1, 2, 3)))
    assert torch.autograd.gradcheck(net, (x, context))


def test_heads_that_do_not_divide_are_named():
    with pytest.raises(ValueError, match='3 heads do not divide 8 channels'):
        CrossAttention(8, 5, 3)
