"""What each scale adds, as a user asks for it, on tiny models with random weights."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from shrink import shrink

from ddmi_toolkit.apis import FieldInferencer, analyze_basis_fields
from ddmi_toolkit.apis.basis_analysis import observed, similarity, summary
from ddmi_toolkit.models.generators.pe_generator import PEEvaluator
from ddmi_toolkit.registry import MODELS
from ddmi_toolkit.structures import (
    Field,
    PlaneLayout,
    Signal,
    basis_key,
    feed_scales,
    mean_basis_vectors,
)
from ddmi_toolkit.visualization import FieldVisualizer, draw_basis_analysis

ROOT = Path(__file__).parents[2]
NAMES = (
    'ddmi/procedural_image',
    'd2c_vae/procedural_image',
    'd2c_vae/procedural_chair',
    'd2c_vae/procedural_video',
    'ablations/chair_single_scale',
    'baselines/chair_full_weights',
)


@pytest.fixture(scope='module')
def models(tmp_path_factory):
    """Config file and checkpoint of models with random weights, by name."""
    found = {}
    for name in NAMES:
        folder = tmp_path_factory.mktemp('model')
        cfg = shrink(f'{name}.py', folder)
        cfg.dump(folder / 'config.py')
        torch.manual_seed(0)
        model = MODELS.build({**cfg.model})
        torch.save(dict(state_dict=model.state_dict(), meta={}), folder / 'model.pth')
        found[name] = [str(folder / 'config.py'), str(folder / 'model.pth')]
    return found


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    """Runs the command in this process and returns what it prints."""

    def command(*arguments):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, 'argv', ['analyze_basis_fields.py', *map(str, arguments)])
        runpy.run_path(str(ROOT / 'tools/analyze_basis_fields.py'), run_name='__main__')
        return capsys.readouterr().out

    return command


def test_samples_of_pictures(run, models, tmp_path):
    """The report is that of the samples of these seeds."""
    files = models['ddmi/procedural_image']
    text = run(*files, '--seeds', '3,5', '--out', 'a', '--rows', 1, '--tile', 32)
    assert '| scales fed | psnr_to_all | energy above 0.5 |' in text
    report = json.loads((tmp_path / 'a/basis_fields.json').read_text())
    assert (report['of'], report['seeds'], report['unfed']) == ('samples', [3, 5], 'mean')
    assert [scale['nodes'] for scale in report['scales']] == [{'xy': [n, n]} for n in (4, 8, 16)]
    fields = list(FieldInferencer(*files, 'cpu').sample([3, 5]))
    part = feed_scales(fields[0], 1, mean_basis_vectors(fields)).render((16, 16)).clamp(-1, 1)
    other = feed_scales(fields[1], 1, mean_basis_vectors(fields)).render((16, 16)).clamp(-1, 1)
    wholes = [field.render((16, 16)).clamp(-1, 1) for field in fields]
    errors = [(a - b).square().mean() / 4 for a, b in zip((part, other), wholes, strict=True)]
    psnr = np.mean([-10 * e.log10().item() for e in errors])
    assert report['outputs'][0]['psnr_to_all']['mean'] == pytest.approx(psnr, abs=1e-3)
    assert report['outputs'][2]['psnr_to_all'] == dict(mean=None, std=None)
    with Image.open(tmp_path / 'a/basis_fields.png') as image:
        assert image.width == 1000


@pytest.mark.parametrize(
    'name, key', [('procedural_chair', 'iou_to_all'), ('procedural_video', 'psnr_to_all')]
)
def test_reconstructions_of_other_signals(run, models, tmp_path, name, key):
    """Stage 1, by default into the work folder; three planes, equal and unequal."""
    files = models[f'd2c_vae/{name}']
    text = run(*files, '--seeds', '0-1', '--rows', 1, '--unfed', 'zeros', '--size', 8)
    folder = Path(text.rpartition('written to ')[2].strip())
    assert folder.name == 'basis_fields'
    report = json.loads((folder / 'basis_fields.json').read_text())
    assert report['of'] == 'reconstructions of held-out items'
    assert [len(scale['nodes']) for scale in report['scales']] == [3, 3, 3]
    for scale in report['scales']:
        assert 0 < scale['share_above']['mean'] < 1
        assert sum(scale['spectrum']['share']) == pytest.approx(1)
    assert [set(output) >= {'num_scales', key} for output in report['outputs']] == [True] * 3
    if key == 'iou_to_all':
        assert report['outputs'][2][key] == dict(mean=1.0, std=0.0)


def test_one_scale_has_a_spectrum_and_nothing_to_leave_out(run, models, tmp_path):
    files = models['ablations/chair_single_scale']
    text = run(*files, '--seeds', 0, '--out', 'b', '--size', 8)
    assert 'The model has one scale: there is nothing to leave out.' in text
    report = json.loads((tmp_path / 'b/basis_fields.json').read_text())
    assert len(report['scales']) == len(report['outputs']) == 1
    assert report['scales'][0]['share_above']['std'] is None


@pytest.mark.parametrize(
    'name, arguments, message',
    [
        ('baselines/chair_full_weights', [], 'FourierMLP has no basis fields'),
        ('d2c_vae/procedural_image', ['--seeds', '0-4'], 'are 4 held-out items.* number 4'),
        ('d2c_vae/procedural_image', ['--rows', 0], '--rows 0'),
        ('d2c_vae/procedural_image', ['--seeds', 0, '--cutoff', 0], 'cutoff=0.0 must be positive'),
        ('d2c_vae/procedural_image', ['--seeds', 0, '--size', 0], 'size=0 must be'),
    ],
)
def test_mistakes_end_in_one_line(run, models, tmp_path, name, arguments, message):
    with pytest.raises(SystemExit, match=message):
        run(*models[name], '--out', 'c', *arguments)
    assert not (tmp_path / 'c/basis_fields.json').exists()


@pytest.mark.parametrize('stage, given', [('ddmi', 'd2c_vae'), ('d2c_vae', 'ddmi')])
def test_a_checkpoint_of_the_other_stage_is_named(run, models, stage, given):
    (config, _), (_, file) = (models[f'{s}/procedural_image'] for s in (stage, given))
    number = 1 + (given == 'ddmi')
    message = rf'{file}: this is a checkpoint of stage {number}.* \(configs/{given}\)'
    with pytest.raises(SystemExit, match=message):
        run(config, file, '--seeds', 0, '--out', 'c')


def test_a_model_without_fields_is_named(run, tmp_path):
    with pytest.raises(SystemExit, match='makes no fields, its model is a FieldClassifier'):
        run('classifiers/procedural_chair.py', '--out', 'c')


def line_fields(count=2):
    """Random fields over a line at scales of 4, 8 and 16 nodes."""
    torch.manual_seed(0)
    layout = PlaneLayout([dict(name='s', size=16)], ['s'])
    readout = dict(type='CFCReadout', width=8, head=dict(type='LinearHead', out_channels=1))
    evaluator = PEEvaluator(layout.config, 'sum', readout, 3, 4).requires_grad_(False)
    state = {basis_key(i, 's'): torch.randn(count, 4, 1, 4 * 2**i) for i in range(3)}
    batch = Field(evaluator, state, layout, 1)
    return [batch[i] for i in range(count)]


def test_lines(tmp_path):
    analysis = analyze_basis_fields(line_fields())
    assert [scale['nodes'] for scale in analysis.scales] == [{'s': [1, 4 * 2**i]} for i in range(3)]
    # of 4 nodes 1 frequency of 3 lies above half the Nyquist frequency, of 8 5 of 7, ...
    noise = [scale['white_noise_above'] for scale in analysis.scales]
    assert noise == pytest.approx([1 / 3, 5 / 7, 13 / 15])
    close = [output['psnr_to_all']['mean'] for output in analysis.outputs]
    assert close[1] > close[0]
    assert close[2] is None
    visualizer = FieldVisualizer('lines', size=32)
    pictures = [
        [visualizer.draw_field(f) for f in same] for same in zip(*analysis.partial, strict=True)
    ]
    curves = [(s['spectrum']['frequency'], s['spectrum']['share']) for s in analysis.scales]
    path = draw_basis_analysis(pictures, analysis.maps, curves, 0.5, tmp_path / 'new/line.png')
    assert path.stat().st_size > 1000


def test_a_scale_that_is_constant_has_no_share_and_changes_nothing():
    """A dead scale is found, not divided by."""
    fields = line_fields()
    for field in fields:
        field.state['level2.s'].fill_(0.3)
    analysis = analyze_basis_fields(fields)
    assert analysis.scales[2]['variance']['mean'] < 1e-12
    assert analysis.scales[2]['share_above'] == dict(mean=None, std=None)
    output = analysis.outputs[1]['psnr_to_all']['mean']
    assert output is None or output > 100
    json.dumps(analysis.report(), allow_nan=False)


def test_unfed_means_keep_what_zeros_lose():
    """A scale whose vectors are the same everywhere adds no detail: its mean is the scale."""
    fields = line_fields()
    for field in fields:
        field.state['level2.s'].fill_(3.0)
    by_mean, by_zeros = (
        analyze_basis_fields(fields, unfed=u).outputs[1] for u in ('mean', 'zeros')
    )
    assert by_mean['psnr_to_all']['mean'] is None or by_mean['psnr_to_all']['mean'] > 100
    assert by_zeros['psnr_to_all']['mean'] < 60


def test_arguments_are_checked():
    with pytest.raises(ValueError, match="unfed='median' must be one of mean, zeros"):
        analyze_basis_fields(line_fields(), unfed='median')
    with pytest.raises(ValueError, match='at least one field'):
        analyze_basis_fields([])


def test_outputs_are_values_in_range_or_probabilities(models):
    for name in ('procedural_image', 'procedural_chair'):
        inferencer = FieldInferencer(*models[f'd2c_vae/{name}'], 'cpu')
        (field,) = inferencer.sample([0])
        seen = observed(field, 8)
        assert seen.shape[1:-1] == (8,) * field.layout.dim
        low = 0 if field.signal is Signal.SURFACE else -1
        assert seen.min() >= low
        assert seen.max() <= 1


def test_similarity_is_that_of_the_signal():
    a, b = torch.tensor([[[0.9], [0.4], [0.6]]]), torch.tensor([[[0.9], [0.6], [0.4]]])
    assert similarity(a, b, Signal.SURFACE) == ('iou_to_all', pytest.approx(1 / 3))
    assert similarity(a, b, Signal.SURFACE, threshold=0.3) == ('iou_to_all', 1.0)
    name, value = similarity(a, a + 0.2, Signal.PICTURE)  # 0.1 of a range of 1
    assert (name, value) == ('psnr_to_all', pytest.approx(20, abs=1e-4))
    assert summary([1.0, 3.0]) == dict(mean=2.0, std=pytest.approx(2**0.5))
    assert summary([float('inf'), 3.0]) == dict(mean=None, std=None)


def test_maps_have_the_rows_and_columns_of_their_plane(models):
    """Of clips, time, the rows of 'xt' and 'yt', has as many nodes on every scale."""
    fields = list(FieldInferencer(*models['d2c_vae/procedural_video'], 'cpu').sample([0, 1]))
    x = (torch.arange(8) + 0.5) / 8
    for field in fields:  # a wave along x of 3/8 of the highest frequency, twice the coarse one
        field.state[basis_key(1, 'xt')].copy_((torch.pi * 3 * x).cos())
    analysis = analyze_basis_fields(fields, size=8)
    assert [level['xt'].extent for level in analysis.maps] == [(1, 1), (1, 2), (1, 4)]
    assert [level['yt'].extent for level in analysis.maps] == [(1, 1), (1, 2), (1, 4)]
    assert [level['xy'].extent for level in analysis.maps] == [(1, 1), (2, 2), (4, 4)]
    wave = analysis.maps[1]['xt']
    assert wave.power.shape == (4, 8)
    assert np.unravel_index(wave.power.argmax(), wave.power.shape) == (0, 3)
    assert np.nanargmax(wave.log_density()) == 3
