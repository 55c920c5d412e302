"""Shape metrics obey their definitions and equal the numbers of the code bases they come from."""

import json

import numpy as np
import pytest

from ddmi_toolkit.evaluation import functional as F

PAIRWISE = [F.pairwise_chamfer, F.pairwise_emd]


def clouds(count: int, points: int, seed: int, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 0.2, (count, points, 3))


def scores(references, generated, pairwise) -> dict[str, float]:
    references, generated = list(references), list(generated)
    cross = pairwise(references, generated)
    return dict(
        mmd=F.mmd(cross),
        cov=F.coverage(cross),
        mmd_smp=F.mmd(cross.T),
        nna=F.one_nn_accuracy(pairwise(references), cross, pairwise(generated)),
    )


def test_distances_by_hand():
    a = np.array([[0.0, 0, 0], [3, 0, 0]])
    b = np.array([[0.0, 0, 1], [0, 0, 2]])
    # a -> b: 1 and sqrt(10); b -> a: 1 and 2
    assert F.chamfer(a, b) == pytest.approx((1 + 10) / 2 + (1 + 4) / 2)
    assert F.chamfer_l1(a, b) == pytest.approx(((1 + 10**0.5) / 2 + (1 + 2) / 2) / 2)
    # 0-1 and 3-2: 1 + sqrt(13); 0-2 and 3-1: 2 + sqrt(10) is worse
    assert F.emd(a, b) == pytest.approx((1 + 13**0.5) / 2)
    with pytest.raises(ValueError, match='one size, got 2 and 1'):
        F.emd(a, b[:1])


@pytest.mark.parametrize('distance', [F.chamfer, F.chamfer_l1, F.emd])
def test_distances_are_symmetric_and_ignore_the_order_of_points(distance):
    a, b = clouds(2, 40, seed=0)
    order = np.random.default_rng(1).permutation(40)
    assert distance(a, b) == pytest.approx(distance(b, a))
    assert distance(a, b) == pytest.approx(distance(a[order], b))
    assert distance(a, a[order]) == pytest.approx(0, abs=1e-12)
    assert distance(a, b) > 0


def test_emd_of_a_shifted_cloud_is_the_shift():
    a = clouds(1, 30, seed=0)[0]
    assert F.emd(a, a + np.array([0.0, 0.01, 0.0])) == pytest.approx(0.01)


@pytest.mark.parametrize('pairwise', PAIRWISE)
def test_matrices_hold_the_distances_of_all_pairs(pairwise):
    a, b = clouds(3, 16, seed=0), clouds(2, 16, seed=1)
    distance = F.chamfer if pairwise is F.pairwise_chamfer else F.emd
    cross = pairwise(a, b, num_workers=2)
    assert np.allclose(cross, [[distance(x, y) for y in b] for x in a])
    assert np.allclose(pairwise(a), pairwise(a, a))
    assert (np.diag(pairwise(a)) == 0).all()


@pytest.mark.parametrize('pairwise', PAIRWISE)
def test_identities_of_set_metrics(pairwise):
    """A copy is perfect but for 1-NNA, where every shape's nearest is its twin."""
    real = clouds(8, 16, seed=0)
    copy = scores(real, real[::-1], pairwise)
    assert copy['mmd'] == pytest.approx(0, abs=1e-12)
    assert (copy['cov'], copy['nna']) == (1, 0)
    twins = scores(real, real + clouds(8, 16, seed=1) * 0.01, pairwise)
    assert (twins['cov'], twins['nna']) == (1, 0)
    far = scores(real, real + 5, pairwise)
    assert far['nna'] == 1
    collapsed = scores(real, np.repeat(real[:1], 8, axis=0), pairwise)
    assert collapsed['cov'] == 1 / 8
    assert collapsed['mmd_smp'] == pytest.approx(0, abs=1e-12)
    assert collapsed['mmd'] > 0


def test_two_samples_of_one_distribution_cannot_be_told_apart():
    """1-NNA is 0.5 within three standard errors for 80 + 80 clouds."""
    both = [np.tile(c, (2, 1)) for c in clouds(160, 1, seed=3)]
    assert abs(scores(both[:80], both[80:], F.pairwise_chamfer)['nna'] - 0.5) < 3 * 0.5 / 160**0.5


