"""LPIPS: the package's distance, with a trunk whose file is known."""

import dataclasses
import warnings

import pytest
import torch

from ddmi_toolkit.evaluation import ImageQuality, lpips_distance
from ddmi_toolkit.evaluation.lpips_distance import LPIPSDistance
from ddmi_toolkit.evaluation.weights import LPIPS_TRUNKS, file_sha256


@pytest.fixture(scope='module')
def alexnet_file(tmp_path_factory):
    """Random weights in torchvision's layout, without the classifier, which LPIPS ignores."""
    import torchvision

    path = tmp_path_factory.mktemp('weights') / LPIPS_TRUNKS['alex'].name
    torch.manual_seed(4)
    with torch.device('meta'):
        net = torchvision.models.alexnet()
    features = net.features.to_empty(device='cpu')
    for parameter in features.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    torch.save({f'features.{k}': v for k, v in features.state_dict().items()}, path)
    return path


@pytest.fixture
def _known(alexnet_file, monkeypatch):
    """That file is taken for the published one."""
    published = dataclasses.replace(LPIPS_TRUNKS['alex'], sha256=file_sha256(alexnet_file)[:8])
    monkeypatch.setitem(LPIPS_TRUNKS, 'alex', published)


def images(seed: int, size: int = 35) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    return 2 * torch.rand((2, size, size + 3, 3), generator=rng) - 1


@pytest.mark.usefixtures('_known')
def test_values_are_those_of_the_package(alexnet_file):
    """Whose trunk is filled by hand, layer by layer."""
    import lpips

    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        package = lpips.LPIPS(net='alex', pnet_rand=True, verbose=False)
    state = torch.load(alexnet_file, weights_only=True)
    convolutions = [m for m in package.net.modules() if isinstance(m, torch.nn.Conv2d)]
    for layer, i in zip(convolutions, (0, 3, 6, 8, 10), strict=True):
        layer.weight.data, layer.bias.data = (
            state[f'features.{i}.{k}'] for k in ('weight', 'bias')
        )
    a, b = images(0), images(1)
    with torch.no_grad():
        expected = package(a.movedim(-1, 1), b.movedim(-1, 1)).flatten()
    found = LPIPSDistance('alex', str(alexnet_file))(a, b)
    torch.testing.assert_close(found, expected)
    assert (found > 0).all()


@pytest.mark.usefixtures('_known')
def test_trunk_is_found_in_the_cache_of_torch(alexnet_file, tmp_path, monkeypatch):
    """And its checksum travels with the values."""
    (tmp_path / 'hub/checkpoints').mkdir(parents=True)
    (tmp_path / 'hub/checkpoints' / alexnet_file.name).symlink_to(alexnet_file)
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    lpips_distance.lpips_distance.cache_clear()
    metric = ImageQuality(['lpips_alex'])
    lpips_distance.lpips_distance.cache_clear()
    assert metric.protocol()['image']['lpips_alex'] == metric.lpips['lpips_alex'].checksum
    assert metric.lpips['lpips_alex'].checksum != LPIPSDistance('alex_random').checksum


def test_metric_clamps_and_averages():
    """Equal pictures have distance 0; overshoot is not seen; the mean is over images."""
    metric = ImageQuality(['lpips_alex_random'])
    one, two = images(0)[:1], images(1)[:1]
    network = metric.lpips['lpips_alex_random']
    pairs = [(one[0], two[0]), (two[0], two[0])]
    metric.process(None, [dict(pred=p, target=t) for p, t in pairs])
    value = metric.evaluate(2)['image/lpips_alex_random']
    assert value == pytest.approx(network(one, two).item() / 2, rel=1e-4)
    white = torch.ones(32, 32, 3)
    metric.process(None, [dict(pred=white + 5, target=white)])
    assert metric.evaluate(1)['image/lpips_alex_random'] == pytest.approx(0, abs=1e-6)


def test_clips_average_the_distances_of_their_frames():
    metric = ImageQuality(['lpips_alex_random'])
    pred, target = images(0), images(1)
    metric.process(None, [dict(pred=pred, target=target)])
    expected = metric.lpips['lpips_alex_random'](pred, target).mean().item()
    assert metric.evaluate(1)['image/lpips_alex_random'] == pytest.approx(expected, rel=1e-4)


def test_absent_and_other_trunks_are_named_before_anything_is_measured(alexnet_file, tmp_path):
    """The message says what to download to where."""
    missing = str(tmp_path / 'nothing.pth')
    for trunk, file in LPIPS_TRUNKS.items():
        with pytest.raises(FileNotFoundError, match='nothing.pth does not exist') as error:  # noqa: RUF043
            ImageQuality([f'lpips_{trunk}'], lpips_weights=missing)
        assert file.url in str(error.value)
        assert f'SHA-256 {file.sha256}...' in str(error.value)
    with pytest.raises(ValueError, match=r'expected 7be5be79\.\.\.: LPIPS with another trunk'):
        ImageQuality(['lpips_alex'], lpips_weights=str(alexnet_file))
    with pytest.raises(ValueError, match=r"no trunk 'squeeze'; choose of \['alex', 'vgg'\]"):
        LPIPSDistance('squeeze')
    with pytest.raises(ValueError, match='LPIPS compares colors'):
        ImageQuality(['lpips_alex_random'], is_luma=True)


def test_a_file_of_another_layout_is_refused(tmp_path, monkeypatch):
    path = tmp_path / 'weights.pth'
    torch.save(dict(weight=torch.zeros(2)), path)
    published = dataclasses.replace(LPIPS_TRUNKS['alex'], sha256=file_sha256(path))
    monkeypatch.setitem(LPIPS_TRUNKS, 'alex', published)
    with pytest.raises(ValueError, match='cannot be read as the trunk of LPIPS'):
        LPIPSDistance('alex', str(path))


@pytest.mark.parametrize(
    ('trunk', 'smallest'), [('alex', 31), pytest.param('vgg', 16, marks=pytest.mark.slow)]
)
def test_pictures_that_the_trunk_cannot_see_are_refused(trunk, smallest):
    """The smallest one works."""
    network = LPIPSDistance(f'{trunk}_random')
    small = torch.zeros(1, smallest - 1, 64, 3)
    with pytest.raises(ValueError, match=f'at least {smallest} x {smallest} pixels'):
        network(small, small)
    tiny = torch.rand(1, smallest, smallest, 3)
    assert network(tiny, -tiny).item() > 0
