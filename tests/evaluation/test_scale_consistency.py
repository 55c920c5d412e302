"""Scale consistency: closed forms of fields whose averages are known."""

import pytest
import torch
from torch import nn

from ddmi_toolkit.evaluation import Result, ScaleConsistency
from ddmi_toolkit.evaluation.image_quality import psnr
from ddmi_toolkit.structures import Field, PlaneLayout


class Stripes(nn.Module):
    """``amplitude * sign(sin(pi * periods * (x + 1)))``: ``periods`` over the box."""

    def forward(self, state, coords, *, scale=None, dirs=None):
        x = coords.dense()[..., :1]
        wave = torch.sin(torch.pi * state['periods'].view(-1, 1, 1, 1) * (x + 1)).sign()
        return 0.5 * wave.expand(-1, -1, -1, 3)


class Ramp(nn.Module):
    """A linear field."""

    def forward(self, state, coords, *, scale=None, dirs=None):
        return coords.dense() @ torch.tensor([[0.4, 0.1, 0.0], [0.1, -0.3, 0.2]])


def field(evaluator: nn.Module, periods: float = 1.0) -> Field:
    layout = PlaneLayout([dict(name='x', size=8), dict(name='y', size=8)], ['xy'])
    return Field(evaluator, dict(periods=torch.tensor([periods])), layout, 3)


def scores(*fields: Field, **options) -> dict[str, float]:
    metric = ScaleConsistency(**options)
    metric.process(None, [dict(field=f, seed=i) for i, f in enumerate(fields)])
    values = metric.evaluate(len(fields))
    Result(values, metric.protocol())
    return values


def test_linear_fields_are_consistent():
    """The mean of a pixel is the value at its center."""
    values = scores(field(Ramp()), sizes=(6, 24))
    assert values['scale/psnr'] > 120
    assert values['scale/psnr_cell'] > 120


def test_stripes_within_a_pixel_alias_unless_they_are_averaged():
    """4 pixels, 4 periods: samples are at a sign change or +-0.5, the mean is 0.

    Against the mean 0 the averaged rendering is exact; point samples at sign +1 miss by 0.5 of
    a range of 2, 12 dB.
    """
    shifted = field(Stripes(), periods=8.0)  # two periods per pixel, centers just between
    values = scores(shifted, sizes=((2, 3), (16, 240)), cell=1.0)
    centers = shifted.render((2, 3))
    large = shifted.render((16, 240)).view(1, 2, 8, 3, 80, 3).mean((2, 4))
    assert values['scale/psnr'] == pytest.approx(psnr(centers / 2, large / 2).item(), abs=1e-3)
    assert values['scale/psnr'] < 20
    assert values['scale/psnr_cell'] > values['scale/psnr']


def test_mean_and_worst_over_fields(wave_field):
    """Smooth fields are more consistent than detailed ones."""
    fields = [wave_field(0, highest=1.0), wave_field(0, highest=6.0)]
    one, two = (scores(f, sizes=(16, 64), cell=None)['scale/psnr'] for f in fields)
    both = scores(*fields, sizes=(16, 64), cell=None)
    assert one > two
    assert both['scale/psnr'] == pytest.approx((one + two) / 2)
    assert both['scale/psnr_worst'] == pytest.approx(two)
    assert 'scale/psnr_cell' not in both


def test_averaging_explains_most_of_what_is_inconsistent(wave_field):
    """A prefiltered small rendering is what the large one averages to."""
    values = scores(*(wave_field(i, highest=4.0) for i in range(3)), sizes=(16, 128))
    assert values['scale/psnr_cell'] > values['scale/psnr'] + 6


def test_the_protocol_states_sizes_and_cell():
    metric = ScaleConsistency(sizes=(4, (8, 16)), cell=2.0)
    metric.process(dict(seed=torch.tensor([7])), [dict(field=field(Ramp()))])
    metric.evaluate(1)
    facts = dict(sizes=((4, 4), (8, 16)), cell=2.0, num_samples=1, seeds='7-7')
    assert facts.items() <= metric.protocol()['scale'].items()


@pytest.mark.parametrize('sizes', [(4, 6), (4, 2), ((4, 4), (8, 10))])
def test_sizes_that_do_not_tile_are_refused(sizes):
    with pytest.raises(ValueError, match='must be a multiple of the first in both directions'):
        ScaleConsistency(sizes=sizes)


def test_models_without_fields_are_refused():
    with pytest.raises(ValueError, match='the model gave none'):
        ScaleConsistency(sizes=(2, 4)).process(None, [dict(pred=torch.zeros(2, 2, 3))])
    with pytest.raises(ValueError, match='must be the small and the large size'):
        ScaleConsistency(sizes=(2, 4, 8))
