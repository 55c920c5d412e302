"""The data set that generation runs over."""

import pytest
import torch

from ddmi_toolkit.registry import DATASETS
from ddmi_toolkit.structures import Draw


def seeds(**config):
    return DATASETS.build(dict(type='SeedDataset', **config))


def test_sample_seed_is_first_plus_index():
    """Whoever asks, in whatever run: seeds name samples."""
    data = seeds(num_samples=4, first=100)
    assert [data[i] for i in range(4)] == [dict(seed=100 + i) for i in range(4)]
    assert data[Draw(2, visit=9, seed=7)] == dict(seed=102)


def test_query_axis_is_the_centers_of_cells():
    data = seeds(num_samples=1, query=dict(x=dict(low=-1, high=1, num=4), y=[0.0, 0.5]))
    query = data[0]['query']
    assert torch.allclose(query['x'], torch.tensor([-0.75, -0.25, 0.25, 0.75]))
    assert query['y'].tolist() == [0.0, 0.5]


def test_listed_conditions_are_cycled_and_single_ones_shared():
    data = seeds(num_samples=3, cond=['stool', 'bench'])
    assert [data[i]['cond'] for i in range(3)] == ['stool', 'bench', 'stool']
    assert seeds(num_samples=3, cond='stool')[2]['cond'] == 'stool'
    assert seeds(num_samples=3, cond=0)[2]['cond'] == 0


@pytest.mark.parametrize(
    ('config', 'message'),
    [
        (dict(num_samples=0), 'num_samples must be at least 1, got 0'),
        (dict(num_samples=1, cond=[]), 'cond is empty'),
        (dict(num_samples=1, query=dict(points=[0.0, 1.0])), r'shape \(2,\); expected \(Q, D\)'),
        (dict(num_samples=1, query=dict(x=dict(low=0, num=3))), 'expected low, high and num'),
    ],
)
def test_wrong_arguments_are_named(config, message):
    with pytest.raises(ValueError, match=message):
        seeds(**config)


def test_missing_sample_is_an_index_error():
    with pytest.raises(IndexError, match='sample 2 of 2'):
        seeds(num_samples=2)[2]
