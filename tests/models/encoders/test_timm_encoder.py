"""Backbones of timm as encoders of one plane."""

import pytest
import timm
import torch

from ddmi_toolkit.layers.timm_backbone import create_backbone
from ddmi_toolkit.models.encoders import TimmEncoder
from ddmi_toolkit.models.losses import SpectralRegularizer
from ddmi_toolkit.registry import MODELS
from ddmi_toolkit.structures import PlaneLayout

VIT = 'test_vit'
CASES = {
    'resnet18': dict(backbone='resnet18'),
    'convnext': dict(backbone='test_convnext'),
    'vit': dict(backbone=VIT, resample=True),
}


def layout(stride=4, rows=32, cols=64):
    axes = [dict(name='x', size=cols), dict(name='y', size=rows)]
    return PlaneLayout(axes, ['xy'], latent_stride=stride)


def built(stride=4, **kwargs):
    torch.manual_seed(0)
    encoder = TimmEncoder(layout(stride), 3, width=32, **kwargs)
    for p in encoder.parameters():
        p.data += 0.02 * torch.randn(p.shape)
    return encoder.eval()


def pictures(batch=2, channels=3):
    generator = torch.Generator().manual_seed(1)
    return torch.rand(batch, channels, 32, 64, generator=generator) * 2 - 1


@pytest.mark.parametrize('case', CASES)
def test_gradients_reach_every_parameter_and_the_regularizer_takes_it(case):
    """No layer beyond the maps in use is built, which distributed training would stumble over."""
    encoder = built(**CASES[case])
    moments = encoder(pictures())
    assert moments.shape == (2, 6, 8 * 16)
    regularizer = SpectralRegularizer().attach([encoder]).train()
    (moments.square().sum() + regularizer([encoder])).backward()
    dead = [n for n, p in encoder.named_parameters() if p.grad is None or not p.grad.any()]
    assert dead == []


@pytest.mark.parametrize('case', CASES)
def test_moments_of_a_picture_do_not_depend_on_its_batch(case):
    encoder, x = built(**CASES[case]), pictures(3)
    with torch.no_grad():
        torch.testing.assert_close(encoder(x)[1:2], encoder(x[1:2]), atol=1e-5, rtol=1e-4)


def test_tokens_lie_where_their_pixels_are():
    """Rows before columns: a change in the last pixel of the first row moves nothing far away."""
    encoder = built(backbone='test_convnext')
    with torch.no_grad():
        encoder.lateral[-1].weight.zero_()  # the coarsest map sees everything
        encoder.lateral[-2].weight.zero_()
        encoder.lateral[-3].weight.zero_()
        x = pictures(1)
        changed = x.clone()
        changed[..., 0, -1] = -changed[..., 0, -1]
        moved = (encoder(changed) - encoder(x)).abs().amax(1).view(8, 16)
    assert moved[0, -1] > 0
    assert moved.argmax() in (15, 14, 31, 30)


def test_pictures_are_renormalized_to_the_backbones_colors():
    """Mid-grey of the published weights' mean is zero at the input of the network."""
    encoder, seen = built(backbone='resnet18'), []
    encoder.net.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    mean, std = (torch.tensor(timm.get_pretrained_cfg('resnet18').to_dict()[k]) for k in
                 ('mean', 'std'))  # fmt: skip
    x = pictures(1)
    encoder(x)
    expected = ((x + 1) / 2 - mean.view(3, 1, 1)) / std.view(3, 1, 1)
    torch.testing.assert_close(seen[0], expected)
    grey = pictures(1, channels=1)
    torch.testing.assert_close(encoder(grey), encoder(grey.expand(-1, 3, -1, -1)))


def test_weights_come_from_the_file_and_are_trained(tmp_path):
    torch.manual_seed(3)
    source = timm.create_model('resnet18')
    torch.save(source.state_dict(), tmp_path / 'weights.pth')
    encoder = TimmEncoder(layout(), 3, pretrained=str(tmp_path / 'weights.pth'))
    ours = encoder.net.state_dict()
    assert torch.equal(ours['layer4.1.conv2.weight'], source.layer4[1].conv2.weight)
    assert all(p.requires_grad for p in encoder.parameters())
    other = TimmEncoder(layout(), 3)
    again = TimmEncoder(layout(), 3)
    assert not torch.equal(other.net.conv1.weight, again.net.conv1.weight)  # drawn, not fixed


def test_only_maps_at_the_latent_and_coarser_are_built():
    strides = {4: [4, 8, 16, 32], 16: [16, 32], 1: [2, 4, 8, 16, 32], 64: [32]}
    for stride, expected in strides.items():
        axes = [dict(name=a, size=64) for a in 'xy']
        encoder = TimmEncoder(PlaneLayout(axes, ['xy'], stride), 2, resample=stride in (1, 64))
        assert encoder.net.feature_info.reduction() == expected
        assert encoder(torch.zeros(2, 3, 64, 64)).shape == (2, 4, (64 // stride) ** 2)


def test_a_vision_transformer_is_built_for_the_size_of_the_pictures():
    assert built(16, backbone=VIT)(pictures()).shape == (2, 6, 2 * 4)


def test_no_file_is_read_on_the_meta_device():
    with torch.device('meta'):
        config = dict(type='TimmEncoder', pretrained='absent.pth')
        encoder = MODELS.build(config, default_args=dict(layout=layout(), out_channels=3))
    assert encoder.head[-1].weight.is_meta


def test_errors_name_value_and_remedy(tmp_path):
    with pytest.raises(ValueError, match=r"'test_vit' has maps of stride \[16\], .*=4; .*resample"):
        built(backbone=VIT)
    with pytest.raises(ValueError, match=r"no backbone 'resnet1'; near names: \['resnet1"):
        built(backbone='resnet1')
    with pytest.raises(ValueError, match=r"timm gives no feature maps \(9,\) of 'resnet18'"):
        create_backbone('resnet18', None, [9])
    with pytest.raises(FileNotFoundError, match=r'absent.pth does not exist; get it .*resnet18'):
        built(pretrained='absent.pth')
    torch.save(timm.create_model('test_convnext').state_dict(), tmp_path / 'other.pth')
    with pytest.raises(ValueError, match=r'other.pth .*resnet18'):
        built(pretrained=str(tmp_path / 'other.pth'))
    with pytest.raises(
        ValueError, match=r'\(2, 3, 32, 32\) do not fill .* expected \(B, 3, 32, 64'
    ):
        built()(pictures()[..., :32])
    with pytest.raises(ValueError, match=r'expected \(B, 3, H, W\) or \(B, 1'):
        built()(pictures(channels=2))
    with pytest.raises(ValueError, match=r"one plane of two strided axes.*\['t'\]"):
        TimmEncoder(PlaneLayout([dict(name='t', size=16)], ['t']), 3)
