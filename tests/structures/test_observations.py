"""What is not observed is never read, and pixels know where they are."""

import pytest
import torch
from torch import nn

from ddmi_toolkit.structures import Field, Observations, PlaneLayout, pixel_centers

PLANE = PlaneLayout([dict(name='x', size=16), dict(name='y', size=8, low=0.0, high=2.0)], ['xy'])
CLIP = PlaneLayout([dict(name=a, size=8) for a in 'xyt'], ['xy', 'xt', 'yt'])
SPACE = PlaneLayout([dict(name=a, size=8, low=-0.5, high=0.5) for a in 'xyz'], ['xy'])


class Linear(nn.Module):
    """Value ``c``: the sum of the coordinates, weighted, plus ``c``."""

    def __init__(self, weights, channels):
        super().__init__()
        self.weights, self.channels = torch.tensor(weights), channels

    def forward(self, state, coords, *, scale=None, dirs=None):
        value = (coords.dense() * self.weights.to(coords.dense())).sum(-1, keepdim=True)
        return value + torch.arange(self.channels).to(value) + state['z'].view(-1, 1, 1)


def linear_field(layout, weights, channels=1, batch=1):
    state = {'z': torch.arange(batch, dtype=torch.float32)}
    return Field(Linear(weights, channels), state, layout, channels)


@pytest.mark.parametrize('filler', [0.0, 7.0, torch.inf])
def test_what_stands_in_the_masked_places_does_not_matter(filler):
    """A picture and its mask give the same bits whatever the hidden pixels hold."""
    picture = torch.rand(6, 5, 3, generator=torch.Generator().manual_seed(0))
    hidden = torch.zeros(6, 5, dtype=torch.bool)
    hidden[2:, 3:] = True
    changed = torch.where(hidden[..., None], torch.tensor(filler), picture)
    found = [
        Observations.from_raster(PLANE, p.masked_fill(hidden[..., None], torch.nan))
        for p in (picture, changed)
    ]
    assert len(found[0]) == int((~hidden).sum())
    assert torch.equal(found[0].values, found[1].values)
    assert torch.equal(found[0].coords, found[1].coords)
    assert torch.equal(found[0].values, picture[~hidden])


def test_one_channel_may_be_observed_alone():
    values = torch.tensor([[1.0, torch.nan], [torch.nan, torch.nan], [2.0, 3.0]])
    found = Observations(torch.tensor([[0.0, 0.0], [torch.nan, 0.0], [1.0, 1.0]]), values)
    assert found.observed.tolist() == [[True, False], [True, True]]
    assert found.values.tolist() == [[1.0, 0.0], [2.0, 3.0]]
    again = found + found
    assert again.observed.tolist() == 2 * found.observed.tolist()


def test_a_picture_knows_where_its_pixels_are():
    """Reading a field that is linear in x and y gives what its rendering has."""
    field = linear_field(PLANE, [1.0, 10.0], channels=2)
    found = Observations.from_raster(PLANE, field.render((3, 4))[0])
    torch.testing.assert_close(found.read(field)[0], found.values)
    assert found.coords[1, 0] > found.coords[0, 0]  # columns along x
    assert found.coords[4, 1] > found.coords[0, 1]
    part = (0.0, 0.5, 0.5, 1.0)
    inside = Observations.from_raster(PLANE, field.render((3, 4), part)[0], part)
    torch.testing.assert_close(inside.read(field)[0], inside.values)


def test_a_reduced_picture_is_the_mean_of_the_pixels_it_covers():
    """On a field that is constant within nodes' cells, means are those of the fine picture."""

    class Steps(nn.Module):
        def forward(self, state, coords, *, scale=None, dirs=None):
            x, y = coords.dense().unbind(-1)
            column, row = ((x + 1) * 8).floor(), (y * 4).floor()
            return (column**2 + 3 * row)[..., None].float()

    field = Field(Steps(), {'z': torch.zeros(1)}, PLANE, 1)
    fine = field.render((8, 16))
    coarse = fine.view(4, 2, 4, 4).mean((1, 3))[..., None]
    found = Observations.from_raster(PLANE, coarse, averaged=True)
    assert found.coords.shape == (16, 8, 2)
    torch.testing.assert_close(found.read(field)[0], coarse.reshape(16, 1))
    assert found.scale == pytest.approx(1.0)
    points = Observations.from_raster(PLANE, coarse)
    assert points.scale == pytest.approx(8**0.5)
    assert not torch.allclose(points.read(field)[0], coarse.reshape(16, 1))


def test_frames_lie_at_their_times():
    field = linear_field(CLIP, [1.0, 10.0, 100.0])
    times = pixel_centers(CLIP.axes['t'], 8)
    clip = field.render((8, 4, 4))[0]
    found = Observations.from_frames(CLIP, clip[[1, 6]], times[[1, 6]].tolist())
    torch.testing.assert_close(found.read(field)[0], found.values)
    assert sorted(set(found.coords[:, 2].tolist())) == times[[1, 6]].tolist()
    clip[6, :2] = torch.nan
    assert len(Observations.from_frames(CLIP, clip[[1, 6]], [-0.5, 0.5])) == 16 + 8


def test_every_field_of_a_batch_is_read():
    field = linear_field(PLANE, [1.0, 1.0], batch=3)
    found = Observations(torch.zeros(5, 2), torch.zeros(5, 1)).read(field)
    assert found.shape == (3, 5, 1)
    assert found[:, 0, 0].tolist() == [0.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ('coords', 'values', 'message'),
    [
        (torch.zeros(3, 2), torch.zeros(4, 1), r'\(3, 2\) and values \(4, 1\) do not fit'),
        (torch.zeros(2, 2), torch.full((2, 1), torch.nan), 'nothing is observed: all 2 values'),
        (torch.tensor([[torch.inf, 0.0]]), torch.zeros(1, 1), '1 of 1 observed places are not'),
        (torch.zeros(1, 2), torch.full((1, 1), torch.inf), 'observed values are infinite'),
    ],
)
def test_what_cannot_be_observed_is_refused(coords, values, message):
    with pytest.raises(ValueError, match=message):
        Observations(coords, values)


def test_observations_of_another_field_are_refused():
    found = Observations(torch.tensor([[0.1, 0.2, 0.7], [0.0, 0.0, 0.0]]), torch.zeros(2, 1))
    with pytest.raises(ValueError, match="3 coordinates, the field has the 2 axes 'xy'"):
        found.check(PLANE, 1)
    with pytest.raises(ValueError, match='values have 1 channels, the field has 3'):
        found.check(SPACE, 3)
    with pytest.raises(ValueError, match=r"1 of 2 places leave the field: 'z' goes from -0\.5 to"):
        found.check(SPACE, 1)
    other = Observations(torch.zeros(1, 2), torch.zeros(1, 1))
    with pytest.raises(ValueError, match='cannot be joined'):
        found + other
    with pytest.raises(ValueError, match="no axis 't'; this field has the axes 'xy'"):
        Observations.from_frames(PLANE, torch.zeros(1, 2, 2, 3), [0.0])
    with pytest.raises(ValueError, match='2 frames and 1 times'):
        Observations.from_frames(CLIP, torch.zeros(2, 2, 2, 3), [0.0])