def test_set_metrics_ignore_the_order_of_shapes():
    real, made = clouds(6, 8, seed=0), clouds(7, 8, seed=1, shift=0.05)
    order = np.random.default_rng(0).permutation
    expected = scores(real, made, F.pairwise_chamfer)
    assert scores(real[order(6)], made[order(7)], F.pairwise_chamfer) == pytest.approx(expected)


def test_jensen_shannon_by_hand():
    """0 for equal counts, 1 bit for disjoint ones, and 0.31128 for a half and a quarter."""
    left, right = np.full((1, 8, 3), [-0.3, 0, 0]), np.full((1, 8, 3), [0.3, 0, 0])
    assert F.jensen_shannon(left, left) == pytest.approx(0, abs=1e-12)
    assert F.jensen_shannon(left, right) == pytest.approx(1)
    half = np.concatenate([left, right])
    expected = (-0.75 * np.log2(0.75) - 0.25 * np.log2(0.25)) - 0.5
    assert F.jensen_shannon(half, left) == pytest.approx(expected)
    assert F.jensen_shannon(left, half) == pytest.approx(expected)


def test_jensen_shannon_scales_with_its_radius():
    a, b = clouds(4, 50, seed=0) * 0.5, clouds(4, 50, seed=1) * 0.5
    small = F.jensen_shannon(a, b, radius=0.5)
    assert F.jensen_shannon(2 * a, 2 * b, radius=1.0) == pytest.approx(small)


