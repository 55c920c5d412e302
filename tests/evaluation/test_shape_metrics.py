"""Metrics of shapes, fed as the evaluator feeds them."""

import json

import numpy as np
import pytest
import torch
import trimesh

from ddmi_toolkit.evaluation import OccupancyIoU, PointCloudMetrics, Result, SurfaceMetrics
from ddmi_toolkit.registry import DATASETS, METRICS

RADII = [0.2, 0.25, 0.3, 0.35, 0.4, 0.45]


def ball_surface(radius: float, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(seed).normal(size=(count, 3))
    normals = (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)
    return radius * normals, normals


class Balls:
    """Reference data set: clouds of balls."""

    def __init__(self, radii, num_points=256):
        self.radii, self.num_points = radii, num_points

    def __len__(self):
        return len(self.radii)

    def __getitem__(self, i):
        points, normals = ball_surface(self.radii[i], self.num_points, seed=i)
        return dict(meta=dict(surface_points=torch.tensor(points), surface_normals=normals))


@pytest.fixture(autouse=True)
def _registered():
    DATASETS.register_module(name='_Balls', module=Balls, force=True)
    yield
    DATASETS.module_dict.pop('_Balls')


def point_cloud_metrics(radii=RADII, **options) -> PointCloudMetrics:
    defaults = dict(num_points=256, resolution=24, threshold=0.5, emd_points=128, num_workers=1)
    return METRICS.build(
        dict(
            type='PointCloudMetrics',
            reference=dict(type='_Balls', radii=list(radii)),
            **{**defaults, **options},
        )
    )


def evaluate(metric, fields, batch_size=2) -> dict[str, float]:
    for start in range(0, len(fields), batch_size):
        part = fields[start : start + batch_size]
        seeds = torch.arange(start, start + len(part))
        metric.process(
            dict(seed=seeds), [dict(field=f, seed=int(s)) for f, s in zip(part, seeds, strict=True)]
        )
    return metric.evaluate(len(fields))


def test_balls_of_the_right_sizes_match_the_references(ball_field):
    metric = point_cloud_metrics()
    values = evaluate(metric, [ball_field(r) for r in RADII])
    assert values['generation/cov_cd'] == 1
    assert values['generation/1nna_cd'] == 0
    assert values['generation/mmd_cd'] < 0.005
    assert values['generation/empty'] == 0
    collapsed = evaluate(point_cloud_metrics(), [ball_field(0.3)] * 6)
    assert collapsed['generation/cov_cd'] == pytest.approx(1 / 6)
    assert collapsed['generation/mmd_cd'] > 5 * values['generation/mmd_cd']
    assert collapsed['generation/mmd_emd'] > values['generation/mmd_emd']
    assert collapsed['generation/jsd'] > values['generation/jsd']


def test_values_depend_on_seeds_not_on_batches(ball_field):
    fields = [ball_field(r) for r in RADII[:4]]
    one = evaluate(point_cloud_metrics(), fields, batch_size=1)
    assert evaluate(point_cloud_metrics(), fields, batch_size=3) == one


def test_values_do_not_depend_on_the_order_of_the_samples(ball_field):
    """Processes that share the work hand over their samples in another order."""
    metric, order = point_cloud_metrics(), [3, 7, 0, 6, 5, 2, 1, 4]
    fields = [ball_field(r) for r in [*RADII, -1.0, -1.0]]
    samples = [dict(field=f, seed=i) for i, f in enumerate(fields)]
    metric.process({}, samples)
    results = metric.results
    values, protocol = metric.compute_metrics(results), metric.protocol()
    assert metric.compute_metrics([results[i] for i in order]) == values
    assert metric.protocol() == protocol


def test_normalized_balls_of_all_sizes_are_alike(ball_field):
    fields = [ball_field(0.15, (0.2, 0.1, -0.1))] * 6
    plain = evaluate(point_cloud_metrics(distances=['cd']), fields)
    assert plain['generation/mmd_cd'] > 0.02
    for how, size in (('unit_sphere', 1.0), ('bbox', 0.5)):
        values = evaluate(point_cloud_metrics(normalize=how, distances=['cd']), fields)
        assert values['generation/mmd_cd'] < 0.02 * size**2 / 0.25
        assert 'generation/mmd_emd' not in values


def test_empty_fields_are_counted_and_reported(ball_field):
    fields = [ball_field(r) for r in RADII[:4]] + [ball_field(-1.0)] * 2
    values = evaluate(point_cloud_metrics(), fields)
    assert values['generation/empty'] == pytest.approx(2 / 6)
    assert all(np.isfinite(v) for v in values.values())
    nothing = evaluate(point_cloud_metrics(normalize='unit_sphere'), [ball_field(-1.0)] * 3)
    assert nothing['generation/empty'] == 1
    assert nothing['generation/1nna_cd'] == 1


def test_the_protocol_says_how_and_on_what(ball_field):
    fields = [ball_field(r) for r in RADII]
    metric = point_cloud_metrics()
    values = evaluate(metric, fields)
    protocol = metric.protocol()['generation']
    facts = dict(num_samples=6, num_references=6, seeds='0-5', resolution=24, emd_points=128)
    assert facts.items() <= protocol.items()
    json.dumps(Result(values, metric.protocol()).protocol)
    again = point_cloud_metrics()
    evaluate(again, fields, batch_size=4)
    assert again.protocol() == metric.protocol()
    other = point_cloud_metrics(radii=[*RADII[:-1], 0.44])
    evaluate(other, fields)
    changed = {k for k, v in other.protocol()['generation'].items() if v != protocol[k]}
    assert changed == {'reference'}


def test_wrong_arguments_are_named_before_any_sampling(ball_field):
    with pytest.raises(ValueError, match="normalize='box'"):
        point_cloud_metrics(normalize='box')
    with pytest.raises(ValueError, match=r"distances has \['l1'\]; choose of \['cd', 'emd'\]"):
        point_cloud_metrics(distances=['l1'])
    for metric in ('PointCloudMetrics', 'SurfaceMetrics'):
        own = dict(reference=dict(type='_Balls', radii=[])) if metric[0] == 'P' else {}
        for threshold in (0.0, 1.0, -3):
            with pytest.raises(ValueError, match=rf'threshold={threshold} must be a probability'):
                METRICS.build(dict(type=metric, threshold=threshold, **own))
        with pytest.raises(ValueError, match='resolution=0 must be at least one cell'):
            METRICS.build(dict(type=metric, resolution=0, **own))
    metric = point_cloud_metrics(num_points=512)
    with pytest.raises(ValueError, match='reference 0 has 256 surface points, 512 are needed'):
        evaluate(metric, [ball_field()])


def iou_values(pred: list, target: list, **options) -> dict[str, float]:
    metric = METRICS.build(dict(type='OccupancyIoU', **options))
    for p, t in zip(pred, target, strict=True):
        sample = dict(pred=torch.tensor(p)[:, None], target=torch.tensor(t)[:, None])
        metric.process(dict(meta=dict(name=['chair'])), [sample])
    return metric.evaluate(len(pred))


def test_occupancy_iou_averages_over_shapes():
    pred = [[3.0, 2.0, -1.0, -1.0], [1.0, 1.0, 1.0, -1.0]]
    target = [[1.0, 0.0, 1.0, 0.0], [1.0, 1.0, 1.0, 0.0]]
    assert iou_values(pred, target) == {'iou/mean': pytest.approx(2 / 3), 'iou/worst': 1 / 3}


def test_occupancy_iou_thresholds_the_probability():
    """A logit of -1 is the probability 0.27."""
    pred, target = [[-1.0, -3.0]], [[1.0, 0.0]]
    assert iou_values(pred, target, threshold=0.5)['iou/mean'] == 0
    assert iou_values(pred, target, threshold=0.2, prefix='low')['low/mean'] == 1
    with pytest.raises(ValueError, match='probability in'):
        OccupancyIoU(threshold=0.0)
    with pytest.raises(ValueError, match='no target'):
        OccupancyIoU().process({}, [dict(pred=torch.zeros(2, 1))])


def surface_values(fields, radii, count=2000, **options) -> tuple[dict, SurfaceMetrics]:
    metric = METRICS.build(dict(type='SurfaceMetrics', **{'resolution': 48, **options}))
    for i, (field, radius) in enumerate(zip(fields, radii, strict=True)):
        points, normals = map(torch.tensor, ball_surface(radius, count, seed=i))
        meta = dict(name=[f'ball{i}'], surface_points=points[None], surface_normals=normals[None])
        metric.process(dict(seed=torch.tensor([i]), meta=meta), [dict(field=field)])
    return metric.evaluate(len(fields)), metric


def test_surface_scores_of_a_ball_that_is_too_large(ball_field):
    """0.02 apart everywhere; tangential distances between 2000 points add a little."""
    values, metric = surface_values([ball_field(0.4)], [0.38], f_score_thresholds=[0.015, 0.06])
    assert 0.02 <= values['surface/accuracy'] < 0.03
    assert 0.02 <= values['surface/completeness'] < 0.03
    assert values['surface/f_score_0.015'] == 0
    assert values['surface/f_score_0.06'] > 0.99
    assert values['surface/normal_consistency'] > 0.99
    protocol = metric.protocol()['surface']
    assert (protocol['num_points'], protocol['num_samples']) == (2000, 1)


def test_surface_scores_of_an_empty_mesh_are_the_worst(ball_field):
    good, _ = surface_values([ball_field(0.4)], [0.4])
    values, _ = surface_values([ball_field(0.4), ball_field(-1.0)], [0.4, 0.4])
    assert values['surface/empty'] == 0.5
    half = good['surface/accuracy'] / 2 + 3**0.5 / 2
    assert values['surface/accuracy'] == pytest.approx(half, rel=1e-3)
    assert values['surface/normal_consistency'] == pytest.approx(
        good['surface/normal_consistency'] / 2, rel=1e-2
    )


def test_surface_points_must_be_provided(ball_field):
    with pytest.raises(ValueError, match=r"no meta\['surface_points'\].*surface_points=10000"):
        SurfaceMetrics().process(dict(meta=dict(name=['a'])), [dict(field=ball_field())])


def test_points_of_a_mesh_lie_on_its_surface_evenly(ball_field):
    """The cloud of a ball has its radius and no preferred direction."""
    from ddmi_toolkit.evaluation.meshing import sample_field_surface

    points, normals = sample_field_surface(
        ball_field(0.4), 4000, resolution=32, threshold=0.5, seed=5
    )
    assert np.abs(np.linalg.norm(points, axis=1) - 0.4).max() < 5e-3
    assert np.abs(points.mean(0)).max() < 4 * 0.4 / 3**0.5 / 4000**0.5
    assert ((points / 0.4 * normals).sum(1) > 0.97).all()
    assert trimesh.PointCloud(points).convex_hull.volume == pytest.approx(
        4 / 3 * np.pi * 0.4**3, rel=0.03
    )
    same, _ = sample_field_surface(ball_field(0.4), 4000, resolution=32, threshold=0.5, seed=5)
    other, _ = sample_field_surface(ball_field(0.4), 4000, resolution=32, threshold=0.5, seed=6)
    assert np.array_equal(points, same)
    assert not np.array_equal(points, other)
