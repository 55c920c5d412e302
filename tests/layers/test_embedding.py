"""Sinusoidal encodings."""

import math

import pytest
import torch

from ddmi_toolkit.layers.embedding import FourierFeatures, timestep_embedding


def test_timestep_embedding_has_cosines_first_at_geometric_frequencies():
    t = torch.tensor([0.0, 1.0, 250.0], dtype=torch.float64)
    out = timestep_embedding(t, 8)
    w = torch.tensor([10000 ** (-i / 4) for i in range(4)], dtype=torch.float64)
    torch.testing.assert_close(out[:, :4], torch.cos(t[:, None] * w))
    torch.testing.assert_close(out[:, 4:], torch.sin(t[:, None] * w))


def test_products_of_timestep_embeddings_depend_on_the_difference_alone():
    a = timestep_embedding(torch.tensor([3.0, 13.0]), 64)
    b = timestep_embedding(torch.tensor([10.0, 20.0]), 64)
    first, second = (a * b).sum(1)
    torch.testing.assert_close(first, second, atol=1e-4, rtol=0)


def test_odd_timestep_embedding_is_refused():
    with pytest.raises(ValueError, match='even, got 7'):
        timestep_embedding(torch.zeros(1), 7)


def test_integer_and_float_times_embed_alike():
    t = torch.arange(5)
    assert torch.equal(timestep_embedding(t, 6), timestep_embedding(t.float(), 6))


def test_fourier_features_are_octaves_of_the_input():
    module = FourierFeatures(2, 3, scale=math.pi)
    x = torch.tensor([[0.25, -0.5]], dtype=torch.float64)
    out = module(x)
    assert out.shape[-1] == module.out_channels == 14
    assert torch.equal(out[:, :2], x)
    for i in range(3):
        angle = x * math.pi * 2**i
        torch.testing.assert_close(out[:, 2 + 4 * i : 4 + 4 * i], angle.sin(), rtol=0, atol=1e-6)
        torch.testing.assert_close(out[:, 4 + 4 * i : 6 + 4 * i], angle.cos(), rtol=0, atol=1e-6)


def test_fourier_features_without_the_input_are_periodic():
    module = FourierFeatures(3, 4, scale=math.pi, include_input=False)
    x = torch.rand(5, 3)
    torch.testing.assert_close(module(x), module(x + 2), atol=1e-4, rtol=0)
