"""Questions: classes defined by facts, and what a caption leaves open."""

import pytest
import torch

from ddmi_toolkit.models.classifiers import UNASKED, Question
from ddmi_toolkit.models.classifiers.questions import answers_of, facts_of

BASE = Question(
    'base', dict(three=dict(num_legs=3), four=dict(num_legs=4), star=dict(legs=['star', 'wheel']))
)


@pytest.mark.parametrize(
    ('facts', 'answer'),
    [
        (dict(num_legs=3, legs='square'), 0),
        (dict(num_legs=4), 1),
        (dict(legs='wheel'), 2),
        (dict(num_legs=0, legs='star'), 2),
        (dict(num_legs=7, legs='square'), UNASKED),
        (dict(legs='square'), UNASKED),
        ({}, UNASKED),
    ],
)
def test_a_class_is_the_one_whose_facts_are_known_and_hold(facts, answer):
    """What is not known decides nothing."""
    assert BASE.answer(facts) == answer


def test_what_is_left_over_needs_all_facts():
    """A class without facts is not the answer to what nobody said."""
    question = Question('back', dict(yes=dict(back='solid'), other={}))
    assert question.answer(dict(back='solid')) == 0
    assert question.answer(dict(back='none')) == 1
    assert question.answer(dict(seat='round')) == UNASKED


def test_one_class_is_no_question():
    """The message names the question and its classes."""
    with pytest.raises(ValueError, match=r"question 'arms' has the classes \['yes'\]"):
        Question('arms', dict(yes=dict(arms=True)))


def test_a_batch_tells_facts_of_each_shape():
    """Attributes are facts of their own; clouds are none."""
    meta = dict(
        name=['a', 'b'],
        surface_points=torch.zeros(2, 5, 3),
        attributes=dict(num_legs=torch.tensor([4, 3]), legs=['square', 'round']),
    )
    assert facts_of(meta, 2) == [
        dict(name='a', num_legs=4, legs='square'),
        dict(name='b', num_legs=3, legs='round'),
    ]
    assert answers_of([BASE], facts_of(meta, 2))['base'].tolist() == [1, 0]


def test_what_a_caption_does_not_say_is_not_asked_for():
    """`stated` hides attributes by sample."""
    meta = dict(
        attributes=dict(num_legs=torch.tensor([4, 4]), legs=['square', 'square']),
        stated=dict(num_legs=torch.tensor([True, False]), legs=torch.tensor([False, True])),
    )
    assert facts_of(meta, 2) == [dict(num_legs=4), dict(legs='square')]
    assert answers_of([BASE], facts_of(meta, 2))['base'].tolist() == [1, UNASKED]


def test_no_meta_is_no_facts():
    """A batch may say nothing."""
    assert facts_of(None, 2) == [{}, {}]
