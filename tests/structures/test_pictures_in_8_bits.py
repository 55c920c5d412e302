"""How sizes of pictures are given, and their values in 8 bits."""

import pytest
import torch

from ddmi_toolkit.structures import as_size, to_uint8


def test_sizes_are_checked():
    assert as_size(3) == (3, 3)
    assert as_size([3, 4]) == (3, 4)
    for wrong in (0, (3,), (3, -1), (3, 4.5)):
        with pytest.raises(ValueError, match=r'side=.* must be a number of pixels or'):
            as_size(wrong, 'side')


def test_values_are_rounded_and_clamped():
    values = torch.tensor([-3.0, -1, -1 + 1.01 / 255, 0.999, 1, 7])
    assert to_uint8(values).tolist() == [0, 0, 1, 255, 255, 255]


def test_every_8_bit_value_comes_back():
    values = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_uint8(values / 127.5 - 1), values)
