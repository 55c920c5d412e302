"""Rotary embeddings: rotations, and what products of rotated features depend on."""

import math

import pytest
import torch

from ddmi_toolkit.layers.rotary import FrameRotary, PositionRotary, rotate


def products(angles):
    """Of one query and one key, at each pair of positions."""
    generator = torch.Generator().manual_seed(0)
    q, k = torch.randn(2, angles.shape[-1], generator=generator, dtype=torch.float64)
    n = len(angles)
    return rotate(q.expand(n, -1), angles.double()) @ rotate(k.expand(n, -1), angles.double()).T


def test_rotation_keeps_lengths_and_turns_by_the_angle():
    x = torch.tensor([[1.0, 0.0, 0.0, 2.0]])
    angles = torch.tensor([[0.3, 0.3, math.pi / 2, math.pi / 2]])
    expected = torch.tensor([[math.cos(0.3), math.sin(0.3), -2.0, 0.0]])
    torch.testing.assert_close(rotate(x, angles), expected, atol=1e-6, rtol=0)
    x = torch.randn(3, 5, 8)
    angles = torch.randn(5, 4).repeat_interleave(2, dim=-1)
    torch.testing.assert_close(rotate(x, angles).norm(dim=-1), x.norm(dim=-1))


def test_products_over_frames_depend_on_their_distance_only():
    """And on its sign: before and after differ."""
    p = products(FrameRotary(16)(9))
    for shift in range(-8, 9):
        diagonal = p.diagonal(shift)
        assert (diagonal - diagonal[0]).abs().max() < 1e-5
    assert (p[0, 1] - p[1, 0]).abs() > 1e-2
    assert (p[0, 1] - p[0, 2]).abs() > 1e-2


def test_products_over_a_frame_depend_on_the_offset_only():
    rows, cols = 4, 6
    p = products(PositionRotary(16)(rows, cols)).view(rows, cols, rows, cols)
    moved = p[1:, 2:, 1:, 2:]  # both ends one row and two columns on
    assert (moved - p[:-1, :-2, :-1, :-2]).abs().max() < 1e-4
    assert (p[0, 0, 1, 0] - p[0, 0, 0, 1]).abs() > 1e-2


def test_a_frame_of_more_positions_has_the_same_angles_at_the_same_places():
    """Ends and middle of frames of 3 and of 5 positions coincide."""
    rotary = PositionRotary(8)
    few, many = (rotary(n, n).view(n, n, 8) for n in (3, 5))
    torch.testing.assert_close(few, many[::2, ::2])


def test_rows_turn_the_first_half_and_columns_the_second():
    angles = PositionRotary(8)(3, 5).view(3, 5, 8)
    assert torch.equal(angles[..., :4], angles[:, :1, :4].expand(-1, 5, -1))
    assert torch.equal(angles[..., 4:], angles[:1, :, 4:].expand(3, -1, -1))
    assert angles[..., 0].unique().numel() == 3
    assert angles[..., 4].unique().numel() == 5


@pytest.mark.parametrize('rotary', [FrameRotary(8), PositionRotary(8)])
def test_tables_follow_the_dtype_of_what_they_rotate(rotary):
    angles = rotary(4) if isinstance(rotary, FrameRotary) else rotary(2, 2)
    x = torch.randn(2, 4, 8, dtype=torch.bfloat16)
    assert rotate(x, angles).dtype == torch.bfloat16
