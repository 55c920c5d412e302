"""Distances of sets of features: closed forms, reference values, invariances."""

import json

import numpy as np
import pytest
import torch

from ddmi_toolkit.evaluation import distribution
from ddmi_toolkit.evaluation.distribution import (
    FeatureStatistics,
    density_coverage,
    frechet_distance,
    inception_score,
    kernel_distance,
    kernel_inception_distance,
    neighbor_distances,
    precision_recall,
)

PAIRS = ['cat_a_vs_cat_b', 'cat_a_vs_dog', 'cat_a_vs_itself']


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=rng, dtype=torch.float64)


def gaussian(mean, covariance) -> FeatureStatistics:
    """Statistics as of two vectors, so that the scatter is the covariance."""
    mean, covariance = (torch.as_tensor(x, dtype=torch.float64) for x in (mean, covariance))
    return FeatureStatistics(2, mean, covariance)


def frechet(a: torch.Tensor, b: torch.Tensor) -> float:
    return frechet_distance(FeatureStatistics.of(a), FeatureStatistics.of(b))


@pytest.fixture(scope='module')
def reference(data_root):
    """Values by torch-fidelity 0.4.0, and the features that they are of."""
    folder = data_root / 'reference_metrics'
    if not (folder / 'frechet_kid_prc_isc.json').is_file():
        pytest.skip(f'{folder} does not hold frechet_kid_prc_isc.json')
    features = np.load(folder / 'features_cifar_8x8mean.npz')
    features = {k: torch.from_numpy(v) for k, v in features.items()}
    features['logits'] = torch.from_numpy(np.load(folder / 'logits10.npz')['logits'])
    return json.loads((folder / 'frechet_kid_prc_isc.json').read_text()), features


def pair(reference, name):
    """Reference values and the two sets of a comparison."""
    first, second = name.split('_vs_')
    features = reference[1]
    return reference[0][name], features[first], features[first if second == 'itself' else second]


@pytest.mark.parametrize('name', PAIRS)
def test_frechet_distance_has_the_reference_values(reference, name):
    values, a, b = pair(reference, name)
    assert frechet(a, b) == pytest.approx(values['fid'], rel=1e-6, abs=1e-9)


def roots_that_fvd_leaves_out(a: torch.Tensor, b: torch.Tensor) -> float:
    """What the roots of eigenvalues below 1e-10 have more than these eigenvalues.

    The code of FVD takes no root of them, twice, so its distance of a set to itself is not 0.
    """

    def root(matrix):
        u, s, vh = torch.linalg.svd(matrix)
        return u @ torch.where(s < 1e-10, s, s.sqrt()).diag() @ vh

    half = root(a.double().T.cov())
    product = half @ b.double().T.cov() @ half
    exact = torch.linalg.eigvals(a.double().T.cov() @ b.double().T.cov()).real
    return 2 * float(exact.clamp_min(0).sqrt().sum() - root(product).trace())


@pytest.mark.parametrize('name', PAIRS)
def test_frechet_distance_has_the_reference_values_of_videos(reference, name):
    """Those of PVDM's code, but for small roots that it leaves out: up to 1.4e-4 in all."""
    values, a, b = pair(reference, name)
    kept = a.clone()
    missing = roots_that_fvd_leaves_out(a, b)
    assert 0 < missing < 2e-4
    expected = pytest.approx(values['pvdm_frechet_distance'], rel=1e-4, abs=1e-6)
    for _ in range(2):  # there, a second call has centered features
        assert frechet(a, b) + missing == expected
    assert torch.equal(a, kept)


@pytest.mark.parametrize('name', PAIRS)
def test_kernel_distances_have_the_reference_values(reference, name):
    """The subsets were computed in float32, where the parts of the sum are of size 1."""
    values, a, b = pair(reference, name)
    whole = kernel_distance(a, b)
    assert whole == pytest.approx(values['mmd2_poly3_unbiased_fullset'], rel=1e-4)
    mean, _ = kernel_inception_distance(a, b, num_subsets=50, subset_size=100)
    assert mean == pytest.approx(values['kid_mean_50x100'], rel=1e-4, abs=2e-7)


