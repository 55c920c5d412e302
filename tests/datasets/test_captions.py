"""Captions of procedural chairs: true in all wordings, read back, drawn anew at every visit."""

import pickle

import pytest
import torch

from ddmi_toolkit.datasets import DrawCaption
from ddmi_toolkit.datasets.procedural.chair_design import ATTRIBUTES, design_seat
from ddmi_toolkit.datasets.procedural.phrases import phrases, stated
from ddmi_toolkit.registry import DATASETS
from ddmi_toolkit.structures import Draw

SEEDS = [*range(40), *range(10**6, 10**6 + 40)]
PIPELINE = [dict(type='DrawCaption'), dict(type='PackShape', cond='caption')]
CHAIRS = dict(type='ProceduralChairs', num_shapes=3, num_points=1, num_inputs=1, pipeline=PIPELINE)


@pytest.fixture(scope='module')
def captions():
    """``(attributes, caption)`` of many chairs."""
    designs = [(seed, design_seat(seed)[1]) for seed in SEEDS]
    return [(a, caption) for seed, a in designs for caption in phrases(a, seed)]


def test_what_is_said_is_so(captions):
    """Read back from the words alone, every attribute is the chair's."""
    for attributes, caption in captions:
        for name, value in stated(caption).items():
            assert attributes[name] == value, caption


def test_every_attribute_is_said_sometimes_and_not_always(captions):
    all_said = [stated(caption) for _, caption in captions]
    assert all(all_said)
    for name in ATTRIBUTES:
        count = sum(name in said for said in all_said)
        assert 0.01 < count / len(captions) < 0.95, name


def test_captions_of_a_chair_differ_and_are_frozen(captions):
    attributes = design_seat(7)[1]
    assert len(set(phrases(attributes, 7))) > 8
    assert phrases(attributes, 7, num=3) == phrases(attributes, 7)[:3]
    assert phrases(attributes, 1)[:2] == phrases(attributes, 1, num=2)
    assert design_seat(8)[1].keys() == set(ATTRIBUTES)


@pytest.mark.parametrize(
    ('prompt', 'expected'),
    [
        ('a chair with two arms and four legs', dict(has_arms=True, num_legs=4)),
        ('an armchair', dict(kind='armchair', has_arms=True)),
        ('A stool with 3 round legs', dict(kind='stool', back='none', num_legs=3, legs='round')),
        ('an office chair, without arms', dict(kind='swivel_chair', swivel=True, has_arms=False)),
        ('rocking chair: ladder back', dict(kind='rocking_chair', rockers=True, back='ladder')),
        ('a bench with no back', dict(kind='bench', back='none', num_back_parts=0)),
        ('a back of five spindles', dict(back='spindles', num_back_parts=5)),
        ('a pedestal and a round seat', dict(legs='pedestal', num_legs=0, seat='round')),
        ('something nice', {}),
    ],
)
def test_prompts_are_read(prompt, expected):
    assert stated(prompt) == expected


def test_a_prompt_of_the_documentation_is_typical(captions):
    """Arms and legs are asked for together in at least one of a hundred captions."""
    both = [c for _, c in captions if {'has_arms', 'num_legs'} <= set(stated(c))]
    assert len(both) > 0.1 * len(captions)
    assert any('two arms' in c and 'four legs' in c for c in both)


def test_a_caption_is_drawn_at_every_visit():
    """By the visit alone; shapes and captions of a visit are repeatable."""
    data = DATASETS.build(CHAIRS)
    drawn = [data[Draw(1, visit)]['cond'] for visit in range(40)]
    assert drawn == [data[Draw(1, visit)]['cond'] for visit in range(40)]
    own = set(phrases(design_seat(1)[1], 1))
    assert set(drawn) <= own
    assert len(set(drawn)) > len(own) / 2
    assert set(drawn) <= set(data.captions())


def test_the_sample_tells_what_its_caption_states():
    for visit in range(4):
        sample = DATASETS.build(CHAIRS)[Draw(0, visit)]
        meta = sample['meta']
        assert sample['cond'] == meta['caption']
        assert meta['stated'] == {name: name in stated(meta['caption']) for name in ATTRIBUTES}
    batch = torch.utils.data.default_collate([DATASETS.build(CHAIRS)[i] for i in range(3)])
    assert batch['cond'] == [DATASETS.build(CHAIRS)[i]['cond'] for i in range(3)]
    assert batch['meta']['stated']['has_arms'].dtype == torch.bool


def test_enumerated_draws_have_captions_of_their_own():
    """As many as there are draws; the latent cache stores what these give."""
    data = DATASETS.build(dict(type='EnumeratedDraws', dataset=CHAIRS, draws_per_item=4))
    conds = [data[Draw(0, visit)]['cond'] for visit in range(8)]
    assert conds[:4] == conds[4:]
    assert len(set(conds)) > 1


def test_records_without_captions_are_named():
    with pytest.raises(ValueError, match=r"'x' has no captions to draw from; it has \['name'\]"):
        DrawCaption()(dict(name='x', rng=None))


def test_generation_asks_for_held_out_captions():
    """Item after item, another wording in the next cycle, with what metrics judge by."""
    held_out = dict(CHAIRS, num_shapes=2, first_seed=10**6, surface_points=4)
    config = dict(type='dataset', dataset=held_out)
    data = DATASETS.build(dict(type='SeedDataset', num_samples=6, first=50, cond=config))
    source = DATASETS.build(held_out)
    for i in range(6):
        expected = source[Draw(i % 2, i // 2)]
        assert data[i]['seed'] == 50 + i
        assert data[i]['cond'] == expected['cond']
        assert data[i]['meta']['attributes'] == expected['meta']['attributes']
        assert 'surface_points' not in data[i]['meta']
    assert len({data[i]['cond'] for i in (0, 2, 4)}) > 1
    torch.utils.data.default_collate([data[i] for i in range(6)])
    assert pickle.loads(pickle.dumps(data))[3] == data[3]


def test_items_without_a_condition_are_named():
    config = dict(type='dataset', dataset=dict(CHAIRS, pipeline=[dict(type='PackShape')]))
    data = DATASETS.build(dict(type='SeedDataset', num_samples=1, cond=config))
    with pytest.raises(ValueError, match='item 0 of ProceduralChairs has no condition'):
        data[0]
