"""Inversion, posterior samples and variations of models with random first stages."""

import pytest
import torch
from shrink import shrink
from torch import nn

from ddmi_toolkit.apis import (
    FieldInferencer,
    observe_cloud,
    observe_occupancies,
)
from ddmi_toolkit.apis.observing import BernoulliLikelihood, NormalLikelihood, likelihood_of
from ddmi_toolkit.registry import MODELS
from ddmi_toolkit.structures import Field, Observations, PlaneLayout

SPACE = PlaneLayout([dict(name=a, size=8, low=-0.5, high=0.5) for a in 'xyz'], ['xy'])


class Bilinear(nn.Module):
    """A picture between the nodes of a plane."""

    def __init__(self, layout):
        super().__init__()
        self.layout = layout

    def forward(self, state, coords, *, scale=None, dirs=None):
        found = self.layout.sample('xy', state['xy'], coords.project('xy'))
        return coords.spread('xy', found)


class LinearGenerator(nn.Module):
    """Pictures that are linear in the latent: its first three channels, enlarged."""

    def __init__(self, layout):
        super().__init__()
        self.layout = layout

    def forward(self, z):
        state = {'xy': self.layout.split(z)['xy'][:, :3]}
        return Field(Bilinear(self.layout), state, self.layout, 3)


@pytest.fixture(scope='module')
def stages(tmp_path_factory):
    """Inferencers of pictures, clips and shapes, of latents that are standard normal."""
    made = {}
    for name in (
        'd2c_vae/procedural_image',
        'ddmi/procedural_image',
        'ddmi/procedural_chair',
        'ddmi/procedural_video',
    ):
        folder = tmp_path_factory.mktemp('model')
        cfg = shrink(f'{name}.py', folder)
        torch.manual_seed(0)
        model = MODELS.build({**cfg.model})
        # A first stage of random weights. The denoiser's last layer begins at zero: no velocity is
        # that of latents that are standard normal, so that this is an exact prior.
        for p in getattr(model, 'first_stage', model).parameters():
            p.data += 0.05 * torch.randn(p.shape)
        torch.save(dict(state_dict=model.state_dict(), meta={}), folder / 'model.pth')
        made[name] = FieldInferencer(cfg, folder / 'model.pth', 'cpu')
        if 'image' in name:
            made[name].autoencoder.generator = LinearGenerator(made[name].layout)
    return made


@pytest.fixture(scope='module')
def pictures(stages):
    return stages['ddmi/procedural_image']


def some_picture(inferencer, seed=0):
    """A picture that the model can make, ``(16, 16, 3)``."""
    shape = inferencer.autoencoder.latent_shape
    z = torch.randn(1, *shape, generator=torch.Generator().manual_seed(seed))
    return next(inferencer.decode(z)).render((16, 16))[0]


def half(picture, filler=torch.nan):
    known = torch.ones(16, 16, dtype=torch.bool)
    known[:, 8:] = False
    return picture.masked_fill(~known[..., None], filler), known


@pytest.mark.parametrize('stage', ['d2c_vae', 'ddmi'])
def test_inversion_finds_a_latent_that_explains_what_is_seen(stages, stage):
    inferencer = stages[f'{stage}/procedural_image']
    picture, known = half(some_picture(inferencer))
    observations = Observations.from_raster(inferencer.layout, picture)
    before = [p.clone() for p in inferencer.model.parameters()]
    found = inferencer.invert(observations, num_steps=100, lr=0.1, noise=0.02)
    assert found.losses[-1] < found.losses[0] / 100
    assert len(found.losses) == 101
    error = (found.field.render((16, 16))[0] - picture)[known].abs().mean()
    spread = (picture[known] - picture[known].mean(0)).abs().mean()
    assert error < 0.03 * spread
    again = next(inferencer.decode(found.latent))
    assert torch.equal(again.render((4, 4)), found.field.render((4, 4)))
    assert all(
        torch.equal(p, q) for p, q in zip(before, inferencer.model.parameters(), strict=True)
    )


def test_inversion_begins_where_it_is_told(pictures):
    observations = Observations(torch.zeros(1, 2), torch.zeros(1, 3))
    z = torch.randn(1, *pictures.autoencoder.latent_shape)
    starts = [pictures.invert(observations, num_steps=1, start=s) for s in (None, 3, 3, 4, z)]
    first = [s.losses[0] for s in starts]
    assert first[1] == first[2]
    assert len(set(first)) == 4
    kept = pictures.invert(observations, num_steps=1, lr=1e-9, start=z).latent
    torch.testing.assert_close(kept, z, atol=1e-6, rtol=1e-6)
    with pytest.raises(ValueError, match=r'start of shape \(1, 2\) is no latent'):
        pictures.invert(observations, start=torch.zeros(1, 2))
    with pytest.raises(ValueError, match='lr=0 positive'):
        pictures.invert(observations, lr=0)


