"""Conditions of another data set: repeated, spread, and drawn anew at each round."""

import pytest
from torch.utils.data import Dataset

from ddmi_toolkit.datasets import SeedDataset


class _Items(Dataset):
    """Items whose condition names their number and visit."""

    def __len__(self):
        return 10

    def __getitem__(self, draw):
        return dict(cond=f'{draw.index}@{draw.visit}', meta=dict(name=str(draw.index)))


def conditions(num_samples, **options):
    """Those of the samples."""
    data = SeedDataset(num_samples, cond=dict(type='dataset', dataset=_Items(), **options))
    return [data[i]['cond'] for i in range(num_samples)]


def test_repeated_conditions_are_the_same_draw():
    """In a row; the next round is another visit."""
    assert conditions(5, num_items=2, repeat=2) == ['0@0', '0@0', '5@0', '5@0', '0@1']


def test_items_are_spread_over_the_set():
    """Also where the set is ordered by class."""
    assert conditions(4, num_items=4) == ['0@0', '2@0', '5@0', '7@0']
    assert conditions(12)[9:] == ['9@0', '0@1', '1@1']


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(num_items=11), 'num_items=11 of 10 items'),
        (dict(num_items=0), 'num_items=0 of 10 items'),
        (dict(repeat=0), 'repeat=0 must be at least 1'),
    ],
)
def test_bad_counts_are_named(options, message):
    """When the data set is built."""
    with pytest.raises(ValueError, match=message):
        conditions(1, **options)
