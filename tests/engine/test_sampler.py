"""The order of data is a function of the seed, for any number of processes."""

from itertools import islice

import pytest

from ddmi_toolkit.engine import SeededInfiniteSampler
from ddmi_toolkit.structures import Draw


def draws(size, count, rank=0, world_size=1, skip=0, **kwargs):
    """First draws of one process."""
    sampler = SeededInfiniteSampler(range(size), **dict(dict(seed=5), **kwargs))
    sampler.rank, sampler.world_size, sampler.skip = rank, world_size, skip
    return list(islice(iter(sampler), count))


def test_each_epoch_visits_every_item_once_in_another_order():
    """The visit counts the epochs; orders differ between epochs and seeds."""
    epochs = [draws(10, 30)[i : i + 10] for i in (0, 10, 20)]
    for number, epoch in enumerate(epochs):
        assert sorted(d.index for d in epoch) == list(range(10))
        assert {(d.visit, d.seed) for d in epoch} == {(number, 5)}
    orders = {tuple(d.index for d in epoch) for epoch in epochs}
    assert len(orders) == 3
    assert [d.index for d in draws(10, 10, seed=6)] not in [list(o) for o in orders]


@pytest.mark.parametrize(('world_size', 'size'), [(2, 10), (3, 7), (4, 3)])
def test_global_batches_do_not_depend_on_the_number_of_processes(world_size, size):
    """W processes with batches of b see the batches of one process with W * b."""
    batch, steps = 2, 9
    one = draws(size, steps * batch * world_size)
    ranks = [draws(size, steps * batch, r, world_size) for r in range(world_size)]
    for step in range(steps):
        mine = {d for r in ranks for d in r[step * batch : (step + 1) * batch]}
        assert mine == set(one[step * batch * world_size :][: batch * world_size])


@pytest.mark.parametrize('skip', [0, 6, 10, 33])
def test_skipping_equals_reading_and_throwing_away(skip):
    """A resumed sampler goes on where it stopped, across epochs."""
    assert draws(10, 20, skip=skip) == draws(10, 20 + skip)[skip:]


def test_unshuffled_order_is_the_order_of_the_items():
    """For data that is random already, or for looking at it."""
    assert draws(3, 5, shuffle=False) == [
        Draw(0, 0, 5), Draw(1, 0, 5), Draw(2, 0, 5), Draw(0, 1, 5), Draw(1, 1, 5)
    ]  # fmt: skip


def test_errors_name_the_remedy():
    """No data, no seed."""
    with pytest.raises(ValueError, match='range is empty'):
        SeededInfiniteSampler(range(0), seed=1)
    with pytest.raises(ValueError, match='randomness=dict'):
        SeededInfiniteSampler(range(3))
