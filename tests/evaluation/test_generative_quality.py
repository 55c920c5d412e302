"""Sets of pictures: known answers, what decides a value, what is said before sampling."""

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_metric import NUM_FAKES, Pictures, evaluate, generative_quality

from ddmi_toolkit.evaluation import PixelExtractor, Result
from ddmi_toolkit.evaluation.distribution import FeatureStatistics, frechet_distance
from ddmi_toolkit.evaluation.generative_quality import VALUES
from ddmi_toolkit.registry import DATASETS
from ddmi_toolkit.structures import to_uint8

SUFFIX = '_pixels_2x2'


@pytest.fixture(autouse=True)
def _registered():
    DATASETS.register_module(name='_Pictures', module=Pictures, force=True)
    yield
    DATASETS.module_dict.pop('_Pictures')


class Cats:
    """Photographs of CIFAR-10 by range, as distributed."""

    def __init__(self, archive, kind, start, stop):
        with zipfile.ZipFile(archive) as file:
            names = [f'{kind}/{i:04d}.jpg' for i in range(start, stop)]
            read = [Image.open(io.BytesIO(file.read(n))).convert('RGB') for n in names]
        self.images = [torch.from_numpy(np.array(i)).float() / 127.5 - 1 for i in read]

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        return dict(meta=dict(image=self.images[i]))


@pytest.mark.parametrize(('kind', 'start'), [('cat', 350), ('dog', 0)])
def test_photographs_have_the_reference_values(data_root, kind, start):
    """From pictures to FID, KID, precision and recall, against torch-fidelity's values."""
    table = data_root / 'reference_metrics/frechet_kid_prc_isc.json'
    archive = data_root / 'cifar10_catdog/train.zip'
    if not (table.is_file() and archive.is_file()):
        pytest.skip(f'{table} or {archive} does not exist')
    name = 'cat_a_vs_cat_b' if kind == 'cat' else 'cat_a_vs_dog'
    expected = json.loads(table.read_text())[name]
    DATASETS.register_module(name='_Cats', module=Cats, force=True)
    reference = dict(type='_Cats', archive=archive, kind=kind, start=start, stop=start + 350)
    extractor = dict(type='PixelExtractor', grid=8)
    metric = generative_quality(reference=reference, size=32, extractor=extractor)
    values = evaluate(metric, Cats(archive, 'cat', 0, 350), batch_size=50)
    DATASETS.module_dict.pop('_Cats')
    found = {
        k.removesuffix('_pixels_8x8').removeprefix('generation/'): v for k, v in values.items()
    }
    assert found['fid'] == pytest.approx(expected['fid'], rel=1e-4)
    assert found['kid'] == pytest.approx(expected['mmd2_poly3_unbiased_fullset'], rel=1e-4)
    assert found['kid_std'] < 1e-12  # a subset is the whole set
    assert found['precision'] == pytest.approx(expected['precision'], rel=1e-4)
    assert found['recall'] == pytest.approx(expected['recall'], rel=1e-4)


def test_copies_of_the_references_are_perfect():
    values = evaluate(generative_quality(), Pictures())
    assert set(values) == {f'generation/{v}{SUFFIX}' for v in (*VALUES, 'kid_std')}
    assert values[f'generation/fid{SUFFIX}'] == pytest.approx(0, abs=1e-9)
    for name in ('precision', 'recall', 'coverage'):
        assert values[f'generation/{name}{SUFFIX}'] == 1


def test_values_are_those_of_the_rounded_pictures():
    """FID by hand from 8-bit block means."""
    dataset, others = Pictures(), Pictures(15, first=500)
    extractor = PixelExtractor(grid=2)

    def statistics(pictures):
        images = torch.stack(
            [p['meta']['image'] for p in map(pictures.__getitem__, range(len(pictures)))]
        )
        return FeatureStatistics.of(extractor(to_uint8(images).movedim(-1, 1)))

    expected = frechet_distance(statistics(others), statistics(dataset))
    values = evaluate(generative_quality(values=['fid']), others)
    assert values == {f'generation/fid{SUFFIX}': pytest.approx(expected, rel=1e-9)}