def test_iou_by_hand():
    pred = np.array([[1, 1, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1]])
    target = np.array([[0, 1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
    assert F.iou(pred, target).tolist() == [1 / 3, 1, 0]


def test_surface_scores_by_hand():
    """Normals: flipped ones are right, orthogonal ones are wrong."""
    plane = np.stack(np.meshgrid([0.0, 1, 2], [0.0, 1, 2], [0.0]), -1).reshape(-1, 3)
    up, side = np.tile([0.0, 0, 1], (9, 1)), np.tile([1.0, 0, 0], (9, 1))
    lifted = plane + np.array([0, 0, 0.02])
    flipped = F.surface_metrics(lifted, plane, -up, up, thresholds=(0.01, 0.03))
    assert flipped['normal_consistency'] == 1
    assert flipped['chamfer_l1'] == pytest.approx(0.02)
    assert (flipped['f_score_0.01'], flipped['f_score_0.03']) == (0, 1)
    assert F.surface_metrics(lifted, plane, side, up)['normal_consistency'] == 0
    part = F.surface_metrics(plane[:3], plane)  # exact but two of three rows are missing
    assert part['accuracy'] == 0
    assert part['completeness'] == pytest.approx((0 + 1 + 2) / 3)
    assert part['f_score_0.01'] == pytest.approx(2 * 1 * (1 / 3) / (1 + 1 / 3))
    assert 'normal_consistency' not in part


def test_clouds_are_normalized_by_their_own_extent():
    cloud = np.array([[1.0, 0, 0], [5, 0, 0], [1, 3, 0], [5, 3, 0], [2, 1, 0]])
    ball = F.normalize_cloud(cloud, 'unit_sphere')
    assert np.linalg.norm(ball, axis=1).max() == pytest.approx(1)
    box = F.normalize_cloud(cloud, 'bbox')
    assert np.allclose(box.max(0), [0.5, 0.375, 0])
    assert np.allclose(box.min(0), [-0.5, -0.375, 0])
    assert F.normalize_cloud(cloud, 'none') is cloud
    moved = F.normalize_cloud(cloud * 7 + 3, 'unit_sphere')
    assert np.allclose(moved, ball)
    assert np.isfinite(F.normalize_cloud(np.zeros((4, 3)), 'bbox')).all()
    with pytest.raises(ValueError, match="normalize='sphere'; choose 'none', 'unit_sphere'"):
        F.normalize_cloud(cloud, 'sphere')


def test_published_numbers_of_random_clouds(golden_root):
    folder = golden_root / 'pointcloud_metrics'
    arrays = np.load(folder / 'io.npz')
    expected = json.loads((folder / 'meta.json').read_text(encoding='utf-8'))['expected']
    references, generated = arrays['reference'], arrays['generated']
    for name, pairwise in (('cd', F.pairwise_chamfer), ('emd', F.pairwise_emd)):
        matrix = pairwise(references, generated)
        assert np.abs(matrix - arrays[f'{name}_ref_gen']).max() < 1e-4
        got = scores(references, generated, pairwise)
        names = dict(mmd='lgan_mmd', cov='lgan_cov', mmd_smp='lgan_mmd_smp', nna='1nna')
        for own, theirs in names.items():
            assert abs(got[own] - expected[f'{theirs}_{name}']) < 1e-4, (own, name)


def modelnet_sets(data_root) -> tuple[np.ndarray, dict[str, np.ndarray], dict]:
    """Real chairs and four sets with telling faults, and PointFlow's numbers."""
    folder = data_root / 'reference_metrics'
    expected = json.loads((folder / 'pointflow_metrics.json').read_text(encoding='utf-8'))['dev']
    path = data_root / 'modelnet10_chairs_vox32' / 'pointclouds2048_dev.npz'
    points = np.load(path)['points'].astype(np.float32)
    sets = dict(
        other_chairs=points[30:60, :512],
        same_shapes_resampled=points[:30, 512:1024],
        noisy=np.load(folder / 'pointsets_dev.npz')['noisy'],
        collapsed=np.repeat(points[30:33, :512], 10, axis=0),
    )
    return points[:30, :512], sets, expected


def check_pointflow(got: dict[str, float], expected: dict[str, float], distance: str) -> None:
    names = dict(mmd='lgan_mmd-{}', cov='lgan_cov-{}', mmd_smp='lgan_mmd_smp-{}', nna='1-NN-{}-acc')
    for own, theirs in names.items():
        assert abs(got[own] - expected[theirs.format(distance)]) < 1e-4, own


@pytest.mark.parametrize('name', ['other_chairs', 'same_shapes_resampled', 'noisy', 'collapsed'])
def test_pointflow_numbers_of_real_chairs(data_root, name):
    references, sets, expected = modelnet_sets(data_root)
    check_pointflow(scores(references, sets[name], F.pairwise_chamfer), expected[name], 'CD')
    jsd = F.jensen_shannon(sets[name], references)
    assert abs(jsd - expected[name]['JSD-28']) < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize('name', ['other_chairs', 'same_shapes_resampled', 'noisy', 'collapsed'])
def test_pointflow_numbers_with_the_earth_movers_distance(data_root, name):
    references, sets, expected = modelnet_sets(data_root)
    check_pointflow(scores(references, sets[name], F.pairwise_emd), expected[name], 'EMD')


def test_convonet_numbers_of_a_real_chair(data_root):
    text = (data_root / 'reference_metrics' / 'convonet_pointcloud_eval.json').read_text('utf-8')
    expected = json.loads(text)
    cloud = np.load(data_root / 'occnet_format' / '03001627' / 'kenney_chair' / 'pointcloud.npz')
    points, normals = cloud['points'].astype(np.float32), cloud['normals'].astype(np.float32)
    half = len(points) // 2
    cases = dict(
        halves_of_one_cloud=(points[:half], points[half:], normals[:half], normals[half:]),
        chair_shifted_by_0_02_in_x=(points + np.float32([0.02, 0, 0]), points, normals, normals),
    )
    names = dict(
        accuracy='accuracy', completeness='completeness', chamfer_l1='chamfer-L1',
        normal_consistency='normals',
    )  # fmt: skip
    names |= {
        'f_score_0.01': 'f-score',
        'f_score_0.015': 'f-score-15',
        'f_score_0.02': 'f-score-20',
    }
    for case, arguments in cases.items():
        got = F.surface_metrics(*arguments, thresholds=(0.01, 0.015, 0.02))
        for own, theirs in names.items():
            assert abs(got[own] - expected[case][theirs]) < 1e-4, (case, own)


def test_voxel_iou_of_real_chairs(data_root):
    text = (data_root / 'reference_metrics' / 'voxel_iou.json').read_text('utf-8')
    expected = json.loads(text)
    packed = np.load(data_root / 'modelnet10_chairs_vox32' / 'dev.npz')['vox_filled']
    voxels = np.unpackbits(packed[[*range(20), 500]], axis=1).astype(bool)
    row = {i: i for i in range(20)} | {500: 20}
    for pair, value in expected['pairs'].items():
        i, j = map(int, pair.split('_'))
        assert abs(F.iou(voxels[row[i]], voxels[row[j]]) - value) < 1e-4
    above = np.triu_indices(20, k=1)
    mean = F.iou(voxels[above[0]], voxels[above[1]]).mean()
    assert abs(mean - expected['mean_pairwise_first20']) < 1e-4
