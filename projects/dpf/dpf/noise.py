"""Initial noise of a field: a random function that can be asked anywhere."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

_MAX_QUERIES = 4096  # contracted at a time: what lies between two axes has a row per query


class LatticeNoise(nn.Module):
    """Gaussian random field of unit variance, independent at the nodes of a lattice.

    ``noise(x) = sum_j g_j prod_d b_{j_d}(x_d)`` with standard normal ``g``. The ``b`` of an axis
    of ``n`` nodes are the trigonometric functions up to the lattice's Nyquist frequency, scaled so
    that ``sum_j b_j(x) b_j(y)`` is the Dirichlet kernel of ``x - y``: 1 where they coincide, 0
    where they are a whole number of nodes apart (the box is periodic). So the noise of any point
    is standard normal, that of different nodes is independent, as in training, and in between it
    is smooth: a field that is a function of its noise is one of the coordinate.

    Args:
        sizes: Nodes ``n`` of each axis of the lattice.

    Attributes:
        num_coefficients: Numbers ``K`` that make a random function of one channel.
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        super().__init__()
        self.sizes = tuple(sizes)
        # The sine at an even lattice's Nyquist frequency is 0 at one choice of nodes; with it the
        # variance is 1 between them as well.
        self.counts = tuple(2 * (n // 2) + 1 for n in self.sizes)
        self.num_coefficients = math.prod(self.counts)

    def forward(self, coefficients: Tensor, coords: Tensor) -> Tensor:
        """Values of the random functions at coordinates.

        Args:
            coefficients: Standard normal ``(B, C, K)``.
            coords: ``(B, Q, D)``, each axis in [-1, 1].

        Returns:
            ``(B, C, Q)``.
        """
        parts = coords.split(_MAX_QUERIES, dim=1)
        return torch.cat([self._evaluate(coefficients, part) for part in parts], dim=-1)

    def _evaluate(self, coefficients: Tensor, coords: Tensor) -> Tensor:
        batch, channels, _ = coefficients.shape
        first, *others = self.counts
        rest = coefficients.view(batch, channels, first, math.prod(others))
        waves = _waves(coords[..., 0], self.sizes[0])  # (B, Q, n)
        rest = waves[:, None] @ rest  # (B, C, Q, product of the other axes)
        for axis, count in enumerate(others, start=1):
            waves = _waves(coords[..., axis], self.sizes[axis])
            rest = rest.unflatten(-1, (count, -1))
            rest = torch.einsum('bqn,bcqnr->bcqr', waves, rest)
        return rest.squeeze(-1)


def _waves(u: Tensor, size: int) -> Tensor:
    """Orthonormal trigonometric functions ``(..., n)`` of ``u`` in [-1, 1] on ``size`` nodes."""
    k = torch.arange(size // 2 + 1, device=u.device, dtype=u.dtype)
    weights = torch.full_like(k, 2 / size)
    weights[0] = 1 / size
    if size % 2 == 0:
        weights[-1] = 1 / size
    angles, scale = math.pi * u[..., None] * k, weights.sqrt()
    return torch.cat([angles.cos() * scale, angles[..., 1:].sin() * scale[1:]], dim=-1)
