"""Sets of rendered views: every view counts, cameras of the query, what is refused."""

import pytest
import torch
from tiny_metric import Pictures

from ddmi_toolkit.evaluation.distribution import FeatureStatistics, frechet_distance
from ddmi_toolkit.registry import DATASETS, METRICS
from ddmi_toolkit.structures import to_uint8

VIEWS = 3


class Scenes:
    """Items whose target is three pictures of 12 x 12 pixels.

    Args:
        num: Number of scenes.
        first: Index of the first one.
        counts: Views of each scene by index, of those that have another number.
    """

    def __init__(self, num=7, first=0, counts=None):
        self.num, self.first, self.counts = num, first, counts or {}

    def __len__(self):
        return self.num

    def __getitem__(self, i):
        views = [Pictures(first=10 * (self.first + i) + v)[0] for v in range(VIEWS)]
        views = torch.stack([view['meta']['image'] for view in views])
        return dict(target=views[: self.counts.get(i, VIEWS)])


@pytest.fixture(autouse=True)
def _registered():
    DATASETS.register_module(name='_Scenes', module=Scenes, force=True)
    yield
    DATASETS.module_dict.pop('_Scenes')


def view_quality(**options):
    defaults = dict(
        reference=dict(type='_Scenes'),
        size=12,
        extractor=dict(type='PixelExtractor', grid=2),
        cache_dir=None,
    )
    return METRICS.build(dict(type='ViewQuality', **{**defaults, **options}))


def evaluate(metric, scenes):
    for i in range(len(scenes)):
        metric.process(dict(seed=torch.tensor([i])), [dict(pred=scenes[i]['target'])])
    return metric.evaluate(len(scenes))


def test_every_view_is_a_picture():
    """FID by hand of all views of all scenes, whatever the batches."""
    metric, others = view_quality(values=['fid'], batch_size=4), Scenes(5, first=50)

    def statistics(scenes):
        views = torch.cat([scenes[i]['target'] for i in range(len(scenes))])
        return FeatureStatistics.of(metric.extractor(to_uint8(views).movedim(-1, 1)))

    expected = frechet_distance(statistics(others), statistics(Scenes()))
    assert evaluate(metric, others) == {'views/fid_pixels_2x2': pytest.approx(expected, rel=1e-9)}
    facts = dict(num_references=21, num_fakes=15, seeds='0-4', views_per_reference=3)
    assert facts.items() <= metric.protocol()['views'].items()


def test_copies_of_the_references_are_perfect():
    values = evaluate(view_quality(), Scenes())
    assert values['views/fid_pixels_2x2'] == pytest.approx(0, abs=1e-9)
    assert values['views/recall_pixels_2x2'] == 1


def test_renderings_and_true_views_are_reduced_alike():
    """At half the size, too, copies are perfect; what is too small is refused."""
    values = evaluate(view_quality(size=6, values=['fid']), Scenes())
    assert values['views/fid_pixels_2x2'] == pytest.approx(0, abs=1e-9)
    metric = view_quality(size=6)
    with pytest.raises(ValueError, match='a sample has 5 x 12 pixels, 6 x 6 are asked for'):
        metric.process({}, [dict(pred=torch.zeros(1, 5, 12, 3))])


def test_the_protocol_knows_the_cameras():
    """Whatever the last digits of their rays; values from other viewpoints are others."""

    def cameras(shift):
        metric, rays = view_quality(), torch.linspace(-1, 1, 9).view(1, 3, 1, 1, 3)
        for _ in range(2):
            batch = dict(query=dict(origins=rays + shift, dirs=rays))
            metric.process(batch, [dict(pred=Scenes()[0]['target'])])
        return metric.protocol()['views']['cameras']

    assert cameras(0) == cameras(1e-7) != cameras(1e-3)


def test_samples_need_views():
    """Fields alone do not say where cameras are."""
    with pytest.raises(ValueError, match=r"no 'pred'.*query with the origins and dirs"):
        view_quality().process({}, [dict(field=None, pred=None)])
    with pytest.raises(ValueError, match=r'pred has shape \(9, 3\), expected \(V, h, w, 3\)'):
        view_quality().process({}, [dict(pred=torch.zeros(9, 3))])


def test_scenes_have_as_many_views():
    with pytest.raises(ValueError, match=r'item 2 .* has 1 views, the first one 3; give'):
        view_quality(reference=dict(type='_Scenes', counts={2: 1}))
    with pytest.raises(ValueError, match=r'target has shape \(0, 12, 12, 3\)'):
        view_quality(reference=dict(type='_Scenes', counts={0: 0}))