@pytest.mark.parametrize('name', PAIRS)
def test_precision_and_recall_have_the_reference_values(reference, name):
    values, a, b = pair(reference, name)
    expected = pytest.approx((values['precision'], values['recall']), rel=1e-4)
    assert precision_recall(a, b) == expected


def test_inception_score_has_the_reference_value(reference):
    expected = reference[0]['isc_splits10_noshuffle']
    mean, std = inception_score(reference[1]['logits'], num_splits=10, seed=None)
    assert mean == pytest.approx(expected['inception_score_mean'], rel=1e-4)
    assert std == pytest.approx(expected['inception_score_std'], rel=1e-4)


def test_values_are_those_of_torch_fidelity_in_float64():
    """On other features, with its own subsets and shuffles."""
    from torch_fidelity import metric_fid, metric_isc, metric_kid, metric_prc

    a, b = normal(60, 5), 1.2 * normal(50, 5, seed=1) + 0.3
    theirs = metric_kid.kid_features_to_metric(
        a, b, kid_subsets=7, kid_subset_size=20, rng_seed=3, verbose=False
    )
    mean, std = kernel_inception_distance(a, b, num_subsets=7, subset_size=20, seed=3)
    assert mean == pytest.approx(theirs['kernel_inception_distance_mean'], rel=1e-9)
    assert std == pytest.approx(theirs['kernel_inception_distance_std'], rel=1e-9)
    theirs = metric_prc.prc_features_to_metric(a, b, verbose=False)
    assert precision_recall(a, b) == pytest.approx((theirs['precision'], theirs['recall']))
    statistics = map(metric_fid.fid_features_to_statistics, (a, b))
    theirs = metric_fid.fid_statistics_to_metric(*statistics, verbose=False)
    assert frechet(a, b) == pytest.approx(theirs['frechet_inception_distance'], rel=1e-9)
    theirs = metric_isc.isc_features_to_metric(a, splits=4, rng_seed=2020)
    assert inception_score(a, 4) == pytest.approx(tuple(theirs.values()), rel=1e-9)


@pytest.mark.parametrize(
    ('mean_a', 'cov_a', 'mean_b', 'cov_b', 'expected'),
    [
        ([0, 0], np.eye(2), [3, 4], np.eye(2), 25),
        ([0, 0], np.diag([4, 9]), [0, 0], np.eye(2), 5),
        ([1, 2], [[2, 1], [1, 2]], [1, 2], [[2, 1], [1, 2]], 0),
        (np.zeros(64), np.eye(64), np.ones(64), np.eye(64), 64),
        ([0, 0], np.diag([4, 0]), [0, 0], np.diag([0, 9]), 13),  # nothing in common
        ([0, 0], np.zeros((2, 2)), [1, 0], np.eye(2), 3),
    ],
)
def test_frechet_distance_of_gaussians(mean_a, cov_a, mean_b, cov_b, expected):
    """Commuting covariances: the sum of squared differences of means and of deviations."""
    value = frechet_distance(gaussian(mean_a, cov_a), gaussian(mean_b, cov_b))
    assert value == pytest.approx(expected, abs=1e-9)


def test_frechet_distance_with_fewer_vectors_than_dimensions():
    """Equals that within the subspace that the vectors span, and is 0 with themselves."""
    small_a, small_b = normal(6, 4), 1.5 * normal(7, 4, seed=1) + 1
    basis = torch.linalg.qr(normal(100, 4, seed=2))[0]
    a, b = small_a @ basis.mT, small_b @ basis.mT
    assert frechet(a, b) == pytest.approx(frechet(small_a, small_b), rel=1e-9)
    wide = 10 * normal(8, 300, seed=3)
    assert frechet(wide, wide) == pytest.approx(0, abs=1e-6)


def test_statistics_leave_their_input_alone():
    """A covariance that subtracts the mean in place spoils the second use of the features."""
    features = normal(20, 3) + 5
    before = features.clone()
    first = frechet(features, features + 1)
    assert torch.equal(features, before)
    assert frechet(features, features + 1) == first


