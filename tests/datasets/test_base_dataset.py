"""Items are functions of (run seed, index, visit)."""

import numpy as np
import pytest
import torch
from mmcv.transforms import BaseTransform

from ddmi_toolkit.datasets import AbstractDataset
from ddmi_toolkit.registry import DATASETS
from ddmi_toolkit.structures import Draw, mix_seed


class AddNoise(BaseTransform):
    """Draws after the data set has drawn."""

    def transform(self, record):
        record['noise'] = record['rng'].random()
        return record


class Numbers(AbstractDataset):
    """Item i draws one number."""

    def __len__(self):
        return 5

    def read(self, index, rng):
        return dict(index=index, number=rng.random())


def numbers():
    return Numbers(pipeline=[AddNoise()])


def test_item_depends_on_run_seed_index_and_visit():
    """Every part of a draw changes what is drawn, and equal draws give equal items."""
    data = numbers()
    draws = [Draw(i, v, s) for i in range(3) for v in range(3) for s in range(3)]
    assert len({data[d]['number'] for d in draws}) == len(draws)
    assert [data[d] for d in reversed(draws)] == [data[d] for d in draws][::-1]


def test_plain_index_is_the_first_visit_of_run_zero():
    assert numbers()[3] == numbers()[Draw(3, 0, 0)]
    assert numbers()[-2] == numbers()[3]


def test_global_random_state_is_neither_read_nor_moved():
    data = numbers()
    np.random.seed(0)
    torch.manual_seed(0)
    first = data[1]
    state = np.random.get_state()[1].copy(), torch.get_rng_state()
    np.random.seed(1)
    assert data[1] == first
    np.random.seed(0)
    data[2]
    assert np.array_equal(np.random.get_state()[1], state[0])
    assert torch.equal(torch.get_rng_state(), state[1])


def test_seed_names_the_draw_and_collates_to_int64():
    """``seed`` is the hash of the draw; the generator does not stay in the sample."""
    sample = numbers()[Draw(2, 7, 11)]
    assert sample['seed'] == mix_seed(11, 2, 7)
    assert 'rng' not in sample
    batch = torch.utils.data.default_collate([sample, numbers()[0]])
    assert batch['seed'].dtype == torch.int64
    assert batch['seed'][0].item() == sample['seed']


def test_pipeline_draws_from_the_same_stream():
    """A transform's draws differ from the data set's and also follow the visit."""
    a, b = numbers()[Draw(0, 0, 0)], numbers()[Draw(0, 1, 0)]
    assert len({a['number'], a['noise'], b['number'], b['noise']}) == 4


def test_missing_item_is_an_index_error():
    with pytest.raises(IndexError, match='item 5 of Numbers with 5 items'):
        numbers()[5]


def test_transform_that_returns_nothing_is_named():
    class Drop(BaseTransform):
        def transform(self, record):
            return None

    with pytest.raises(ValueError, match='Drop returned nothing'):
        Numbers(pipeline=[Drop()])[0]


def test_pipeline_demands_transforms():
    with pytest.raises(ValueError, match='no type'):
        Numbers(pipeline=[dict(type='SubsamplePoint')])


def test_metainfo_is_a_copy():
    numbers().metainfo['classes'] = 1
    assert numbers().metainfo == {}


def test_workers_give_the_items_of_one_process():
    """Two worker processes yield bit-equal samples."""
    data = DATASETS.build(dict(type='ProceduralChairs', num_shapes=4, num_points=16, num_inputs=8))
    draws = [Draw(i, 2, 5) for i in range(4)]
    batches = [
        next(iter(torch.utils.data.DataLoader(data, 4, sampler=draws, num_workers=n)))
        for n in (0, 2)
    ]
    for key in ('inputs', 'target', 'seed'):
        assert torch.equal(batches[0][key], batches[1][key])