def drawn(inferencer, observations, seeds=(0, 1, 2), **options):
    """Pictures ``(n, 16, 16, 3)`` of posterior samples."""
    options = dict(num_steps=12, noise=0.02) | options
    return torch.cat(
        [f.render((16, 16)) for f in inferencer.posterior(observations, seeds, **options)]
    )


def test_posterior_samples_agree_where_they_are_told_to_and_differ_elsewhere(pictures):
    picture, known = half(some_picture(pictures))
    found = drawn(pictures, Observations.from_raster(pictures.layout, picture))
    off = (found - picture)[:, known].abs().mean()
    assert off < 0.03  # the noise is 0.02, a picture has a spread of 0.7
    spread = found.std(0).mean(-1)
    assert spread[:, 12:].mean() > 0.3
    assert spread[known].mean() < 0.03


def test_what_is_hidden_is_never_read(pictures):
    """The same bits, whatever the hidden pixels hold: their values never enter."""
    picture = some_picture(pictures)
    results = []
    for filler in (0.0, 5.0):
        changed, known = half(picture, filler)
        hidden = changed.masked_fill(~known[..., None], torch.nan)
        found = drawn(pictures, Observations.from_raster(pictures.layout, hidden), [0], num_steps=3)
        assert found.isfinite().all()
        results.append(found)
    assert torch.equal(*results)


def test_a_seed_gives_the_same_field_in_any_batch(pictures):
    observations = Observations.from_raster(pictures.layout, half(some_picture(pictures))[0])
    together = drawn(pictures, observations, [3, 4, 5], num_steps=3)
    apart = drawn(pictures, observations, [5, 4], num_steps=3, batch_size=1)
    torch.testing.assert_close(together[[2, 1]], apart, atol=2e-3, rtol=0)


def test_a_small_picture_is_the_mean_of_its_enlargements(pictures):
    small = some_picture(pictures).view(4, 4, 4, 4, 3).mean((1, 3))
    observations = Observations.from_raster(pictures.layout, small, averaged=True)
    found = drawn(pictures, observations, noise=0.01)
    assert (found.view(-1, 4, 4, 4, 4, 3).mean((2, 4)) - small).abs().mean() < 0.02
    assert found.std(0).mean() > 0.001


@pytest.mark.parametrize('name', ['ddmi/procedural_video', 'ddmi/procedural_chair'])
def test_fields_over_three_axes_take_the_same_path(stages, name):
    """More of what is observed is explained than by chance."""
    inferencer = stages[name]
    field = next(inferencer.sample([7]))
    points = torch.rand(200, 3, generator=torch.Generator().manual_seed(0)) - 0.5
    with torch.no_grad():
        values = field(points[None])[0]
    if field.out_channels == 1:
        values = (values > values.median()).float()
    observations = Observations(points, values)
    likelihood = likelihood_of(inferencer.autoencoder, observations)
    with torch.no_grad():
        free = likelihood.nll(observations.read(next(inferencer.sample([1]))))
        bound = [
            likelihood.nll(observations.read(f))
            for f in inferencer.posterior(observations, [1, 2], num_steps=6)
        ]
    assert max(bound) < free


def test_variations_go_from_what_is_given_to_what_is_sampled(pictures):
    z = pictures.encode([torch.rand(3, 16, 16) * 2 - 1])
    shown = {
        s: torch.cat([f.render((8, 8)) for f in pictures.variation(z, s, [4, 5])])
        for s in (0, 0.5, 1)
    }
    given = next(pictures.decode(z)).render((8, 8))
    torch.testing.assert_close(shown[0], given.expand(2, -1, -1, -1))
    sampled = torch.cat([f.render((8, 8)) for f in pictures.sample([4, 5])])
    torch.testing.assert_close(shown[1], sampled)
    assert not torch.allclose(shown[0.5][0], shown[0.5][1])
    alone = next(pictures.variation(z, 0.5, [5])).render((8, 8))
    torch.testing.assert_close(alone[0], shown[0.5][1], atol=1e-5, rtol=0)


def test_a_small_strength_changes_little(pictures):
    sampler = pictures.model.diffuser.sampler
    before, sampler.num_steps = sampler.num_steps, 50
    z = torch.randn(1, *pictures.autoencoder.latent_shape)
    moved = []
    for strength in (0.02, 0.6):
        (field,) = pictures.variation(z, strength, [0])
        moved.append(
            float((field.render((8, 8)) - next(pictures.decode(z)).render((8, 8))).abs().mean())
        )
    sampler.num_steps = before
    assert moved[0] < moved[1] / 2


