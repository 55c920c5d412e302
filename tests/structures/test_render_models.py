"""What holds for analytic fields holds for those of a real generator with scale modulation."""

import pytest
import torch
import torch.nn.functional as F
from shrink import shrink

from ddmi_toolkit.registry import MODELS


@pytest.fixture(scope='module')
def field(tmp_path_factory):
    """Two fields of a generator with random weights, on 16 x 16 nodes."""
    cfg = shrink('d2c_vae/procedural_image.py', tmp_path_factory.mktemp('model'))
    torch.manual_seed(0)
    model = MODELS.build({**cfg.model}).eval().requires_grad_(False)
    for p in model.parameters():
        p.data += 0.05 * torch.randn(p.shape)
    return model.decode(torch.randn(2, *model.latent_shape))


def psnr(a, b):
    """In dB, with the range of ``b`` as the peak."""
    return 10 * torch.log10((b.amax() - b.amin()).square() / (a - b).square().mean())


def test_the_read_out_depends_on_the_scale(field):
    near, far = field.render((8, 8), scale=0.5), field.render((8, 8), scale=1.0)
    assert (near - far).abs().max() > 1e-3 * far.abs().max()


@pytest.mark.parametrize('cell', [None, 1.0])
def test_a_part_equals_the_crop_of_the_whole(field, cell):
    whole = field.render((48, 64), cell=cell)
    part = field.render((12, 32), (-0.5, 0.5, 0.5, 1.0), cell=cell, max_queries=100)
    assert (part - whole[:, 36:, 16:48]).abs().max() <= 1e-6 * whole.abs().max()


@pytest.mark.parametrize('size', [4, 16])
def test_filtered_pixels_are_means_over_their_area(field, size):
    """Against the picture of four times the nodes, and one four times as fine again."""
    filtered = field.render((size, size), cell=1)
    for fine, least in ((64, 100), (256, 40)):
        picture = field.render((fine, fine), scale=0.25).movedim(-1, 1)
        expected = F.avg_pool2d(picture, fine // size).movedim(1, -1)
        assert psnr(filtered, expected) > least
        assert psnr(field.render((size, size), scale=0.25), expected) < 40
