"""Distances between sets of feature vectors: pure functions, blockwise, in float64.

Features are tensors ``(N, D)`` of any real type on any device; 50,000 of 2048 fit in memory.
The mathematics is that of torch-fidelity 0.4.0 to rounding, with three differences: the square
root of a product of covariances is exact for rank-deficient ones, kernels and distances are
computed in float64, and density and coverage are added.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

BLOCK = 4096  # rows of a block of pairwise values: 128 MiB


@dataclass(frozen=True)
class FeatureStatistics:
    """Count, mean and scatter of features, which several processes can compute in parts.

    Args:
        count: Number of vectors.
        mean: ``(D,)`` float64.
        scatter: Sum of outer products of deviations from the mean, ``(D, D)`` float64.
    """

    count: int
    mean: Tensor
    scatter: Tensor

    @classmethod
    def of(cls, features: Tensor) -> 'FeatureStatistics':
        """Statistics of vectors ``(N, D)``, which are left as they are.

        Raises:
            ValueError: They have another shape, are none, or are not finite.
        """
        if features.ndim != 2 or not len(features):
            raise ValueError(
                f'features of shape {tuple(features.shape)}: expected (N, D) with at least one row'
            )
        mean = sum(part.double().sum(0) for part in features.split(BLOCK)) / len(features)
        if not mean.isfinite().all():
            raise ValueError('features hold values that are not finite; look at the images')
        scatter = mean.new_zeros(len(mean), len(mean))
        for part in features.split(BLOCK):
            deviation = part.double() - mean
            scatter += deviation.mT @ deviation
        return cls(len(features), mean, scatter)

    def merge(self, other: 'FeatureStatistics') -> 'FeatureStatistics':
        """Statistics of both sets together (Chan et al. 1979)."""
        count = self.count + other.count
        step = other.mean - self.mean
        between = torch.outer(step, step) * (self.count * other.count / count)
        return FeatureStatistics(
            count,
            self.mean + step * (other.count / count),
            self.scatter + other.scatter + between,
        )

    @property
    def covariance(self) -> Tensor:
        """Unbiased covariance ``(D, D)``.

        Raises:
            ValueError: There is one vector only.
        """
        if self.count < 2:
            raise ValueError(f'a covariance needs at least 2 vectors, got {self.count}')
        return self.scatter / (self.count - 1)


def frechet_distance(a: FeatureStatistics, b: FeatureStatistics) -> float:
    """Squared Fréchet distance of the Gaussians with these moments (Heusel et al. 2017, FID).

    ``|m_a - m_b|^2 + tr(S_a + S_b - 2 (S_a S_b)^(1/2))``. With roots ``S = R R^T`` the last trace
    is the sum of the singular values of ``R_a^T R_b``, so that covariances of fewer vectors than
    dimensions are no special case. The value is then biased all the same.
    """
    covariances = a.covariance, b.covariance
    root_a, root_b = map(_root, covariances)
    cross = torch.linalg.svdvals(root_a.mT @ root_b).sum()
    spread = sum(c.trace() for c in covariances) - 2 * cross
    return float((a.mean - b.mean).square().sum() + spread)


def _root(covariance: Tensor) -> Tensor:
    """``R (D, rank)`` with ``covariance = R R^T``."""
    values, vectors = torch.linalg.eigh(covariance)
    # below this, eigenvalues are rounding of zeros, whose square roots would be visible
    kept = values > values[-1].clamp_min(0) * len(values) * torch.finfo(values.dtype).eps
    return vectors[:, kept] * values[kept].sqrt()


def kernel_distance(fake: Tensor, real: Tensor) -> float:
    """Unbiased squared maximum mean discrepancy of whole sets, kernel ``(x.y / D + 1)^3``.

    The kernel of KID (Binkowski et al. 2018). Unbiased, so negative for sets that are alike.
    """
    same = _mean_kernel(fake, fake, is_self=True) + _mean_kernel(real, real, is_self=True)
    return same - 2 * _mean_kernel(fake, real)


def kernel_inception_distance(
    fake: Tensor,
    real: Tensor,
    *,
    num_subsets: int = 100,
    subset_size: int = 1000,
    seed: int = 2020,
) -> tuple[float, float]:
    """Mean and standard deviation of :func:`kernel_distance` over random subsets (KID).

    The subsets are those that torch-fidelity draws for the seed.

    Raises:
        ValueError: A set is smaller than a subset, or a subset has fewer than two vectors.
    """
    smallest = min(len(fake), len(real))
    if not 2 <= subset_size <= smallest:
        raise ValueError(
            f'KID with subset_size={subset_size} of {len(fake)} fakes and {len(real)} reals: it '
            f'must be from 2 to {smallest}'
        )
    rng = np.random.RandomState(seed)  # legacy generator: what published values are drawn by
    values = []
    for _ in range(num_subsets):
        subsets = (_subset(x, subset_size, rng) for x in (fake, real))
        values.append(kernel_distance(*subsets))
    return float(np.mean(values)), float(np.std(values))


def _subset(features: Tensor, size: int, rng: np.random.RandomState) -> Tensor:
    chosen = rng.choice(len(features), size, replace=False)
    return features[torch.from_numpy(chosen).to(features.device)]


def _mean_kernel(a: Tensor, b: Tensor, is_self: bool = False) -> float:
    """Mean of the kernel over pairs, without those of a vector with itself if ``is_self``."""
    total, dim = 0.0, a.shape[1]
    for rows in a.split(BLOCK):
        for columns in b.split(BLOCK):
            total += float(((rows.double() @ columns.double().mT) / dim + 1).pow(3).sum())
    if not is_self:
        return total / (len(a) * len(b))
    own = sum(
        float((part.double().square().sum(1) / dim + 1).pow(3).sum()) for part in a.split(BLOCK)
    )
    return (total - own) / (len(a) * (len(a) - 1))


def precision_recall(fake: Tensor, real: Tensor, neighbors: int = 3) -> tuple[float, float]:
    """Share of fakes within the manifold of the reals, and of reals within that of the fakes.

    A manifold is the union of the balls around its vectors that reach to the
    ``neighbors``-th nearest other one (Kynkäänniemi et al. 2019).

    Raises:
        ValueError: A set has no such neighbor.
    """
    return _share_inside(fake, real, neighbors), _share_inside(real, fake, neighbors)


def _share_inside(points: Tensor, manifold: Tensor, neighbors: int) -> float:
    radii = neighbor_distances(manifold, neighbors)
    inside = [(block <= radii).any(1) for block in _distance_rows(points, manifold)]
    return float(torch.cat(inside).double().mean())


def density_coverage(fake: Tensor, real: Tensor, neighbors: int = 5) -> tuple[float, float]:
    """Density and coverage of fakes (Naeem et al. 2020).

    Density is the number of reals' balls that a fake lies in, per fake, over ``neighbors``; it may
    exceed 1. Coverage is the share of the reals whose ball holds a fake.

    Raises:
        ValueError: There are no ``neighbors`` other reals.
    """
    radii = neighbor_distances(real, neighbors)
    count, nearest = 0, torch.full_like(radii, torch.inf)
    for block in _distance_rows(fake, real):
        count += int((block < radii).sum())
        nearest = torch.minimum(nearest, block.amin(0))
    return count / (neighbors * len(fake)), float((nearest < radii).double().mean())


def neighbor_distances(features: Tensor, neighbors: int) -> Tensor:
    """Distance of each vector to its ``neighbors``-th nearest other one, ``(N,)`` float64.

    Raises:
        ValueError: There are not so many others.
    """
    if not 1 <= neighbors < len(features):
        raise ValueError(
            f'{len(features)} vectors have no {neighbors}-th nearest other one; '
            f'take at least {neighbors + 1}'
        )
    # a vector is the nearest to itself
    blocks = _distance_rows(features, features)
    return torch.cat([block.kthvalue(neighbors + 1, dim=1).values for block in blocks])


def _distance_rows(a: Tensor, b: Tensor) -> Iterator[Tensor]:
    """Euclidean distances of blocks of rows to all of ``b``, ``(block, len(b))`` float64."""
    size = max(BLOCK**2 // max(len(b), 1), 1)
    others = b.double()
    for rows in a.split(size):
        yield torch.cdist(rows.double(), others)


def inception_score(
    logits: Tensor, num_splits: int = 10, seed: int | None = 2020
) -> tuple[float, float]:
    """Mean and standard deviation over splits of ``exp E KL(p(y|x) || p(y))``.

    Salimans et al. 2016.

    Args:
        logits: ``(N, classes)``.
        num_splits: Consecutive parts, each with a marginal of its own.
        seed: The order is shuffled first, as torch-fidelity does for this seed; None keeps it.

    Raises:
        ValueError: There are fewer rows than splits.
    """
    if len(logits) < num_splits:
        raise ValueError(f'{len(logits)} rows of logits cannot make num_splits={num_splits} parts')
    if seed is not None:
        order = np.random.RandomState(seed).permutation(len(logits))
        logits = logits[torch.from_numpy(order).to(logits.device)]
    log_p = logits.double().log_softmax(1)
    edges = [i * len(logits) // num_splits for i in range(num_splits + 1)]
    scores = [_split_score(log_p[start:stop]) for start, stop in pairwise(edges)]
    return float(np.mean(scores)), float(np.std(scores))


def _split_score(log_p: Tensor) -> float:
    p = log_p.exp()
    return float((p * (log_p - p.mean(0).log())).sum(1).mean().exp())