def test_values_do_not_depend_on_batches_or_order():
    fakes = Pictures(NUM_FAKES, first=1000)
    whole = evaluate(generative_quality(kid_subset_size=7), fakes, batch_size=21)
    assert evaluate(generative_quality(kid_subset_size=7, batch_size=2), fakes) == whole
    metric, order = generative_quality(kid_subset_size=7), torch.randperm(NUM_FAKES).tolist()
    for i in order:
        metric.process({}, [dict(pred=fakes[i]['meta']['image'], seed=i)])
    assert metric.evaluate(NUM_FAKES) == whole


def test_two_processes_have_the_values_of_one(tmp_path):
    """Both read a share of the references, and one file is left for later runs."""
    script = Path(__file__).with_name('tiny_metric.py')
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path)],
        env=dict(os.environ, OMP_NUM_THREADS='1', CUDA_VISIBLE_DEVICES=''),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads((tmp_path / 'found.json').read_text())
    metric = generative_quality()
    assert found['values'] == pytest.approx(evaluate(metric, Pictures(NUM_FAKES, first=1000)))
    assert found['protocol'] == json.loads(json.dumps(metric.protocol()))
    assert len(list((tmp_path / 'cache').iterdir())) == 1


def test_fields_are_rendered_at_the_size_that_is_asked_for(wave_field):
    """Another size than the layout's; with ``cell`` the pixels are averages."""
    reference = dict(type='_Pictures', size=40)
    samples = [
        dict(field=wave_field(i, highest=9.0), pred=torch.zeros(3), seed=i) for i in range(8)
    ]
    metrics = {
        cell: generative_quality(reference=reference, size=(20, 30), cell=cell, values=['fid'])
        for cell in (None, 1.0)
    }
    for cell, metric in metrics.items():
        metric.process({}, samples)
        image = samples[3]['field'].render((20, 30), cell=cell)
        expected = metric.extractor(to_uint8(image).movedim(-1, 1))[0]
        np.testing.assert_allclose(metric.results[3][1][0], expected.numpy(), atol=1e-6)
    assert not np.allclose(metrics[None].results[3][1], metrics[1.0].results[3][1], atol=1e-3)


def test_references_are_brought_to_the_size_without_aliasing():
    """One-pixel stripes become grey; what is equal in size is untouched."""
    metric = generative_quality(reference=dict(type='_Pictures', size=24))
    stripes = torch.ones(24, 24, 3)
    stripes[:, ::2] = -1
    metric.reference.dataset = [dict(meta=dict(image=stripes))]
    small = metric.reference.members(0)[0, :, 2:-2, 2:-2].float()
    assert (small - 127.5).abs().max() < 4
    same = generative_quality(size=24, reference=dict(type='_Pictures', size=24))
    same.reference.dataset = [dict(meta=dict(image=stripes))]
    assert same.reference.members(0).unique().tolist() == [0, 255]


def test_reference_features_are_kept_on_disk(tmp_path, monkeypatch):
    """For their data set, size and extractor alone; a broken file is computed again."""
    options = dict(cache_dir=str(tmp_path), values=['fid'])
    fakes = Pictures(NUM_FAKES, first=1000)
    expected = evaluate(generative_quality(**options), fakes)
    (file,) = tmp_path.iterdir()

    def fail(*args):
        raise AssertionError('features were computed again')

    again = generative_quality(**options)
    monkeypatch.setattr(again.reference, '_compute', fail)
    assert evaluate(again, fakes) == expected
    for other in (
        dict(size=6),
        dict(extractor=dict(type='PixelExtractor', grid=3)),
        dict(reference=dict(type='_Pictures', first=1)),
        dict(num_references=10),
    ):
        metric = generative_quality(**{**options, **other})
        monkeypatch.setattr(metric.reference, '_compute', fail)
        with pytest.raises(AssertionError, match='computed again'):
            metric.reference.features()
    file.write_bytes(file.read_bytes()[:-9])
    assert evaluate(generative_quality(**options), fakes) == expected


