"""Blocks on sequences: the last token alone, permutations, pooling."""

import pytest
import torch
import torch.nn.functional as F

from ddmi_toolkit.layers.rotary import FrameRotary
from ddmi_toolkit.layers.sequence import FeedForward, PoolingTransformer, SequenceAttention


def seeded(build, *args, **kwargs):
    torch.manual_seed(0)
    return build(*args, **kwargs)


def test_attention_equals_the_formula():
    """One softmax over the rotated products, per head."""
    block, x = seeded(SequenceAttention, 6, 2, 4), torch.randn(3, 5, 6)
    q, k, v = block.qkv(block.norm(x)).view(3, 5, 3, 2, 4).permute(2, 0, 3, 1, 4)
    weights = (q @ k.transpose(-1, -2) / 2).softmax(-1)
    heads = (weights @ v).transpose(1, 2).flatten(2)
    torch.testing.assert_close(block(x), x + block.proj(heads))


@pytest.mark.parametrize('is_rotated', [False, True])
def test_the_last_token_alone_is_the_last_of_all(is_rotated):
    block, x = seeded(SequenceAttention, 8, 2, 4), torch.randn(3, 5, 8)
    angles = FrameRotary(4)(5) if is_rotated else None
    torch.testing.assert_close(block(x, angles, last_only=True), block(x, angles)[:, -1:])


def test_attention_without_angles_has_no_order_and_with_angles_has_one():
    block, x = seeded(SequenceAttention, 8, 2, 4), torch.randn(2, 5, 8)
    order = torch.tensor([3, 0, 4, 1, 2])
    torch.testing.assert_close(block(x[:, order]), block(x)[:, order])
    angles = FrameRotary(4)(5)
    assert (block(x[:, order], angles) - block(x, angles)[:, order]).abs().max() > 1e-3


def test_gated_feed_forward_is_values_times_gates():
    block, x = seeded(FeedForward, 4, 6, gated=True), torch.randn(3, 4)
    h = F.linear(block.norm(x), block.fc1.weight, block.fc1.bias)
    torch.testing.assert_close(block(x), x + block.fc2(h[:, :6] * F.gelu(h[:, 6:])))
    assert seeded(FeedForward, 4, 6).fc1.out_features == 6


@pytest.mark.parametrize('output', ['learned', 'first'])
@pytest.mark.parametrize('depth', [1, 3])
def test_pooling_returns_what_all_blocks_would(output, depth):
    """The last block computes one output; the others of it are not needed."""
    pool, x = seeded(PoolingTransformer, 16, 4, depth, output), torch.randn(3, 4, 16)
    h = torch.cat([x, pool.token.expand(3, -1, -1)], dim=1) + pool.positions
    for attention, feed_forward in pool.blocks:
        h = feed_forward(attention(h))
    expected = h[:, 0] if output == 'first' else h[:, -1]
    torch.testing.assert_close(pool(x), expected, atol=1e-6, rtol=1e-5)


def test_pooling_knows_order_by_its_positions_only():
    """Equal positions: any order of the sequence gives the same. Trained positions: it does not."""
    pool, x = seeded(PoolingTransformer, 16, 5, 2), torch.randn(2, 5, 16)
    order = torch.tensor([3, 0, 4, 1, 2])
    with torch.no_grad():
        pool.positions.normal_()
    assert (pool(x[:, order]) - pool(x)).abs().max() > 1e-3
    pool.positions.data[:, :5] = pool.positions.data[:, :1]
    torch.testing.assert_close(pool(x[:, order]), pool(x), atol=1e-6, rtol=1e-5)


def test_pooling_at_the_first_position_still_sees_the_learned_token():
    pool, x = seeded(PoolingTransformer, 16, 3, 1, 'first'), torch.randn(1, 3, 16)
    before = pool(x)
    pool.token.data += 1 + torch.randn_like(pool.token)
    assert (pool(x) - before).abs().max() > 1e-4


def test_pooling_errors_name_the_value():
    with pytest.raises(ValueError, match="pool_token must be 'learned' or 'first', got 'last'"):
        PoolingTransformer(16, 4, output='last')
    with pytest.raises(ValueError, match='pool_depth=0'):
        PoolingTransformer(16, 4, depth=0)
    with pytest.raises(ValueError, match='channels=4'):
        PoolingTransformer(4, 4)
