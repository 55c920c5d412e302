"""A tiny two-stage model for tests of what surrounds stage 2."""

import torch
from mmengine.model import BaseModel
from mmengine.visualization import Visualizer
from tiny_run import TinyData
from torch import nn

from ddmi_toolkit.registry import DATASETS, MODELS, VISUALIZERS
from ddmi_toolkit.structures import DiagonalGaussian, PlaneLayout, seeded_normal

LAYOUT = PlaneLayout(
    axes=[dict(name='x', size=8), dict(name='y', size=4)], planes=['xy', 'x'], latent_stride=4
)


@DATASETS.register_module(force=True)
class TinyConditioned(TinyData):
    """Also a label and a caption that depends on the draw."""

    def __getitem__(self, key):
        sample = super().__getitem__(key)
        return dict(sample, cond=dict(label=sample['seed'] % 7, text=f'seed {sample["seed"]}'))


class TinyStage(BaseModel):
    """An autoencoder's encoding half: ``(B, 4) -> moments (B, 2 * 3, 4)``; counts its calls."""

    def __init__(self):
        super().__init__()
        self.layout = LAYOUT
        self.latent_shape = (3, LAYOUT.num_tokens())
        self.encoder = nn.Sequential(nn.Linear(4, 2 * 3 * LAYOUT.num_tokens()), nn.Dropout(0.5))
        self.calls = 0

    def encode(self, inputs):
        self.calls += 1
        return DiagonalGaussian(self.encoder(inputs).unflatten(1, (6, -1)))

    def forward(self, **batch):
        raise NotImplementedError


@MODELS.register_module(force=True)
class TinyLatent(BaseModel):
    """Regression from noisy latents to latents."""

    def __init__(self, normalize_latents=False, first_stage_seed=0):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(first_stage_seed)
            self.first_stage = TinyStage().requires_grad_(False).eval()
        self.denoiser = nn.Conv1d(3, 3, 1)
        self.diffuser = nn.Identity()
        self.normalize_latents = normalize_latents
        self.register_buffer('latent_mean', torch.zeros(1, 3, 2))
        self.register_buffer('latent_std', torch.ones(1, 3, 2))

    def train(self, mode=True):
        super().train(mode)
        self.first_stage.eval()
        return self

    def forward(self, inputs=None, seed=None, moments=None, cond=None, meta=None, mode='loss'):
        if mode == 'predict':
            z = self.denoiser(seeded_normal(seed, (3, 4), 'sample'))
            return [dict(seed=int(s), field=f) for s, f in zip(seed, z, strict=True)]
        with torch.no_grad():
            posterior = (
                DiagonalGaussian(moments) if inputs is None else self.first_stage.encode(inputs)
            )
            z = posterior.sample(noise=seeded_normal(seed, (3, 4), 'posterior'))
        noise = seeded_normal(seed, (3, 4), 'noise')
        return dict(loss_fit=(self.denoiser(z + noise) - z).square().mean())


@VISUALIZERS.register_module(force=True)
class TinyVisualizer(Visualizer):
    """Draws a picture whose pixels are the fields' means."""

    def draw_fields(self, fields):
        torch.rand(3)
        values = torch.stack([f.mean() for f in fields])
        return (values[None, :, None].expand(4, -1, 3) * 20 + 100).clamp(0, 255).byte().numpy()
