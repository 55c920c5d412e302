"""Basis fields inside a field, and what is left when fewer of them are fed."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from ddmi_toolkit.models.generators.pe_generator import PEEvaluator
from ddmi_toolkit.structures import (
    Field,
    PlaneLayout,
    basis_fields,
    basis_key,
    feed_scales,
    mean_basis_vectors,
)

LAYOUTS = {
    'line': PlaneLayout([dict(name='s', size=16)], ['s']),
    'picture': PlaneLayout([dict(name='x', size=24), dict(name='y', size=16)], ['xy']),
    'clip': PlaneLayout(
        [dict(name='x', size=16), dict(name='y', size=8), dict(name='t', size=5, strided=False)],
        ['xy', 'xt', 'yt'],
    ),
    'space': PlaneLayout(
        [dict(name=a, size=16) for a in 'xyz'], ['xy', 'yz', 'xz'], align_corners=True
    ),
}
STRIDES = (4, 2, 1)


def field_of(layout: PlaneLayout, batch: int = 2, seed: int = 0) -> Field:
    """Random basis fields of 3 channels at three scales, read out by a random network."""
    torch.manual_seed(seed)
    head = dict(type='LinearHead', out_channels=1)
    evaluator = PEEvaluator(
        layout.config, 'sum', dict(type='CFCReadout', width=8, head=head), len(STRIDES), 3
    )
    state = {
        basis_key(i, plane): 1 + torch.randn(batch, 3, *layout.shape(plane, stride))
        for i, stride in enumerate(STRIDES)
        for plane in layout.planes
    }
    return Field(evaluator.requires_grad_(False), state, layout, 1)


@pytest.fixture(params=LAYOUTS, ids=list(LAYOUTS))
def field(request):
    return field_of(LAYOUTS[request.param])


def values(field: Field) -> torch.Tensor:
    return field.render([6] * field.layout.dim)


def test_basis_fields_are_those_of_the_state_coarse_to_fine(field):
    levels = basis_fields(field)
    assert [list(level) for level in levels] == [list(field.layout.planes)] * 3
    for i, stride in enumerate(STRIDES):
        for plane, x in levels[i].items():
            assert x is field.state[basis_key(i, plane)]
            assert x.shape[2:] == field.layout.shape(plane, stride)


def test_all_scales_fed_are_the_field_bit_for_bit(field):
    for in_place in (None, mean_basis_vectors([field])):
        assert torch.equal(values(feed_scales(field, 3, in_place)), values(field))


@pytest.mark.parametrize('num_scales', [1, 2])
def test_fewer_scales_fed_are_a_field_whose_finer_state_is_zero(field, num_scales):
    state = {
        k: v if int(k[len('level')]) < num_scales else torch.zeros_like(v)
        for k, v in field.state.items()
    }
    part = feed_scales(field, num_scales)
    assert torch.equal(values(part), values(replace(field, state=state)))
    assert not torch.equal(values(part), values(field))


def test_output_without_finer_scales_does_not_depend_on_their_state(field):
    means = mean_basis_vectors([field])
    other = dict(field.state)
    other |= {k: v + torch.randn_like(v) for k, v in other.items() if k.startswith('level2')}
    for in_place in (None, means):
        a, b = (feed_scales(f, 2, in_place) for f in (field, replace(field, state=other)))
        assert torch.equal(values(a), values(b))


def test_constant_scales_are_fed_as_they_are_by_their_mean(field):
    """What the mean stands for is what the read-out would see without any detail."""
    flat = {k: v.mean((0, 2, 3), keepdim=True).expand_as(v) for k, v in field.state.items()}
    flat |= {k: v for k, v in field.state.items() if k.startswith('level0')}
    constant = replace(field, state=flat)
    part = feed_scales(constant, 1, mean_basis_vectors([constant]))
    torch.testing.assert_close(values(part), values(constant))


def test_means_do_not_depend_on_how_samples_are_batched(field):
    whole = mean_basis_vectors([field])
    parts = mean_basis_vectors([field[0], field[1]])
    again = mean_basis_vectors([field[0], field[1], field])
    for level, *others in zip(whole, parts, again, strict=True):
        for plane, mean in level.items():
            assert mean.shape == (1, 3, 1, 1)
            for other in others:
                torch.testing.assert_close(other[plane], mean)


class Constant(nn.Module):
    """Zero everywhere."""

    def forward(self, state, coords, *, scale=None, dirs=None):
        return torch.zeros(*coords.dense().shape[:-1], 1)


def test_mistakes_are_named(field):
    for count in (0, 4):
        with pytest.raises(ValueError, match=f'num_scales={count} must be from 1 to 3'):
            feed_scales(field, count)
    with pytest.raises(ValueError, match='at least one field, got none'):
        mean_basis_vectors([])
    weights = Field(Constant(), {'layer0.weight': torch.zeros(1, 2, 2)}, field.layout, 1)
    for ask in (basis_fields, lambda f: feed_scales(f, 1), lambda f: mean_basis_vectors([f])):
        with pytest.raises(ValueError, match=r"Constant has no basis fields.*'layer0\.weight'"):
            ask(weights)
