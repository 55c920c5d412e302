"""Extractors of clips: known by name and weights; absent or wrong files say what to do."""

import dataclasses
import warnings

import pytest
import torch
from torch import nn

from ddmi_toolkit.evaluation import AbstractClipExtractor, video_extractors
from ddmi_toolkit.evaluation.i3d import I3D
from ddmi_toolkit.evaluation.weights import I3D_TORCHSCRIPT, file_sha256
from ddmi_toolkit.registry import MODELS


class Scripted(nn.Module):
    """Called as the published network; the first features tell the arguments."""

    def forward(
        self,
        x: torch.Tensor,
        rescale: bool = False,
        resize: bool = False,
        return_features: bool = False,
    ) -> torch.Tensor:
        means = x.flatten(1).mean(1, keepdim=True)
        flags = torch.tensor([float(rescale), float(resize), float(return_features)])
        flags = flags.to(x.device).expand(len(x), 3)
        return torch.cat([flags, means.expand(len(x), 397)], dim=1)


@pytest.fixture(scope='module')
def script(tmp_path_factory):
    """A TorchScript file of the published calling convention."""
    path = tmp_path_factory.mktemp('i3d') / 'i3d_torchscript.pt'
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # TorchScript is deprecated; the published file is one
        torch.jit.script(Scripted()).save(str(path))
    return path


def build(type: str, **options) -> AbstractClipExtractor:
    return MODELS.build(dict(type=type, **options), role=AbstractClipExtractor)


def clips(count: int = 2, frames: int = 9, side: int = 16, seed: int = 0) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    shape = (count, 3, frames, side, side)
    return torch.randint(0, 256, shape, generator=rng, dtype=torch.uint8)


@pytest.mark.parametrize('frames', [1, 4, 16])
def test_random_features_belong_to_their_clip(frames):
    """Not to the batch; they see the order of frames."""
    extractor, given = build('RandomClipExtractor', num_features=8), clips(3, frames)
    features = extractor(given)
    assert features.shape == (3, 8)
    alone = torch.cat([extractor(clip[None]) for clip in given])
    torch.testing.assert_close(alone, features, rtol=1e-4, atol=1e-5)
    assert (features[0] - features[1]).abs().max() > 1e-3
    if frames > 1:
        assert (extractor(given.flip(2)) - features).abs().max() > 1e-3
    assert build('RandomClipExtractor', num_features=8).checksum == extractor.checksum
    assert build('RandomClipExtractor', num_features=8, seed=1).checksum != extractor.checksum
    assert extractor.name == 'random_not_comparable'


def test_features_need_8_bit_clips():
    extractor = build('RandomClipExtractor')
    for given in (torch.rand(1, 3, 4, 8, 8), clips()[:, :1], clips()[:, :, 0]):
        with pytest.raises(ValueError, match=r'got clips .*expected \(B, 3, T, H, W\) uint8'):
            extractor(given)


def test_the_scripted_network_is_called_as_published(script):
    """8-bit values as they are; it brings them to its range and size itself."""
    found, given = build('I3DExtractor', path=str(script)), clips()
    features = found(given)
    assert features[:, :3].eq(1).all()
    torch.testing.assert_close(features[:, 3], given.float().flatten(1).mean(1))
    sha256 = file_sha256(script)
    assert (found.name, found.checksum) == (f'i3d_{sha256[:8]}', sha256[:16])
    assert found.protocol()['extractor_resize'] == 'by the TorchScript file, resize=True'
    with pytest.raises(ValueError, match='clips of 8 frames: it needs at least 9'):
        found(clips(frames=8))


def test_the_published_network_has_the_plain_name(script, monkeypatch, tmp_path):
    """Which is decided by the content of the file that is found in torch's cache."""
    published = dataclasses.replace(I3D_TORCHSCRIPT, sha256=file_sha256(script))
    monkeypatch.setattr(video_extractors, 'I3D_TORCHSCRIPT', published)
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    (tmp_path / 'hub/checkpoints').mkdir(parents=True)
    (tmp_path / 'hub/checkpoints' / script.name).symlink_to(script)
    found = build('I3DExtractor')
    assert found.name == ''
    assert found.protocol()['extractor'] == 'i3d'


def test_absent_i3d_says_what_to_put_where(tmp_path, monkeypatch):
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    with pytest.raises(FileNotFoundError) as error:
        build('I3DExtractor')
    for word in (
        'i3d_torchscript.pt does not exist',
        'https://www.dropbox.com/s/ge9e5ujwgetktms/i3d_torchscript.pt',
        '51,235,320 bytes',
        f'SHA-256 {I3D_TORCHSCRIPT.sha256}',
        f'put it into {tmp_path}/hub/checkpoints, or give the path',
    ):
        assert word in str(error.value)
    with pytest.raises(FileNotFoundError, match=r'here/it\.pt does not exist'):
        build('I3DExtractor', path='here/it.pt')


