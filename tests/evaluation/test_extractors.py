"""Extractors: known by name and weights; absent or wrong files say what to do."""

import dataclasses
import json

import pytest
import torch

from ddmi_toolkit.evaluation import AbstractExtractor, extractors, random_features
from ddmi_toolkit.evaluation.weights import INCEPTION, file_sha256, find_weights, weights_digest
from ddmi_toolkit.registry import MODELS

TINY_CLIP = dict(
    embed_dim=8,
    vision_cfg=dict(image_size=8, layers=1, width=16, patch_size=4, head_width=8),
    text_cfg=dict(context_length=8, vocab_size=64, width=16, heads=2, layers=1),
)


@pytest.fixture(scope='module')
def tiny_clip(tmp_path_factory) -> str:
    import open_clip

    folder = tmp_path_factory.mktemp('open_clip')
    (folder / 'tiny-eval.json').write_text(json.dumps(TINY_CLIP))
    open_clip.add_model_config(folder)
    return 'tiny-eval'


@pytest.fixture(scope='module')
def inception_file(tmp_path_factory):
    """A randomly initialized network in the layout of the published file."""
    from torch_fidelity import feature_extractor_inceptionv3 as library

    path = tmp_path_factory.mktemp('weights') / INCEPTION.name
    torch.manual_seed(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(library, 'load_state_dict_from_url', lambda *a, **k: {})
        patch.setattr(library.FeatureExtractorInceptionV3, 'load_state_dict', lambda *a: None)
        net = library.FeatureExtractorInceptionV3('random', ['2048'])
    torch.save(net.state_dict(), path)
    return path


def build(type: str, **options) -> AbstractExtractor:
    return MODELS.build(dict(type=type, **options), role=AbstractExtractor)


def pictures(count: int = 3, size: int = 16, seed: int = 0) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 3, size, size), generator=rng, dtype=torch.uint8)


@pytest.fixture(params=['pixels', 'random', 'timm', 'clip'])
def extractor(request, tiny_clip) -> AbstractExtractor:
    """Those that need no file."""
    return dict(
        pixels=lambda: build('PixelExtractor', grid=2),
        random=lambda: build('RandomExtractor', num_features=8),
        timm=lambda: build('TimmExtractor', backbone='test_resnet'),
        clip=lambda: build('ClipExtractor', model=tiny_clip),
    )[request.param]()


def test_features_belong_to_their_picture(extractor):
    """Not to the batch; pictures that differ have features that differ."""
    images = pictures()
    features = extractor(images)
    assert features.shape == (3, extractor.num_features)
    assert features.dtype == torch.float32
    alone = torch.cat([extractor(image[None]) for image in images])
    torch.testing.assert_close(alone, features, rtol=1e-4, atol=1e-5)
    assert (features[0] - features[1]).abs().max() > 1e-3
    assert not features.requires_grad


def test_features_need_8_bit_pictures(extractor):
    """A float image would be taken for another range in silence."""
    for images in (torch.rand(1, 3, 8, 8), pictures()[:, :1], pictures()[0]):
        with pytest.raises(ValueError, match=r'expected \(B, 3, H, W\) uint8'):
            extractor(images)


def test_protocol_identifies_the_features(extractor):
    protocol = extractor.protocol()
    assert protocol['extractor'] == extractor.name != ''
    assert protocol['num_features'] == extractor.num_features
    assert protocol['checksum']
    json.dumps(protocol)


def test_random_weights_are_named_and_repeat():
    """The same in every process, whatever the global state, which they leave alone."""
    torch.manual_seed(5)
    one = build('RandomExtractor')
    drawn = torch.rand(3)
    torch.manual_seed(5)
    assert torch.equal(drawn, torch.rand(3))
    assert build('RandomExtractor').checksum == one.checksum
    assert build('RandomExtractor', seed=1).checksum != one.checksum
    assert one.name == 'random_not_comparable'
    assert build('TimmExtractor', backbone='test_resnet').name == 'timm_test_resnet_random'


def test_random_features_are_called_so_in_the_log(monkeypatch):
    lines = []
    monkeypatch.setattr(random_features, 'print_log', lambda text, **_: lines.append(text))
    random_features._warn_not_comparable.cache_clear()
    for _ in range(2):
        build('RandomExtractor')
    assert len(lines) == 1
    assert 'not comparable with any published number' in lines[0]