def test_the_protocol_says_how_and_on_what():
    metric = generative_quality(prefix='reconstruction', kid_subset_size=6)
    values = evaluate(metric, Pictures(11, first=5))
    protocol = metric.protocol()['reconstruction']
    facts = dict(num_fakes=11, num_references=20, seeds='0-10', size=(12, 12), split=None)
    assert facts.items() <= protocol.items()
    assert protocol['extractor'] == 'pixels_2x2'
    assert protocol['kid'].startswith('100 subsets of 6, seed 2020')
    assert 'rank at most 10 of 12: FID is biased' in protocol['note']
    Result(values, metric.protocol())
    other = generative_quality(prefix='reconstruction', kid_subset_size=6, size=6)
    evaluate(other, Pictures(11, size=6, first=5))
    changed = {k for k, v in other.protocol()['reconstruction'].items() if v != protocol[k]}
    assert changed == {'size', 'reference'}


def test_the_reference_is_known_by_its_pictures():
    """Not by where it lies, or what else its config says; another picture is another set."""
    digests = {
        name: generative_quality(reference=dict(type='_Pictures', **options)).reference.digest
        for name, options in dict(
            one={}, elsewhere=dict(split='val'), other=dict(first=1), fewer=dict(num=19)
        ).items()
    }
    assert digests['one'] == digests['elsewhere']
    assert len(set(digests.values())) == 3


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(values=['fad']), r"values has \['fad'\]; choose of"),
        (dict(size=0), r'size=0 must be a number of pixels or \(rows, columns\)'),
        (dict(size=(3, 4, 5)), r'size=\(3, 4, 5\) must be'),
        (dict(num_references=21), r'has 20 items, num_references=21; .*1 to 20'),
        (dict(reference=dict(type='_Pictures', num=0)), r'has 0 items'),
        (
            dict(num_references=4),
            r"4 reference pictures are too few for \['density', 'coverage'\]: 6",
        ),
        (dict(size=13), r'item 0 of the reference data set has 12 x 12 pixels, 13 x 13 are asked'),
    ],
)
def test_mistakes_are_named_when_the_metric_is_built(options, message):
    with pytest.raises(ValueError, match=message):
        generative_quality(**options)


def test_absent_weights_are_named_when_the_metric_is_built(tmp_path, monkeypatch):
    """Plain FID is that of the published network; nothing is sampled without it."""
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r'2015-12-05-6726825d\.pth does not exist'):
        generative_quality(extractor=None)


def test_unusable_pictures_are_explained(monkeypatch):
    monkeypatch.setattr(Pictures, '__getitem__', lambda self, i: dict(meta=dict(name='cat')))
    with pytest.raises(
        ValueError, match=r"has no meta\['image'\] \(its meta has \['name'\]\).*Pack"
    ):
        generative_quality()
    monkeypatch.setattr(
        Pictures, '__getitem__', lambda self, i: dict(meta=dict(image=torch.zeros(12, 12)))
    )
    with pytest.raises(ValueError, match=r'shape \(12, 12\), expected \(H, W, 3\)'):
        generative_quality()


def test_predictions_of_another_size_are_refused():
    metric = generative_quality()
    with pytest.raises(ValueError, match=r'12 x 12 pixels is needed.*pred of shape \(9, 9, 3\)'):
        metric.process({}, [dict(pred=torch.zeros(9, 9, 3))])
    metric.process({}, [dict(pred=torch.zeros(12, 12, 3))])
    with pytest.raises(ValueError, match='1 generated pictures are too few'):
        metric.evaluate(1)