def test_files_of_other_networks_are_refused(tmp_path):
    path = tmp_path / 'i3d.pt'
    for content in (b'PK\x03\x04 cut', {'fc.weight': torch.zeros(2)}, print):
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            torch.save(content, path)
        with pytest.raises(ValueError, match='neither a TorchScript file nor a state dict of I3D'):
            build('I3DExtractor', path=str(path))


@pytest.fixture(scope='module')
def state_dict(tmp_path_factory):
    """Random weights in the layout of ``i3d_pretrained_400.pt``."""
    path = tmp_path_factory.mktemp('i3d') / 'i3d_pretrained_400.pt'
    torch.manual_seed(0)
    torch.save(I3D().state_dict(), path)
    return path


def test_state_dicts_make_another_value(state_dict):
    """Named apart; clips are scaled and cut to the middle square as their code does it."""
    found, given = build('I3DExtractor', path=str(state_dict)), clips(1, side=12)[..., :10, :]
    assert found.name == f'pytorch_i3d_{file_sha256(state_dict)[:8]}'
    frames = given[0].movedim(1, 0).float() / 255  # (T, 3, 10, 12)
    frames = nn.functional.interpolate(frames, (224, 269), mode='bilinear')[..., 22:246]
    expected = found.net((frames.movedim(0, 1)[None] - 0.5) * 2)
    torch.testing.assert_close(found(given), expected, rtol=1e-4, atol=1e-5)


def test_i3d_has_the_published_layout():
    """Names and sizes of the published files; two halvings of time come before the last."""
    with torch.device('meta'):
        net = I3D()
    state = net.state_dict()
    assert sum(p.numel() for p in net.parameters()) == 12_697_264
    assert state['Conv3d_1a_7x7.conv3d.weight'].shape == (64, 3, 7, 7, 7)
    assert state['Mixed_5c.b1b.conv3d.weight'].shape == (384, 192, 3, 3, 3)
    assert state['Mixed_4f.b3b.bn.running_var'].shape == (128,)
    assert state['logits.conv3d.bias'].shape == (400,)
    assert net(torch.zeros(2, 3, 16, 224, 224, device='meta')).shape == (2, 400)


def test_i3d_pads_as_tensorflow_does():
    """Zeros around, one more behind: a box of ones over ones counts what lies inside."""
    from ddmi_toolkit.evaluation.i3d import Unit3D

    unit = Unit3D(1, 1, 3, stride=2, is_last=True)
    nn.init.ones_(unit.conv3d.weight)
    nn.init.zeros_(unit.conv3d.bias)
    with torch.no_grad():
        odd, even = (unit(torch.ones(1, 1, 1, 1, n))[0, 0, 0, 0] for n in (5, 4))
    assert odd.tolist() == [2, 3, 2]
    assert even.tolist() == [3, 2]


def test_torchvision_weights_come_from_a_file(tmp_path):
    """Its features are those of the network before its classifier."""
    from torchvision.models import video

    torch.manual_seed(1)
    net = video.mc3_18(weights=None).eval()
    path = tmp_path / 'mc3.pth'
    torch.save(net.state_dict(), path)
    found, given = (
        build('TorchvisionClipExtractor', name='mc3_18', weights=str(path)),
        clips(1, 2),
    )
    assert (found.name, found.num_features) == ('torchvision_mc3_18', 512)
    transform = video.MC3_18_Weights.DEFAULT.transforms()
    mean, std = (torch.tensor(x).view(3, 1, 1) for x in (transform.mean, transform.std))
    frames = given[0].movedim(1, 0).float() / 255
    frames = nn.functional.interpolate(frames, (112, 112), mode='bilinear', antialias=True)
    with torch.no_grad():
        logits = net(((frames - mean) / std).movedim(0, 1)[None])
        torch.testing.assert_close(net.fc(found(given)), logits, rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="cannot be read as weights of 'r3d_18'"):
        build('TorchvisionClipExtractor', weights=str(path))


@pytest.mark.parametrize(('network', 'channels'), [('r3d_18', 512), ('s3d', 1024)])
def test_random_weights_are_asked_for_and_named(network, channels):
    """The same in every process, whatever the global state."""
    found = [build('TorchvisionClipExtractor', name=network, weights='random') for _ in range(2)]
    assert found[0].name == f'torchvision_{network}_random'
    assert found[0].checksum == found[1].checksum
    assert found[0].num_features == channels


def test_torchvision_mistakes_are_named():
    with pytest.raises(FileNotFoundError, match=r"nothing\.pth does not exist; .*weights='random'"):
        build('TorchvisionClipExtractor', weights='nothing.pth')
    with pytest.raises(ValueError, match=r"no video network 'r3d_19'; near names: \['r3d_18'"):
        build('TorchvisionClipExtractor', name='r3d_19', weights='random')
