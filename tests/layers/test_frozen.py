"""Frozen networks: never trained, kept or not in checkpoints, read from the right file only."""

import copy

import pytest
import torch
from torch import nn

from ddmi_toolkit.layers import frozen
from ddmi_toolkit.layers.frozen import KEEPS, Frozen, fingerprint
from ddmi_toolkit.layers.image_features import ImageFeatures
from ddmi_toolkit.utils import load_state_strict

BACKBONE = 'test_resnet'


def network(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))


def holder(keep: str, seed: int = 0) -> nn.Module:
    """A frozen network two levels deep, beside a layer that is trained."""
    return nn.ModuleDict(
        dict(inner=nn.Sequential(Frozen(network(seed), keep)), own=nn.Linear(2, 1))
    )


@pytest.fixture
def weights_file(tmp_path):
    import timm

    path = tmp_path / 'weights.pth'
    torch.manual_seed(7)
    torch.save(timm.create_model(BACKBONE).state_dict(), path)
    return path


@pytest.mark.parametrize('keep', KEEPS)
def test_a_state_dict_loads_strictly_and_holds_what_it_says(keep):
    """Round trip through a state dict, into a model whose other weights differ."""
    state = holder(keep).state_dict()
    held = sum(k.startswith('inner') for k in state)
    assert held == {'weights': 9, 'fingerprint': 1, 'nothing': 0}[keep]
    other = holder(keep)
    other['own'].weight.data.fill_(5.0)
    load_state_strict(other, state, what='test')
    assert torch.equal(other['own'].weight, state['own.weight'])


@pytest.mark.parametrize('keep', KEEPS)
def test_mmengine_saves_and_loads_the_same(keep, tmp_path):
    """Its writer walks the modules by itself; copies of the model behave alike."""
    from mmengine.runner.checkpoint import get_state_dict, load_checkpoint, save_checkpoint

    model = copy.deepcopy(holder(keep))
    state = get_state_dict(model)
    assert list(state) == list(model.state_dict())
    save_checkpoint(dict(meta={}, state_dict=state), str(tmp_path / 'a.pth'))
    load_checkpoint(holder(keep), str(tmp_path / 'a.pth'), strict=True)


@pytest.mark.parametrize(('keep', 'is_replaced'), [('weights', True), ('nothing', False)])
def test_loading_replaces_the_network_only_when_the_checkpoint_holds_it(keep, is_replaced):
    """What is not in the file stays as it was."""
    source, goal = holder(keep, seed=0), holder(keep, seed=1)
    before = fingerprint(goal['inner'][0].module)
    goal.load_state_dict(source.state_dict(), strict=True)
    after = fingerprint(goal['inner'][0].module)
    assert (after == fingerprint(source['inner'][0].module)) == is_replaced
    assert (after == before) != is_replaced


def test_other_weights_than_in_training_are_refused():
    """The checksum says that the file of the frozen network was exchanged."""
    state = holder('fingerprint', seed=0).state_dict()
    with pytest.raises(RuntimeError, match='trained with other weights'):
        holder('fingerprint', seed=1).load_state_dict(state)


def test_a_missing_fingerprint_is_still_missing():
    """What the frozen network keeps out of the file excuses no other key."""
    state = holder('fingerprint').state_dict()
    del state['inner.0.fingerprint'], state['own.bias']
    missing, unexpected = holder('fingerprint').load_state_dict(state, strict=False)
    assert set(missing) == {'inner.0.fingerprint', 'own.bias'}
    assert not unexpected


def test_never_in_training_mode():
    """Batch norm's statistics stay, and gradients reach the input but no parameter."""
    model = holder('weights').train()
    net, x = model['inner'][0], torch.randn(5, 3, requires_grad=True)
    before = fingerprint(net.module)
    net(x).sum().backward()
    assert model['own'].training
    assert not any(m.training for m in net.modules())
    assert fingerprint(net.module) == before
    assert x.grad.abs().sum() > 0
    assert all(p.grad is None and not p.requires_grad for p in net.parameters())


def test_unknown_keep_names_the_choices():
    """One line with the value and the choices."""
    with pytest.raises(ValueError, match=r"keep must be one of .*'nothing'.* got 'all'"):
        Frozen(network(), 'all')


def test_random_features_are_the_same_everywhere_and_leave_the_random_state():
    """Processes that start from different seeds compare images alike."""
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    first = ImageFeatures(BACKBONE, None, (0,), 'weights')
    assert torch.equal(torch.rand(3), expected)
    second = ImageFeatures(BACKBONE, None, (0,), 'weights')
    assert fingerprint(first.net.module) == fingerprint(second.net.module)


def test_random_weights_are_told_once(monkeypatch):
    """One warning per process and network."""
    lines = []
    monkeypatch.setattr(frozen, 'print_log', lambda text, **_: lines.append(text))
    frozen.warn_random.cache_clear()
    for _ in range(2):
        ImageFeatures(BACKBONE, None, (0,), 'weights')
    assert len(lines) == 1
    assert 'not comparable' in lines[0]
    assert BACKBONE in lines[0]


def test_weights_come_from_the_file(weights_file):
    """The first convolution equals the one in the file."""
    state = torch.load(weights_file)
    net = ImageFeatures(BACKBONE, str(weights_file), (0, 1), 'nothing').net.module
    assert torch.equal(next(net.parameters()), next(iter(state.values())))


def test_features_equal_timms_on_normalized_images(weights_file):
    """[-1, 1] is mapped to the statistics the backbone was trained with; grey means 3 equal."""
    import timm

    full = timm.create_model(BACKBONE).eval()
    full.load_state_dict(torch.load(weights_file))
    cfg = full.pretrained_cfg
    images = torch.rand(2, 3, 32, 32)
    mean, std = (torch.tensor(cfg[k]).view(1, 3, 1, 1) for k in ('mean', 'std'))
    ours = ImageFeatures(BACKBONE, str(weights_file), (-1,), 'nothing')
    torch.testing.assert_close(
        ours(2 * images - 1)[-1], full.forward_features((images - mean) / std)
    )
    grey = images[:, :1]
    torch.testing.assert_close(ours(grey)[-1], ours(grey.expand(-1, 3, -1, -1))[-1])


def test_a_missing_file_says_how_to_get_it(tmp_path):
    """Path and remedy in one line."""
    with pytest.raises(FileNotFoundError, match=r'none\.pth does not exist; get it .*timm'):
        ImageFeatures(BACKBONE, str(tmp_path / 'none.pth'), (0,), 'nothing')


@pytest.mark.parametrize('content', [{'x': torch.zeros(1)}, None])
def test_a_file_of_another_network_is_refused(tmp_path, content):
    """timm itself would go on with random weights."""
    path = tmp_path / 'other.pth'
    if content is None:
        path.write_bytes(b'junk')
    else:
        torch.save(content, path)
    with pytest.raises(ValueError, match=r'other\.pth (holds no weights for|cannot be read)'):
        ImageFeatures(BACKBONE, str(path), (0,), 'nothing')


def test_unknown_backbone_lists_near_names():
    """A typo is answered."""
    with pytest.raises(ValueError, match=r"no backbone 'test_resne'.*test_resnet"):
        ImageFeatures('test_resne', None, (0,), 'nothing')


def test_no_file_is_read_on_the_meta_device(tmp_path):
    """Configs are checked where the weights need not be."""
    with torch.device('meta'):
        features = ImageFeatures(BACKBONE, str(tmp_path / 'none.pth'), (0,), 'fingerprint')
    assert all(p.is_meta for p in features.parameters())
