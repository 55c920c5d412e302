"""Pictures as conditions: files, and the image towers of open-clip."""

import json

import pytest
import torch
from PIL import Image

from ddmi_toolkit.models.conditioners import ClipImageConditioner, ImageConditioner

TINY = dict(
    embed_dim=8,
    vision_cfg=dict(image_size=16, layers=1, width=16, patch_size=4, head_width=8),
    text_cfg=dict(context_length=8, vocab_size=49408, width=8, heads=1, layers=1),
)


@pytest.fixture(scope='module')
def tiny_vision(tmp_path_factory) -> str:
    """Name of an open-clip model with a tiny vision transformer of 4 x 4 patches."""
    import open_clip

    folder = tmp_path_factory.mktemp('open_clip')
    (folder / 'tiny-vision.json').write_text(json.dumps(TINY))
    resnet = dict(TINY, vision_cfg=dict(image_size=32, layers=[1, 1, 1, 1], width=8))
    (folder / 'tiny-resnet.json').write_text(json.dumps(resnet))
    open_clip.add_model_config(folder)
    return 'tiny-vision'


def pictures(size=16):
    return torch.rand(3, 3, size, size, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_vectors_are_the_models_own_image_features(tiny_vision):
    """With the colors normalized as it was trained; tokens are the patches."""
    from ddmi_toolkit.layers.clip_towers import create_clip

    clip = create_clip(tiny_vision, None).eval()
    visual = clip.visual
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (visual.image_mean, visual.image_std))
    expected = clip.encode_image(((pictures() + 1) / 2 - mean) / std)
    cond = ClipImageConditioner(tiny_vision).eval()(pictures())
    torch.testing.assert_close(cond['vector'], expected.detach())
    assert cond['context'].shape == (3, 16, 16)


def test_pictures_of_any_size_are_taken(tiny_vision):
    """A picture and the same with each pixel as four squares say nearly the same."""
    conditioner = ClipImageConditioner(tiny_vision)
    smooth = torch.nn.functional.interpolate(pictures(2), 16, mode='bicubic').clamp(-1, 1)
    large = torch.nn.functional.interpolate(smooth, 64, mode='bicubic').clamp(-1, 1)
    vectors = [conditioner.embed(v)['vector'] for v in (smooth, large)]
    assert (vectors[0] - vectors[1]).norm() < 0.1 * (vectors[0] - vectors[0][[1, 2, 0]]).norm()


def test_towers_are_not_trained(tiny_vision):
    conditioner = ClipImageConditioner(tiny_vision, has_context=False)
    cond = conditioner(pictures(), torch.arange(3))
    assert cond['context'] is None
    cond['vector'].sum().backward()
    assert [n for n, p in conditioner.named_parameters() if p.requires_grad] == ['null_vector']


def test_unsuitable_models_and_pictures_are_named(tiny_vision):
    with pytest.raises(ValueError, match="'tiny-resnet' is no vision transformer"):
        ClipImageConditioner('tiny-resnet')
    with pytest.raises(ValueError, match=r'images of shape \(3, 16\): expected \(B, 3, H, W\)'):
        ClipImageConditioner(tiny_vision).embed(torch.zeros(3, 16))
    with torch.device('meta'):
        absent = ClipImageConditioner(tiny_vision, 'none.pt')
    with pytest.raises(FileNotFoundError, match=r'none\.pt does not exist'):
        absent.require_files()
    with torch.device('meta'):
        absent = ImageConditioner('test_resnet', 'none.pth')
    with pytest.raises(FileNotFoundError, match=r"none\.pth does not exist; .*'test_resnet'"):
        absent.require_files()


def test_files_are_read_in_the_middle_on_white(tiny_vision, tmp_path):
    """Left and right of a wide picture are cut off; what is transparent is white."""
    picture = Image.new('RGBA', (96, 32), (255, 0, 0, 255))
    picture.paste((0, 0, 255, 255), (32, 0, 64, 16))
    picture.paste((0, 0, 0, 0), (32, 16, 64, 32))
    picture.save(tmp_path / 'a.png')
    parsed = ClipImageConditioner(tiny_vision).parse(str(tmp_path / 'a.png'))
    assert parsed.shape == (3, 16, 16)
    torch.testing.assert_close(parsed[:, 3, 8], torch.tensor([-1.0, -1.0, 1.0]))
    torch.testing.assert_close(parsed[:, 12, 8], torch.ones(3))
    parsed = ImageConditioner('test_resnet', image_size=48).parse(tmp_path / 'a.png')
    assert parsed.shape == (3, 48, 48)


def test_unusable_files_are_named(tmp_path):
    conditioner = ImageConditioner('test_resnet')
    (tmp_path / 'text.png').write_text('no picture')
    for value, error, message in [
        ('none.png', ValueError, r'the picture none\.png does not exist'),
        (tmp_path / 'text.png', ValueError, 'cannot be read as a picture'),
        (3, TypeError, 'expected a picture file, got int 3'),
    ]:
        with pytest.raises(error, match=message):
            conditioner.parse(value)
