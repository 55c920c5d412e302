"""The role of a first stage: a class without an encoder serves stage 2 as a D2C-VAE does."""

import pytest
import torch

from ddmi_toolkit.models import AbstractFirstStage
from ddmi_toolkit.registry import MODELS
from ddmi_toolkit.structures import DiagonalGaussian, observed_values, seeded_normal


@MODELS.register_module(force=True)
class MeanColor(AbstractFirstStage):
    """The latent of a picture is its mean color, one vector."""

    def __init__(self, layout, latent_channels, generator, renderer, losses):
        super().__init__(layout, latent_channels)
        self.build_decoder(generator, renderer, losses)

    def encode(self, inputs):
        """Means over the raster, without uncertainty."""
        _, target = observed_values(inputs, self.layout)
        mean = target.flatten(1, -2).mean(1)[..., None]
        return DiagonalGaussian(torch.cat([mean, torch.full_like(mean, -30)], dim=1))

    def forward(self, **batch):
        """Not trained here."""
        raise NotImplementedError


STAGE_ONE = dict(
    type='MeanColor',
    layout=dict(axes=[dict(name=a, size=8) for a in 'xy'], planes=['xy'], latent_stride=8),
    latent_channels=3,
    generator=dict(type='WeightGenerator', out_channels=3, width=8, num_layers=2),
    renderer=dict(type='PointRenderer'),
    losses=dict(recon=dict(type='MSELoss', reduction='mean')),
)
STAGE_TWO = dict(
    type='LatentDiffusion',
    first_stage=STAGE_ONE,
    denoiser=dict(type='PlaneDiT', patch_size=1, hidden_channels=16, depth=1, num_heads=2),
    diffuser=dict(
        type='Diffuser',
        schedule=dict(type='ScaledLinearSchedule', num_steps=10),
        parameterization=dict(type='V'),
        sampler=dict(type='DDIM', num_steps=2),
    ),
    normalize_latents=True,
)


@pytest.fixture
def model():
    """Both stages."""
    torch.manual_seed(0)
    return MODELS.build(STAGE_TWO).eval()


def test_a_vector_is_a_latent_of_one_token(model):
    """Of a plane whose stride is its size; stage 2 encodes observations to it."""
    assert model.first_stage.latent_shape == (3, 1)
    colors = torch.tensor([[0.1, -0.5, 0.9], [0.0, 1.0, 0.2]])
    z = model.encode(colors[:, :, None, None].expand(-1, -1, 8, 8))
    torch.testing.assert_close(z[..., 0], colors)


def test_stage_two_trains_and_samples(model):
    """The loss reaches the denoiser alone, and samples are fields."""
    loss = model(torch.rand(2, 3, 8, 8), seed=torch.tensor([1, 2]))['loss_diffusion']
    loss.backward()
    assert all(p.grad is None for p in model.first_stage.parameters())
    sample = model(seed=torch.tensor([5]), mode='predict')[0]
    assert sample['field'].render((4, 4)).shape == (1, 4, 4, 3)


def test_the_prior_depends_on_seeds_alone(model):
    """N(0, I) unless a class knows better."""
    seeds = torch.tensor([3, 8])
    z = model.first_stage.prior(seeds)
    torch.testing.assert_close(z, seeded_normal(seeds, (3, 1), 'sample'))
    torch.testing.assert_close(model.first_stage.prior(seeds[1:]), z[1:])


def test_losses_and_predictions_are_named(model):
    """What metrics of stage 1 read."""
    first = model.first_stage
    field, query = first.decode(torch.zeros(2, 3, 1)), dict(points=torch.rand(2, 5, 2))
    pred = first.render(field, query)
    assert first.compare(pred, pred + 2, query)['loss_recon'] == pytest.approx(4)
    one, two = first.predictions(field, query, pred)
    torch.testing.assert_close(torch.stack([one['pred'], two['target']]), pred)
    assert len(two['field']) == 1


def test_other_models_are_no_first_stage():
    """The message lists those that are."""
    with pytest.raises(TypeError, match=r"expected AbstractFirstStage: one of \[.*'D2CVAE'"):
        MODELS.build(dict(STAGE_TWO, first_stage=dict(type='PlaneDiT')))