def test_likelihoods_follow_the_loss_of_the_first_stage(stages):
    color = Observations(torch.zeros(1, 2), torch.zeros(1, 3))
    assert isinstance(
        likelihood_of(stages['d2c_vae/procedural_image'].autoencoder, color), NormalLikelihood
    )
    shape = stages['ddmi/procedural_chair'].autoencoder
    occupancy = observe_occupancies(torch.zeros(2, 3), torch.tensor([0.0, 1.0]))
    assert isinstance(likelihood_of(shape, occupancy), BernoulliLikelihood)
    with pytest.raises(ValueError, match=r'noise=0\.1 does not apply to occupancies'):
        likelihood_of(shape, occupancy, 0.1)
    with pytest.raises(ValueError, match='values from 0 to 3'):
        likelihood_of(shape, observe_occupancies(torch.zeros(2, 3), torch.tensor([0.0, 3.0])))
    with pytest.raises(ValueError, match='noise=0 must be a positive'):
        NormalLikelihood(color, 0)


@pytest.mark.parametrize('kind', [NormalLikelihood, BernoulliLikelihood])
def test_gradients_of_likelihoods_are_their_derivatives(kind):
    """And what is not observed has none; curvatures lie above the second derivative."""
    values = torch.tensor([[0.0, 1.0], [torch.nan, 0.5]], dtype=torch.float64)
    likelihood = kind(Observations(torch.zeros(2, 2).double(), values))
    pred = torch.randn(3, 2, 2, dtype=torch.float64, requires_grad=True)
    (grad,) = torch.autograd.grad(likelihood.nll(pred).sum(), pred, create_graph=True)
    torch.testing.assert_close(likelihood.gradient(pred), grad)
    (second,) = torch.autograd.grad(grad.sum(), pred)
    curvature = likelihood.curvature(pred.detach())
    assert (curvature >= second - 1e-9).all()
    assert (grad[:, 1, 0] == 0).all()
    assert (curvature[:, 1, 0] == 0).all()


def test_a_cloud_tells_what_is_inside_and_what_is_outside():
    """Of a sphere: on its surface, within, and what was seen through."""
    normals = torch.nn.functional.normalize(torch.randn(50, 3), dim=1)
    eye = torch.tensor([0.0, 0.0, 0.49])
    found = observe_cloud(SPACE, 0.3 * normals, 7 * normals, offset=0.02)
    radius = found.coords.norm(dim=1)
    for value, expected in ((0.5, 0.3), (1.0, 0.28), (0.0, 0.32)):
        torch.testing.assert_close(radius[found.values[:, 0] == value], torch.full((50,), expected))
    top = 0.3 * normals[normals[:, 2] > 0.9]
    if len(top):
        free = observe_cloud(SPACE, top, viewpoint=eye)
        empty = free.coords[free.values[:, 0] == 0]
        assert len(empty) == 4 * len(top)
        assert (empty.norm(dim=1) > 0.29).all()
    near = observe_cloud(SPACE, torch.tensor([[0.49, 0.0, 0.0]]), torch.tensor([[1.0, 0.0, 0.0]]))
    assert sorted(near.values[:, 0].tolist()) == [0.5, 1.0]  # outside of the box is left out
    assert len(observe_cloud(SPACE, top[:1])) == len(top[:1])


def test_what_cannot_be_done_is_said(stages, pictures):
    observations = Observations(torch.zeros(1, 2), torch.zeros(1, 3))
    with pytest.raises(ValueError, match='D2CVAE has no prior to sample from; use a stage-2'):
        list(stages['d2c_vae/procedural_image'].posterior(observations, [0]))
    with pytest.raises(ValueError, match='D2CVAE has no stage 2 to denoise with'):
        list(stages['d2c_vae/procedural_image'].variation(torch.zeros(1), 0.5, [0]))
    with pytest.raises(ValueError, match='0 seeds and batch_size=8'):
        list(pictures.posterior(observations, []))
    with pytest.raises(ValueError, match='values have 1 channels, the field has 3'):
        list(pictures.posterior(Observations(torch.zeros(1, 2), torch.zeros(1, 1)), [0]))
    z = torch.zeros(pictures.autoencoder.latent_shape)
    with pytest.raises(ValueError, match='strength=2 must be between 0'):
        list(pictures.variation(z, 2, [0]))
    with pytest.raises(ValueError, match=r'a latent of shape \(1, 1\) is none of this model'):
        list(pictures.variation(torch.zeros(1, 1), 0.5, [0]))
    with pytest.raises(ValueError, match=r'a cloud is \(P, 3\)'):
        observe_cloud(SPACE, torch.zeros(0, 3))
    with pytest.raises(ValueError, match='a normal has length 0'):
        observe_cloud(SPACE, torch.zeros(1, 3), torch.zeros(1, 3))
