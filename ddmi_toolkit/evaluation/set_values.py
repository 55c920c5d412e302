"""Values that compare two sets of features, by name."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from .distribution import (
    FeatureStatistics,
    density_coverage,
    frechet_distance,
    kernel_inception_distance,
    precision_recall,
)
from .protocol import Protocol

KID_SUBSETS, KID_SEED = 100, 2020  # torch-fidelity's
PRECISION_NEIGHBORS, DENSITY_NEIGHBORS = 3, 5  # of the papers
NEAREST = ('precision', 'recall', 'density', 'coverage')
LEAST = dict(
    fid=2,
    fvd=2,
    kid=2,
    precision=PRECISION_NEIGHBORS + 1,
    recall=PRECISION_NEIGHBORS + 1,
    density=DENSITY_NEIGHBORS + 1,
    coverage=DENSITY_NEIGHBORS + 1,
)
"""Members that a set must have."""


@dataclass(frozen=True)
class SetValues:
    """Which values are computed of two sets.

    Args:
        names: Of ``known``.
        known: What the sets have.
        plural: What the members are called in messages.
        kid_subset_size: Members of a subset of KID; smaller sets make one of their own size.

    Raises:
        ValueError: An unknown name.
    """

    names: tuple[str, ...]
    known: Sequence[str]
    plural: str
    kid_subset_size: int = 1000

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.names) - set(self.known)):
            raise ValueError(f'values has {unknown}; choose of {list(self.known)}')

    def require_enough(self, count: int, which: str) -> None:
        """Refuse sets that are too small.

        Raises:
            ValueError: A value needs more than ``count`` members.
        """
        if missing := [v for v in self.names if count < LEAST[v]]:
            raise ValueError(
                f'{count} {which} {self.plural} are too few for {missing}: '
                f'{max(LEAST[v] for v in missing)} are needed (and thousands for numbers that '
                f'mean something); take more, or leave them out of values'
            )

    def compare(self, fake: Tensor, real: Tensor) -> dict[str, float]:
        """The values of features ``(N, D)`` and ``(M, D)``, by name."""
        wanted, out = set(self.names), dict[str, float]()
        for name in {'fid', 'fvd'} & wanted:
            out[name] = frechet_distance(*map(FeatureStatistics.of, (fake, real)))
        if 'kid' in wanted:
            size = self.subset_size(len(fake), len(real))
            out['kid'], out['kid_std'] = kernel_inception_distance(
                fake, real, num_subsets=KID_SUBSETS, subset_size=size, seed=KID_SEED
            )
        if wanted & {'precision', 'recall'}:
            out['precision'], out['recall'] = precision_recall(fake, real, PRECISION_NEIGHBORS)
        if wanted & {'density', 'coverage'}:
            out['density'], out['coverage'] = density_coverage(fake, real, DENSITY_NEIGHBORS)
        return {k: v for k, v in out.items() if k.removesuffix('_std') in wanted}

    def subset_size(self, num_fakes: int, num_reals: int) -> int:
        """Members of a subset of KID."""
        return min(self.kid_subset_size, num_fakes, num_reals)

    def protocol(self, num_fakes: int, num_reals: int, dim: int) -> Protocol:
        """Constants of the values that are possible, and what rank the covariances lack."""
        smallest, frechet = min(num_fakes, num_reals), self.known[0]
        out: Protocol = dict(
            neighbors=dict(precision=PRECISION_NEIGHBORS, density=DENSITY_NEIGHBORS),
            note=f'covariances of rank at most {smallest - 1} of {dim}: {frechet.upper()} is '
            f'biased upwards'
            if smallest <= dim
            else '',
        )
        if 'kid' in self.known:
            size = self.subset_size(num_fakes, num_reals)
            out['kid'] = f'{KID_SUBSETS} subsets of {size}, seed {KID_SEED}, (x.y / D + 1)^3'
        return out