@pytest.mark.parametrize('cuts', [[1, 30], [10, 20], [2, 3]])
def test_merged_statistics_are_those_of_the_whole(cuts):
    """As processes merge theirs, also with a part of one vector."""
    features = 100 + normal(40, 5)
    first, *others = (FeatureStatistics.of(p) for p in features.tensor_split(cuts))
    merged = first
    for other in others:
        merged = merged.merge(other)
    whole = FeatureStatistics.of(features)
    assert merged.count == whole.count == 40
    torch.testing.assert_close(merged.mean, whole.mean, rtol=1e-12, atol=0)
    torch.testing.assert_close(merged.covariance, features.mT.cov(), rtol=1e-9, atol=1e-12)


def test_values_do_not_depend_on_blocks(monkeypatch):
    """Memory is bounded by blocks of pairs; the last ones are smaller."""
    a, b = normal(50, 4), normal(37, 4, seed=1) + 0.2

    def values():
        return [
            frechet(a, b),
            kernel_distance(a, b),
            *precision_recall(a, b),
            *density_coverage(a, b),
        ]

    whole = values()
    monkeypatch.setattr(distribution, 'BLOCK', 7)
    assert values() == pytest.approx(whole, rel=1e-9)


def test_kernel_distance_by_hand():
    """Two points each in one dimension: means of (xy + 1)^3 over pairs."""
    a, b = torch.tensor([[0.0], [1.0]]), torch.tensor([[2.0], [-1.0]])
    cross = (1 + 1 + 27 + 0) / 4
    assert kernel_distance(a, b) == pytest.approx(1 + (-1) - 2 * cross)


def test_kernel_distance_is_unbiased():
    """Mean zero over pairs of sets of one distribution, although a set is no copy of another."""
    values = [
        kernel_distance(normal(12, 3, seed=i), normal(9, 3, seed=900 + i)) for i in range(400)
    ]
    assert abs(np.mean(values)) < 4 * np.std(values) / 20


def test_precision_recall_density_and_coverage_by_hand():
    """Reals at 0, 1, 2, 3, fakes at 0.4, 0.6, 9, 9.5 on a line; radii with one neighbor are 1."""
    real = torch.tensor([[0.0], [1], [2], [3]])
    fake = torch.tensor([[0.4], [0.6], [9], [9.5]])
    assert neighbor_distances(real, 1).tolist() == [1, 1, 1, 1]
    assert precision_recall(fake, real, 1) == (0.5, 0)  # radii of the fakes are 0.2 and 0.5
    density, coverage = density_coverage(fake, real, 1)
    assert density == pytest.approx((2 + 2) / 4)
    assert coverage == pytest.approx(2 / 4)


def test_collapse_and_invention_are_told_apart():
    """Few modes cost recall and coverage, fakes beyond the reals cost precision and density."""
    real = normal(200, 2)
    collapsed = 0.05 * normal(200, 2, seed=1)
    spread = 10 * normal(200, 2, seed=2)
    precision, recall = precision_recall(collapsed, real)
    assert precision > 0.95
    assert recall < 0.1
    assert precision_recall(spread, real)[0] < 0.3
    assert density_coverage(spread, real)[0] < 0.2
    assert density_coverage(collapsed, real)[1] < 0.2
    assert density_coverage(normal(200, 2, seed=3), real)[1] > 0.9


def test_inception_score_of_certain_and_of_uncertain_predictions():
    """As many as there are classes, and 1."""
    certain = 1e3 * torch.eye(5).repeat(4, 1)
    assert inception_score(certain, 1) == (pytest.approx(5), 0)
    assert inception_score(torch.zeros(20, 5), 2) == (pytest.approx(1), pytest.approx(0))


def test_unusable_sets_are_explained():
    few = normal(3, 2)
    with pytest.raises(ValueError, match=r'subset_size=1000 of 3 fakes and 3 reals.* from 2 to 3'):
        kernel_inception_distance(few, few)
    with pytest.raises(ValueError, match=r'3 vectors have no 3-th nearest.*at least 4'):
        precision_recall(few, few)
    with pytest.raises(ValueError, match=r'shape \(0, 2\): expected \(N, D\)'):
        FeatureStatistics.of(few[:0])
    with pytest.raises(ValueError, match='not finite'):
        FeatureStatistics.of(few / 0)
    with pytest.raises(ValueError, match='at least 2 vectors, got 1'):
        frechet(few[:1], few)
    with pytest.raises(ValueError, match='3 rows of logits cannot make num_splits=10'):
        inception_score(few)
