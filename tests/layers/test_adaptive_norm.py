"""Adaptive norms and the blocks made of them (adaLN-Zero)."""

import pytest
import torch
import torch.nn.functional as F

from ddmi_toolkit.layers.adaptive_norm import AdaptiveBlock, AdaptiveNorm


def draws(*shapes):
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(*s, generator=generator, dtype=torch.float64) for s in shapes]


def perturbed(module):
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for p in module.parameters():
            p.add_(0.2 * torch.randn(p.shape, generator=generator))
    return module.double()


def test_the_embedding_alone_moves_mean_and_deviation():
    """Tokens come out with mean ``shift`` and deviation ``1 + scale``, whatever they were."""
    norm = AdaptiveNorm(6, 2, num_gates=1).double()
    with torch.no_grad():  # both shifts, scales and gates as the embedding says
        norm.linear.weight[:6, 0] = 1
        norm.linear.weight[6:12, 1] = 1
        norm.linear.weight[12:, 0] = -1
    x, emb = 5 + 3 * draws((2, 4, 6))[0], torch.tensor([[0.5, 1.0], [-2.0, 0.0]]).double()
    h, gate = norm(x, emb)
    torch.testing.assert_close(h.mean(-1), emb[:, :1].expand(2, 4))
    spread = h.std(-1, unbiased=False)
    torch.testing.assert_close(spread, 1 + emb[:, 1:].expand(2, 4), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(gate, -emb[:, :1, None].expand(2, 1, 6))


@pytest.mark.parametrize('context_channels', [None, 3])
def test_a_block_starts_as_the_identity(context_channels):
    """Whatever embedding and context are."""
    block = AdaptiveBlock(8, 5, 2, 16, context_channels).double()
    x, emb, context = draws((2, 4, 8), (2, 5), (2, 6, 3))
    assert torch.equal(block(x, emb, context), x)


def test_a_block_is_the_published_one():
    """Written out: gated attention and feed-forward of shifted and scaled norms."""
    block = perturbed(AdaptiveBlock(8, 5, 2, 16))
    x, emb = draws((2, 4, 8), (2, 5))

    def moved(norm, x):
        shift, scale, gate = norm.linear(emb).chunk(3, dim=-1)
        h = F.layer_norm(x, (8,), eps=1e-6) * (1 + scale[:, None]) + shift[:, None]
        return h, gate[:, None]

    reference = torch.nn.MultiheadAttention(8, 2, batch_first=True).double()
    names = dict(in_proj_weight=block.qkv.weight, in_proj_bias=block.qkv.bias)
    names |= {f'out_proj.{k}': v for k, v in block.proj.state_dict().items()}
    reference.load_state_dict(names)
    h, gate = moved(block.norm1, x)
    expected = x + gate * reference(h, h, h, need_weights=False)[0]
    h, gate = moved(block.norm2, expected)
    expected = expected + gate * block.fc2(F.gelu(block.fc1(h), approximate='tanh'))
    torch.testing.assert_close(block(x, emb), expected)


def test_gradients_of_a_block_are_exact():
    """Against finite differences: to tokens, embedding and context."""
    block = perturbed(AdaptiveBlock(4, 2, 2, 4, context_channels=3))
    inputs = [v.requires_grad_() for v in draws((1, 2, 4), (1, 2), (1, 2, 3))]
    assert torch.autograd.gradcheck(block, inputs)
