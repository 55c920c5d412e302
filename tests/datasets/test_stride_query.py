"""Thinned queries: they keep their targets, and together they are all there were."""

import numpy as np
import pytest
import torch

from ddmi_toolkit.datasets.transforms.strides import StrideQuery


def sample(seed=0, sizes=None):
    sizes = sizes or dict(t=2, y=6, x=9)
    query = {k: torch.arange(n, dtype=torch.float32) for k, n in sizes.items()}
    grids = torch.meshgrid(*query.values(), indexing='ij')
    query |= dict(scale=torch.tensor(1.0), frame=torch.tensor(1))
    rng = np.random.Generator(np.random.PCG64(seed))
    return dict(query=query, target=torch.stack(grids, dim=-1), rng=rng)


def test_targets_stay_with_their_coordinates():
    thinned = StrideQuery(3)(sample())
    t, y, x = (thinned['query'][k] for k in 'tyx')
    assert (len(t), len(y), len(x)) == (2, 2, 3)
    assert torch.equal(thinned['target'], torch.stack(torch.meshgrid(t, y, x, indexing='ij'), -1))
    assert set(thinned['query']) == {'t', 'y', 'x', 'scale', 'frame'}


def test_the_offsets_reach_every_coordinate():
    seen = {tuple(StrideQuery(3, 'x')(sample(seed))['query']['x'].tolist()) for seed in range(30)}
    assert seen == {(0, 3, 6), (1, 4, 7), (2, 5, 8)}


def test_all_samples_have_equally_many():
    """So that they fit into one batch, and still every coordinate is reached."""
    kept = [StrideQuery(3, 'x')(sample(seed, dict(x=11)))['query']['x'] for seed in range(60)]
    assert {len(x) for x in kept} == {3}
    assert set(torch.cat(kept).tolist()) == set(range(11))


@pytest.mark.parametrize('stride', [0, 1.5])
def test_a_stride_is_a_whole_number(stride):
    with pytest.raises(ValueError, match=f'stride={stride} must be a whole number'):
        StrideQuery(stride)


@pytest.mark.parametrize('axes, stride', [('z', 2), ('y', 7)])
def test_queries_without_enough_coordinates_are_refused(axes, stride):
    with pytest.raises(ValueError, match=f"thins out '{axes}' by {stride}, the query has .*'y': 6"):
        StrideQuery(stride, axes)(sample())
