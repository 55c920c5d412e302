"""Sets of clips: known answers, motion counts, what is refused and what the protocol says."""

import json

import pytest
import torch
import torch.nn.functional as F

from ddmi_toolkit.evaluation import RandomClipExtractor, Result
from ddmi_toolkit.evaluation.clip_quality import VALUES
from ddmi_toolkit.evaluation.distribution import FeatureStatistics, frechet_distance
from ddmi_toolkit.registry import DATASETS, METRICS
from ddmi_toolkit.structures import to_uint8

SUFFIX = '_random_not_comparable'
SIZE = (8, 10, 12)


class Movies:
    """Smooth clips ``(frames, 10, 12, 3)`` in [-1, 1] that follow from an index.

    Args:
        num: Number of clips.
        first: Index of the first one.
        num_frames: Frames of each.
        is_reversed: Whether time runs backwards.
        key: Where the clip lies in ``meta``.
        stride: As real data sets have it.
        split: As real data sets have it.
        pipeline: Unused.
    """

    def __init__(
        self,
        num=20,
        first=0,
        num_frames=8,
        is_reversed=False,
        key='clip',
        stride=1,
        split=None,
        pipeline=(),
    ):
        self.num, self.first, self.num_frames = num, first, num_frames
        self.is_reversed, self.key, self.stride = is_reversed, key, stride

    def __len__(self):
        return self.num

    def __getitem__(self, i):
        rng = torch.Generator().manual_seed(self.first + i)
        coarse = torch.rand((1, 3, 3, 3, 3), generator=rng) * 2 - 1
        coarse[:, :, 1:] *= 0.3  # they fade, so that time has a direction
        clip = F.interpolate(coarse, (self.num_frames, *SIZE[1:]), mode='trilinear')[0]
        clip = clip.movedim(0, -1)
        return dict(meta={self.key: clip.flip(0) if self.is_reversed else clip})


@pytest.fixture(autouse=True)
def _registered():
    DATASETS.register_module(name='_Movies', module=Movies, force=True)
    yield
    DATASETS.module_dict.pop('_Movies')


def clip_quality(**options):
    defaults = dict(
        reference=dict(type='_Movies'),
        size=SIZE,
        extractor=dict(type='RandomClipExtractor', num_features=8),
        cache_dir=None,
    )
    return METRICS.build(dict(type='ClipQuality', **{**defaults, **options}))


def evaluate(metric, dataset, batch_size=3):
    for start in range(0, len(dataset), batch_size):
        part = range(start, min(start + batch_size, len(dataset)))
        samples = [dict(pred=dataset[i]['meta']['clip']) for i in part]
        metric.process(dict(seed=torch.tensor(list(part))), samples)
    return metric.evaluate(len(dataset))


def test_copies_of_the_references_are_perfect():
    values = evaluate(clip_quality(), Movies())
    assert set(values) == {f'generation/{v}{SUFFIX}' for v in VALUES}
    assert values[f'generation/fvd{SUFFIX}'] == pytest.approx(0, abs=1e-9)
    for name in ('precision', 'recall', 'coverage'):
        assert values[f'generation/{name}{SUFFIX}'] == 1


def test_values_are_those_of_the_rounded_clips():
    """FVD by hand; batches do not matter."""
    extractor = RandomClipExtractor(num_features=8)

    def statistics(movies):
        clips = torch.stack([movies[i]['meta']['clip'] for i in range(len(movies))])
        return FeatureStatistics.of(extractor(to_uint8(clips).movedim(-1, 1)))

    others = Movies(15, first=500)
    expected = frechet_distance(statistics(others), statistics(Movies()))
    for batch_size in (1, 4):
        metric = clip_quality(values=['fvd'], batch_size=batch_size)
        values = evaluate(metric, others)
        assert values == {f'generation/fvd{SUFFIX}': pytest.approx(expected, rel=1e-5)}


def test_motion_counts():
    """The same frames in reverse are other clips, which a metric of frames would not see."""
    name = f'generation/fvd{SUFFIX}'
    others = evaluate(clip_quality(values=['fvd']), Movies(first=100))[name]
    backwards = evaluate(clip_quality(values=['fvd']), Movies(is_reversed=True))[name]
    assert backwards > others


def test_fields_are_rendered_at_the_size_that_is_asked_for(clip_field):
    """With another number of frames than the layout's; ``pred`` plays no part."""
    metric = clip_quality(size=(4, 10, 6), reference=dict(type='_Movies', num_frames=4))
    samples = [dict(field=clip_field(i), pred=torch.zeros(3)) for i in range(3)]
    metric.process(dict(seed=torch.arange(3)), samples)
    clips = to_uint8(torch.cat([s['field'].render((4, 10, 6)) for s in samples])).movedim(-1, 1)
    found = torch.cat([torch.from_numpy(features) for _, features in metric.results])
    torch.testing.assert_close(found, metric.extractor(clips), rtol=1e-4, atol=1e-5)


def test_the_protocol_says_which_frames_and_how_many():
    reference = dict(type='_Movies', num_frames=8, stride=3, split='val')
    metric = clip_quality(reference=reference, prefix='reconstruction', num_references=7)
    values = evaluate(metric, Movies(11, first=5))
    protocol = metric.protocol()['reconstruction']
    facts = dict(num_fakes=11, num_references=7, seeds='0-10', size=SIZE, split='val')
    assert facts.items() <= protocol.items()
    assert protocol['num_frames'] == 8
    assert protocol['reference_clips'] == dict(num_frames=8, stride=3)
    assert 'bilinear with antialiasing' in protocol['reference_transform']
    assert "meta['clip']" in protocol['reference_transform']
    assert 'kid' not in protocol
    assert 'rank at most 6 of 8: FVD is biased' in protocol['note']
    Result(values, metric.protocol())
    json.dumps(protocol)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(values=['fid']), r"values has \['fid'\]; choose of \['fvd'"),
        (dict(size=(10, 12)), r'size=\(10, 12\) of clips must be \(frames, rows, columns\)'),
        (dict(size=(8, 11, 12)), r'reference data set has 10 x 12 pixels, 11 x 12 are asked'),
        (dict(size=(7, 10, 12)), r'item 0 .* has 8 frames, 7 are asked for; take clips of as many'),
        (dict(reference=dict(type='_Movies', key='image')), r"no meta\['clip'\].*PackClip"),
        (dict(num_references=3), r"3 reference clips are too few for \['precision'"),
    ],
)
def test_mistakes_are_named_when_the_metric_is_built(options, message):
    with pytest.raises(ValueError, match=message):
        clip_quality(**options)


def test_extractors_of_pictures_are_refused():
    with pytest.raises(TypeError, match='expected AbstractClipExtractor: one of'):
        clip_quality(extractor=dict(type='RandomExtractor'))


def test_predictions_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r'a clip of 8 x 10 x 12 pixels is needed.*\(7, 10, 12, 3'):
        clip_quality().process({}, [dict(pred=torch.zeros(7, 10, 12, 3))])


def test_absent_weights_are_named_when_the_metric_is_built(tmp_path, monkeypatch):
    """Plain FVD is that of the published network; nothing is sampled without it."""
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r'i3d_torchscript\.pt does not exist.*FVD') as e:
        clip_quality(extractor=None)
    assert f'put it into {tmp_path}/hub/checkpoints, or give the path' in str(e.value)
