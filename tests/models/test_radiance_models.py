"""The base models of radiance fields."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from ddmi_toolkit.registry import MODELS
from ddmi_toolkit.structures import orbit, stack_rays

BASES = Path(__file__).parents[2] / 'configs/_base_/models'


def build(name: str, **changes):
    config = Config.fromfile(BASES / f'{name}.py')
    config.merge_from_dict(changes)
    torch.manual_seed(0)
    return MODELS.build(config.model)


def test_the_small_model_trains_on_rays():
    """At most 1.5 M parameters, all of which learn from a few rays; a start is nearly white."""
    model = build('d2c_vae_radiance_small')
    assert sum(p.numel() for p in model.parameters()) <= 1.5e6
    origins, dirs = stack_rays(orbit(2, 3.0, size=(4, 4)))
    batch = dict(
        inputs=torch.cat([torch.rand(2, 64, 3) - 0.5, 2 * torch.rand(2, 64, 3) - 1], dim=-1),
        query=dict(origins=origins, dirs=dirs, seed=torch.tensor([1, 2])),
        target=2 * torch.rand(2, 4, 4, 3) - 1,
        seed=torch.tensor([1, 2]),
    )
    losses = model(**batch)
    sum(v for k, v in losses.items() if k.startswith('loss')).backward()
    idle = [k for k, p in model.named_parameters() if p.grad is None]
    assert not idle
    with torch.no_grad():
        outputs = model(**batch, mode='predict')
    assert outputs[0]['pred'].mean() > 0.5


@pytest.mark.parametrize('is_single_scale', [False, True])
def test_the_published_widths(is_single_scale):
    """Latents of 64 channels at 16x16 on three planes, 32 channels at 64x64, 256 wide."""
    changes = {}
    if is_single_scale:
        changes = {
            'model.generator.decoder.strides': (1,),
            'model.generator.readout.num_extra_blocks': 5,
        }
    with torch.device('meta'):
        model = build('d2c_vae_radiance', **changes)
        assert model.latent_shape == (64, 3 * 16**2)
        field = model.decode(torch.randn(1, *model.latent_shape))
    levels = 1 if is_single_scale else 3
    assert len(field.state) == 3 * levels
    assert field.state[f'level{levels - 1}.yz'].shape == (1, 32, 64, 64)
    readout = field.evaluator.readout
    assert len(readout.mlp.blocks) == 6
    assert readout.mlp.blocks[0].shortcut.in_features == 96
    assert readout.mlp.coordinates.linear.in_features == 63
    assert readout.mlp.head.color[0].in_features == 256 + 27
    assert readout.mlp.head.color[0].out_features == 128
