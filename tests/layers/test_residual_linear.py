"""The fully connected residual block."""

import torch

from ddmi_toolkit.layers.mlp import ResidualLinear


def test_block_starts_as_its_shortcut_plus_bias():
    block = ResidualLinear(6, 4)
    x = torch.randn(3, 6)
    torch.testing.assert_close(block(x), block.shortcut(x) + block.fc2.bias)
    same = ResidualLinear(6)
    torch.testing.assert_close(same(x), x + same.fc2.bias)


def test_block_computes_the_preactivation_formula():
    block = ResidualLinear(6, 4).double()
    torch.nn.init.normal_(block.fc2.weight)
    x = torch.randn(2, 5, 6, dtype=torch.float64)
    hidden = (x.clamp(min=0) @ block.fc1.weight.T + block.fc1.bias).clamp(min=0)
    expected = x @ block.shortcut.weight.T + hidden @ block.fc2.weight.T + block.fc2.bias
    torch.testing.assert_close(block(x), expected)
    assert block.fc1.out_features == 4
    assert block.shortcut.bias is None
