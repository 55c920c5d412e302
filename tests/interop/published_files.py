"""What the tests of converted images and videos share: published files made of the fixtures."""

import json
from collections import OrderedDict

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file

from ddmi_toolkit.apis.inference import FieldInferencer
from ddmi_toolkit.interop import unet
from ddmi_toolkit.interop.convert import convert
from ddmi_toolkit.registry import MODELS
from ddmi_toolkit.structures import PlaneLayout

TOLERANCE = 1e-4


def part(weights, prefix):
    return OrderedDict(
        (k.removeprefix(prefix), v.float()) for k, v in weights.items() if k.startswith(prefix)
    )


def largest(ours, theirs):
    assert ours.shape == theirs.shape
    return (ours - theirs).abs().max().item()


class PublishedFiles:
    """A checkpoint and a yaml of the golden fixtures' weights and settings, not written yet.

    Subclasses say ``FIXTURES`` (the autoencoder's and the denoiser's) and fill ``content``,
    ``data`` and ``params``.
    """

    FIXTURES: tuple[str, str]

    def __init__(self, golden, folder):
        for name in self.FIXTURES:
            if not (golden / name).is_dir():
                pytest.skip(f'{golden / name} does not exist')
        autoencoder, net = (golden / name for name in self.FIXTURES)
        self.folder = folder
        self.meta = json.loads((autoencoder / 'meta.json').read_text(encoding='utf-8'))
        self.meta |= json.loads((net / 'meta.json').read_text(encoding='utf-8'))
        self.io = {k: torch.from_numpy(v) for k, v in np.load(autoencoder / 'io.npz').items()}
        self.weights = load_file(autoencoder / 'weights.safetensors')
        self.net_weights = load_file(net / 'weights.safetensors')
        self.generator = torch.Generator().manual_seed(0)

    def noise(self, *shape):
        return torch.randn(shape, generator=self.generator)

    def eight_channels(self, net, logit_dims):
        """The fixture's denoiser with random first and last convolutions, and a mixing logit."""
        self.meta['unetconfig'] |= dict(in_channels=8, out_channels=8)
        self.params |= {k: self.meta[k] for k in ('unetconfig', 'ddpmconfig')}
        self.averaged = net | {
            'model.input_blocks.0.0.weight': self.noise(32, 8, 3, 3) / 10,
            'model.out.2.weight': self.noise(8, 32, 3, 3) / 10,
            'model.out.2.bias': self.noise(8),
            'mixing_logit': self.noise(1, 8, *[1] * logit_dims),
        }

    def convert(self, **kwargs):
        settings = self.folder / 'published.yaml'
        content = dict(model=dict(params=self.params), data=self.data)
        settings.write_text(yaml.safe_dump(content), encoding='utf-8')
        torch.save(self.content, self.folder / 'model-last.pt')
        return convert(self.folder / 'model-last.pt', settings, self.folder / 'out', **kwargs)


def published_samples(source, z):
    config = unet.published_config(source.meta)
    layout = PlaneLayout(**config['layout'])
    offers = dict(layout=layout, channels=config['channels'])
    net = MODELS.build(config['denoiser'], default_args=offers).eval()
    diffuser = MODELS.build(config['diffuser'], default_args=offers)
    state = unet.convert_state(source.averaged, source.meta)
    torch.nn.ModuleDict(dict(denoiser=net, diffuser=diffuser)).load_state_dict(state)
    return diffuser.sampler(lambda z, t: diffuser.denoise(net, z, t), diffuser.schedule, z)


def sampled_as_published(source, second, num_tokens):
    """A converted second stage, whose samples of the same noise are those of the published one."""
    inferencer = FieldInferencer(second.config, device='cpu')
    model, diffuser = inferencer.model, inferencer.model.diffuser
    z = torch.randn(2, 8, num_tokens, generator=torch.Generator().manual_seed(1))
    theirs = published_samples(source, z)
    ours = diffuser.sampler(
        lambda z, t: diffuser.denoise(model.denoiser, z, t), diffuser.schedule, z
    )
    ours = model.denormalize(ours)
    assert largest(ours, theirs) < TOLERANCE * theirs.abs().max().item()
    return inferencer
