"""The random functions that fields start from: their covariance, exactly."""

import math

import pytest
import torch

SIZES = [(5,), (4,), (1,), (4, 3), (2, 4, 3), (2, 3, 2, 3)]


def covariance(noise, a, b):
    """Covariance ``(Q_a, Q_b)`` of values at coordinates ``(Q, D)``, from the functions that
    standard normal coefficients stand before.
    """
    unit = torch.eye(noise.num_coefficients, dtype=torch.float64)[None]
    return noise(unit, a[None])[0].T @ noise(unit, b[None])[0]


def nodes(sizes):
    """All nodes ``(Q, D)`` of a lattice of cell centers on [-1, 1]."""
    axes = [(2 * torch.arange(n, dtype=torch.float64) + 1) / n - 1 for n in sizes]
    return torch.cartesian_prod(*axes).reshape(-1, len(sizes))


@pytest.mark.parametrize('sizes', SIZES)
def test_nodes_are_independent_wherever_the_lattice_lies(sizes):
    from dpf import LatticeNoise

    noise = LatticeNoise(sizes)
    shift = torch.rand(len(sizes), generator=torch.Generator().manual_seed(0)).double()
    for where in (nodes(sizes), nodes(sizes) + shift):
        torch.testing.assert_close(
            covariance(noise, where, where), torch.eye(math.prod(sizes), dtype=torch.float64)
        )


@pytest.mark.parametrize('sizes', SIZES)
def test_variance_is_one_everywhere_and_only_differences_count(sizes):
    from dpf import LatticeNoise

    noise = LatticeNoise(sizes)
    a, b, shift = torch.rand(3, 7, len(sizes), dtype=torch.float64) * 2 - 1
    variance = covariance(noise, a, a).diagonal()
    torch.testing.assert_close(variance, torch.ones_like(variance))
    moved = covariance(noise, a + shift[:1], b + shift[:1])
    torch.testing.assert_close(covariance(noise, a, b), moved)


def test_close_points_have_nearly_the_same_noise():
    """The covariance is the Dirichlet kernel: 1 - O(distance squared)."""
    from dpf import LatticeNoise

    noise = LatticeNoise((8, 8))
    a = torch.zeros(1, 2, dtype=torch.float64)
    near, nearer = (covariance(noise, a, a + d).item() for d in (2e-3, 1e-3))
    assert (1 - near) / (1 - nearer) == pytest.approx(4, rel=1e-3)


def test_values_do_not_depend_on_chunks(monkeypatch):
    from dpf import LatticeNoise, noise

    random, coords = LatticeNoise((4, 3)), torch.rand(2, 11, 2) * 2 - 1
    coefficients = torch.randn(2, 3, random.num_coefficients)
    whole = random(coefficients, coords)
    monkeypatch.setattr(noise, '_MAX_QUERIES', 4)
    torch.testing.assert_close(random(coefficients, coords), whole)
    assert whole.shape == (2, 3, 11)
