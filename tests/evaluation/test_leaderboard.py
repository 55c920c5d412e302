"""Means over seeds, their errors, and tables of systems."""

import math

import pytest

from ddmi_toolkit.evaluation import (
    Estimate,
    ProtocolError,
    Result,
    aggregate,
    direction_of,
    leaderboard,
)
from ddmi_toolkit.evaluation.leaderboard import best, duration


def result(psnr: float, fid: float = 1.0, **protocol) -> Result:
    return Result(
        {'image/psnr': psnr, 'generation/fid': fid},
        dict(image=dict(num_images=8, **protocol), generation=dict(size=[32, 32])),
    )


def test_standard_error_of_known_values():
    """Of 1, 2, 4: deviations -4/3, -1/3, 5/3, variance 7/3, error sqrt(7/3/3)."""
    three = Estimate((1.0, 2.0, 4.0))
    assert three.mean == pytest.approx(7 / 3)
    assert three.standard_error == pytest.approx(math.sqrt(7) / 3)
    assert str(three) == '2.33 ± 0.88'
    two = Estimate((10.0, 13.0))  # half the difference
    assert (two.mean, two.standard_error) == (11.5, pytest.approx(1.5))


def test_one_seed_has_no_error():
    one = Estimate((28.123456,))
    assert one.standard_error is None
    assert str(one) == '28.12'


@pytest.mark.parametrize(
    'values, text',
    [
        ((2.0, 2.0), '2 ± 0'),
        ((0.0026, 0.0026), '0.0026 ± 0'),
        ((1000.0, 3000.0), '2000 ± 1000'),
        ((0.00123, 0.00125), '0.001240 ± 0.000010'),
        ((1.0, math.nan), 'nan'),
    ],
)
def test_a_mean_has_no_more_digits_than_its_error_says(values, text):
    assert str(Estimate(values)) == text


def test_aggregation_groups_seeds_by_system():
    table = aggregate(dict(a=[result(1.0), result(3.0)], b=[result(5.0)]))
    assert table['image/psnr'] == dict(a=Estimate((1.0, 3.0)), b=Estimate((5.0,)))
    assert list(table) == ['image/psnr', 'generation/fid']


@pytest.mark.parametrize(
    'runs, who',
    [
        (lambda a, b: dict(x=[a, b]), "'x (result 1)' and 'x (result 2)'"),
        (lambda a, b: dict(x=[a], y=[b]), "'x' and 'y'"),
        (lambda a, b: dict(x=[a, a], y=[a, b]), "'x (result 1)' and 'y (result 2)'"),
    ],
)
def test_protocols_do_not_mix_over_seeds_or_systems(runs, who):
    with pytest.raises(ProtocolError) as error:
        aggregate(runs(result(1.0), result(2.0, border=2)))
    assert who in str(error.value)
    assert 'border: None and 2' in str(error.value)


def test_the_best_depends_on_the_direction():
    values = dict(a=Estimate((1.0,)), b=Estimate((2.0,)), c=Estimate((math.nan,)))
    assert best(values, 'higher') == {'b'}
    assert best(values, 'lower') == {'a'}
    assert best(values, None) == set()
    assert best(dict(a=Estimate((1.0,))), 'higher') == set()
    assert best(dict(a=Estimate((1.0,)), b=Estimate((1.0,))), 'lower') == {'a', 'b'}


def test_the_table_says_direction_error_number_and_protocol():
    text = leaderboard(dict(ours=[result(2.0, 3.0), result(4.0, 5.0)], theirs=[result(1.0, 1.0)]))
    lines = text.splitlines()
    assert lines[0] == '| system | image/psnr ↑ | generation/fid ↓ |'
    assert lines[2] == '| ours | **3.0 ± 1.0** (2) | 4.0 ± 1.0 (2) |'
    assert lines[3] == '| theirs | 1 (1) | **1** (1) |'
    assert '- `image`: num_images 8' in lines
    assert '- `generation`: size [32, 32]' in lines


def test_a_table_without_seeds_counts_none():
    lines = leaderboard(dict(a=[result(2.0)], b=[result(1.0)])).splitlines()
    assert lines[2] == '| a | **2** | **1** |'
    assert not [line for line in lines if 'seeds' in line]


@pytest.mark.parametrize(
    'metric, direction',
    [
        ('image_128/psnr', 'higher'),
        ('generation/fid', 'lower'),
        ('generation_256/fid_random_not_comparable', 'lower'),
        ('generation/recall_clip_vit_b_32', 'higher'),
        ('image/lpips_alex', 'lower'),
        ('generation/kid_std', None),
        ('generation/kid_std_random_not_comparable', None),
        ('generation/1nna_cd', None),  # 0.5 is ideal
        ('surface/accuracy', 'lower'),  # a distance
        ('class/accuracy', 'higher'),  # a share
        ('fidelity/completeness', 'higher'),
        ('surface/completeness', 'lower'),
        ('image/num_images', None),
        ('made_up/number', None),
    ],
)
def test_directions(metric, direction):
    assert direction_of(metric) == direction


def test_metrics_are_chosen_by_patterns():
    """In their order, each once; one that is of nothing is named."""
    runs = dict(a=[result(1.0)])
    lines = leaderboard(runs, ['generation/*', 'image/psnr', '*/psnr']).splitlines()
    assert lines[0] == '| system | generation/fid ↓ | image/psnr ↑ |'
    (told,) = [line for line in leaderboard(runs, ['image/*']).splitlines() if line[:2] == '- ']
    assert told == '- `image`: num_images 8'
    with pytest.raises(ValueError, match=r"'image/ssim'; there are image/psnr, generation/fid"):
        leaderboard(runs, ['image/ssim'])


def test_costs_come_last_and_are_means_over_seeds():
    """Blank where a system does not state them; absent where none does."""
    protocol = dict(image={})
    fast, slow = (
        Result({'image/psnr': 20.0}, protocol, costs=dict(parameters=1500, item_seconds=s))
        for s in (0.2, 0.4)
    )
    silent = Result({'image/psnr': 30.0}, protocol)
    lines = leaderboard(dict(a=[fast, slow], b=[silent])).splitlines()
    assert lines[0] == '| system | image/psnr ↑ | parameters | per item |'
    assert lines[2] == '| a | 20 ± 0 (2) | 1,500 | 0.3 s |'
    assert lines[3] == '| b | **30** (1) |  |  |'


@pytest.mark.parametrize(
    'seconds, text',
    [(0.834, '0.83 s'), (59.0, '59 s'), (125.4, '0:02:05'), (90061.0, '1 day, 1:01:01')],
)
def test_durations_are_readable(seconds, text):
    assert duration(seconds) == text