@pytest.mark.parametrize('grid', [1, 4])
def test_pixel_features_are_block_means(grid):
    image = pictures(1, 8)[0]
    blocks = image.view(3, grid, 8 // grid, grid, 8 // grid).double().mean((2, 4)) / 255
    torch.testing.assert_close(
        build('PixelExtractor', grid=grid)(image[None])[0], blocks.flatten().float()
    )
    with pytest.raises(ValueError, match='grid=0 must be at least 1'):
        build('PixelExtractor', grid=0)


def test_timm_weights_from_a_file_are_known_by_content(tmp_path):
    """Whether they are saved by torch or by safetensors."""
    import timm
    from safetensors.torch import save_file

    torch.manual_seed(1)
    state = timm.create_model('test_resnet').state_dict()
    files = [tmp_path / 'weights.pth', tmp_path / 'weights.safetensors']
    torch.save(state, files[0])
    save_file(state, files[1])
    one, two = (build('TimmExtractor', backbone='test_resnet', pretrained=str(f)) for f in files)
    assert one.name == two.name == 'timm_test_resnet'
    assert one.checksum == two.checksum
    assert one.checksum != build('TimmExtractor', backbone='test_resnet').checksum
    with pytest.raises(FileNotFoundError, match=r'nothing\.pth does not exist'):
        build('TimmExtractor', backbone='test_resnet', pretrained=str(tmp_path / 'nothing.pth'))


def test_clip_weights_come_from_a_file(tiny_clip, tmp_path):
    """Its embeddings are those of the library's model."""
    import open_clip

    torch.manual_seed(2)
    model = open_clip.create_model(tiny_clip).eval()
    path = tmp_path / 'clip.pt'
    torch.save(model.state_dict(), path)
    found = build('ClipExtractor', model=tiny_clip, pretrained=str(path))
    assert found.name == 'clip_tiny_eval'
    images = pictures(2, 8)
    mean, std = (
        torch.tensor(getattr(model.visual, f'image_{k}')).view(3, 1, 1) for k in ('mean', 'std')
    )
    with torch.no_grad():
        expected = model.encode_image((images / 255 - mean) / std)
    torch.testing.assert_close(found(images), expected, rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match=r"open_clip has no model 'tiny-evil'.*'tiny-eval'"):
        build('ClipExtractor', model='tiny-evil')
    with pytest.raises(FileNotFoundError, match='does not exist'):
        build('ClipExtractor', model=tiny_clip, pretrained=str(tmp_path / 'nothing.pt'))
    path.write_bytes(b'nothing')
    with pytest.raises(ValueError, match="cannot be read as weights of 'tiny-eval'"):
        build('ClipExtractor', model=tiny_clip, pretrained=str(path))


def test_inception_computes_what_torch_fidelity_computes(inception_file):
    """With other weights than the published ones, so the name says so."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    found = build('InceptionExtractor', weights=str(inception_file))
    net = FeatureExtractorInceptionV3('x', ['2048'], str(inception_file))
    images = pictures(2, 20)
    torch.testing.assert_close(found(images), net(images)[0])
    assert found(images).shape == (2, 2048)
    sha256 = file_sha256(inception_file)
    assert found.name == f'inception_{sha256[:8]}'
    assert found.checksum == sha256[:16]


def test_published_inception_has_the_plain_name(inception_file, monkeypatch):
    """Which is decided by the content; the file is found in torch's cache under either name."""
    published = dataclasses.replace(INCEPTION, sha256=file_sha256(inception_file))
    monkeypatch.setattr(extractors, 'INCEPTION', published)
    home = inception_file.parent / 'torch'
    monkeypatch.setenv('TORCH_HOME', str(home))
    (home / 'hub/checkpoints').mkdir(parents=True)
    link = home / 'hub/checkpoints' / INCEPTION.aliases[0]
    link.symlink_to(inception_file)
    found = build('InceptionExtractor')
    assert found.name == ''
    assert found.protocol()['extractor'] == 'inception'
    assert find_weights(published) == link


def test_absent_inception_says_what_to_put_where(tmp_path, monkeypatch):
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    with pytest.raises(FileNotFoundError) as error:
        build('InceptionExtractor')
    for word in (
        'weights-inception-2015-12-05-6726825d.pth does not exist',
        'https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/',
        '95,628,359 bytes',
        f'SHA-256 {INCEPTION.sha256}',
        f'put it into {tmp_path}/hub/checkpoints, or give the path',
    ):
        assert word in str(error.value)
    with pytest.raises(FileNotFoundError, match=r'here/it\.pth does not exist'):
        build('InceptionExtractor', weights='here/it.pth')


def test_files_that_are_no_inception_are_refused(tmp_path):
    """Cut short, of another network, or with code in it."""
    path = tmp_path / 'weights.pth'
    for content in (b'PK\x03\x04 cut', {'fc.weight': torch.zeros(2)}, print):
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            torch.save(content, path)
        with pytest.raises(ValueError, match=r'cannot be read as weights of the Inception.*; get '):
            build('InceptionExtractor', weights=str(path))


def test_checksums_see_names_values_and_buffers():
    net = torch.nn.BatchNorm1d(2)
    before = weights_digest(net)
    net.running_mean += 1
    assert weights_digest(net) != before
    assert weights_digest(torch.nn.Sequential(net)) != weights_digest(net)
