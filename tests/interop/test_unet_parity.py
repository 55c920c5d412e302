"""Published latent diffusion models compute the same here."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from ddmi_toolkit.interop import unet
from ddmi_toolkit.registry import MODELS
from ddmi_toolkit.structures import PlaneLayout

TOLERANCE = 1e-4
STACKS = [('xy',), ('xy', 'xz', 'yz'), ('xy', 'yz', 'xz')]


class Published:
    """A fixture folder as our modules."""

    def __init__(self, folder, planes=('xy',)):
        self.meta = json.loads((folder / 'meta.json').read_text(encoding='utf-8'))
        self.io = {k: torch.from_numpy(v) for k, v in np.load(folder / 'io.npz').items()}
        self.weights = {k: v.float() for k, v in load_file(folder / 'weights.safetensors').items()}
        config = unet.published_config(self.meta, planes)
        self.layout = PlaneLayout(**config['layout'])
        offers = dict(layout=self.layout, channels=config['channels'])
        self.denoiser = MODELS.build(config['denoiser'], default_args=offers).eval()
        self.diffuser = MODELS.build(config['diffuser'], default_args=offers)
        state = unet.convert_state(self.weights, self.meta, planes)
        model = nn.ModuleDict(dict(denoiser=self.denoiser, diffuser=self.diffuser))
        model.load_state_dict(state, strict=True)

    def array(self, name):
        return unet.latent_from_published(self.io[name], self.layout)


@pytest.fixture(params=STACKS, ids='-'.join)
def stacked(golden_root, request):
    """The 2-D network, on one plane or on three that are stacked in either order."""
    return Published(golden_root / 'ldm_unet', request.param)


def close(ours, theirs, tolerance=TOLERANCE):
    torch.testing.assert_close(ours, theirs, atol=tolerance, rtol=0)


@torch.no_grad()
def test_network_noising_and_loss(stacked):
    """Raw output, z_t, and the mixed-prediction loss at given times and noise."""
    z0, eps, t = stacked.array('z0'), stacked.array('eps'), stacked.io['t']
    diffuser = stacked.diffuser
    close(stacked.denoiser(z0, diffuser.schedule.c_noise(t)), stacked.array('raw'))
    alpha, sigma = diffuser.schedule(t, 3)
    z_t = alpha * z0 + sigma * eps
    close(z_t, stacked.array('zt'))
    x0 = diffuser.denoise(stacked.denoiser, z_t, t)
    pred = diffuser.parameterization.from_x0(x0, z_t, alpha, sigma)
    close((pred - eps).square().mean(), stacked.io['loss'])
    close(diffuser.schedule.alphas.square(), stacked.io['alphas_cumprod'], 1e-6)


@torch.no_grad()
def test_implicit_sampling(stacked):
    """Seven steps from the given noise, relative to the largest value."""
    diffuser = stacked.diffuser
    out = diffuser.sampler(
        lambda z, t: diffuser.denoise(stacked.denoiser, z, t),
        diffuser.schedule,
        stacked.array('zT'),
    )
    expected = stacked.array('ddim')
    close(out / expected.abs().max(), expected / expected.abs().max())


@torch.no_grad()
def test_triplane_network(golden_root):
    """Unequal planes with joint attention, time halved like space."""
    published = Published(golden_root / 'ldm_unet_triplane')
    out = published.denoiser(published.io['z0'], published.io['t'].float())
    close(out, published.io['raw'])


def test_stacked_latents_come_back(stacked):
    """To our layout and back is the identity, and planes keep their names."""
    z = stacked.io['z0']
    ours = unet.latent_from_published(z, stacked.layout)
    assert torch.equal(unet.latent_to_published(ours, stacked.layout), z)
    if len(stacked.layout.planes) == 3:
        second = stacked.layout.split(ours)['xz']  # the published order is xy, xz, yz
        assert torch.equal(second, z[:, 2:4])


def test_foreign_weights_are_named(golden_root):
    """A weight without counterpart is an error, not silence."""
    published = Published(golden_root / 'ldm_unet')
    weights = {**published.weights, 'diffusion.model.label_emb.weight': torch.zeros(1)}
    with pytest.raises(ValueError, match=r'1 weights have no counterpart.*label_emb'):
        unet.convert_state(weights, published.meta)


UNET = dict(
    image_size=16,
    in_channels=192,
    out_channels=192,
    model_channels=256,
    attention_resolutions=[2, 4, 8],
    num_res_blocks=2,
    channel_mult=[1, 2, 4, 6],
    num_head_channels=32,
)
VIDEO = dict(UNET, size1=32, size2=32, size3=16, in_channels=64, out_channels=64)
VIDEO.pop('image_size')


@pytest.mark.parametrize(
    ('config', 'planes', 'millions'),
    [
        (UNET, STACKS[2], 678.674),
        (dict(VIDEO, num_head_channels=64), STACKS[0], 767.857),
        (dict(UNET, image_size=64, in_channels=64, out_channels=64, model_channels=224),
         STACKS[0], 519.220),
    ],
    ids=['shapes', 'video', 'images'],
)  # fmt: skip
def test_parameters_are_as_many_as_published(config, planes, millions):
    """Counted on the meta device at the published widths."""
    ours = unet.published_config(dict(unetconfig=config), planes)
    with torch.device('meta'):
        net = MODELS.build(
            ours['denoiser'],
            default_args=dict(layout=PlaneLayout(**ours['layout']), channels=ours['channels']),
        )
    assert sum(p.numel() for p in net.parameters()) / 1e6 == pytest.approx(millions, abs=5e-4)


@pytest.mark.parametrize(
    ('ddpm', 'sampler'),
    [
        (dict(sampling_timesteps=200), dict(type='DDIM', num_steps=200, eta=0.0)),
        (dict(sampling_timesteps=1000), dict(type='DDPM', num_steps=1000)),
        (dict(), dict(type='DDPM', num_steps=1000)),
    ],
)
def test_as_many_steps_as_times_is_ancestral_sampling(ddpm, sampler):
    """The published code chooses the sampler by the number of steps."""
    ours = unet.published_config(dict(unetconfig=UNET, ddpmconfig=ddpm))['diffuser']
    assert ours['sampler'] == sampler
    assert ours['parameterization'] == dict(type='Eps')


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(num_classes=10), r'unetconfig.num_classes=10 has no counterpart; expected None'),
        (dict(out_channels=3), r'in_channels=192 and out_channels=3 must agree'),
        (dict(in_channels=64, out_channels=64), r'in_channels=64 is not a multiple of the 3'),
    ],
)
def test_settings_without_counterpart_are_named(change, message):
    """Errors say what was met and what was expected."""
    with pytest.raises(ValueError, match=message):
        unet.published_config(dict(unetconfig=dict(UNET, **change)), STACKS[1])


def test_sizes_beside_an_image_size_are_of_a_stacked_network():
    """Published shape settings name three sizes too, which their 2-D network ignores."""
    sizes = dict(size1=16, size2=16, size3=16)
    ours = unet.published_config(dict(unetconfig=dict(UNET, **sizes)), STACKS[2])
    assert ours == unet.published_config(dict(unetconfig=UNET), STACKS[2])
    assert ours['denoiser']['type'] == 'StackedPlanes'


def test_only_published_stacks_are_permuted():
    """Planes of other names have no published order."""
    with pytest.raises(ValueError, match=r"\['xy', 'xz', 'yz'\], got \['xy', 'xt', 'yt'\]"):
        unet.stack_permutation(6, ['xy', 'xt', 'yt'])
