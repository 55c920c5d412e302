"""Words learned from scratch: one vocabulary everywhere, padding that says nothing, warnings."""

import copy
import io
import logging

import pytest
import torch

from ddmi_toolkit.models.conditioners import WordConditioner
from ddmi_toolkit.models.conditioners.captions import split_words

CAPTIONS = ['a chair with four legs', 'A round table.', 'a stool', 'a chair with four legs']
WORDS = ['a', 'chair', 'with', 'four', 'legs', 'round', 'table', '.', 'stool']


def words(**changes):
    torch.manual_seed(0)
    options = dict(channels=16, num_heads=2, max_words=8, max_vocabulary=20, vocabulary=WORDS)
    return WordConditioner(**{**options, **changes})


@pytest.fixture
def warnings(monkeypatch):
    """Messages that are logged."""
    found = []

    def keep(message, logger=None, level=logging.INFO):
        found.append((level, message))

    monkeypatch.setattr('ddmi_toolkit.models.conditioners.words.print_log', keep)
    return found


@pytest.mark.parametrize(
    ('caption', 'expected'),
    [
        ("A 3-legged STOOL, isn't it?", "a 3 - legged stool , isn't it ?"),
        ('two arms.It is grey', 'two arms . it is grey'),
        ('  Stühle_und  2½ ', 'stühle _ und 2 ½'),
        ('', ''),
    ],
)
def test_captions_are_split_into_words_numbers_and_marks(caption, expected):
    assert split_words(caption) == expected.split()


def test_context_is_the_words_and_then_null():
    """Of the fixed length, whatever the batch; the vector is their mean."""
    net = words()
    net.null_context.data.fill_(7.0)
    cond = net.embed(CAPTIONS)
    assert cond['context'].shape == (4, 8, 16)
    for row, vector, length in zip(cond['context'], cond['vector'], [5, 4, 2, 5], strict=True):
        assert not (row[:length] == 7).all(-1).any()
        assert (row[length:] == 7).all()
        torch.testing.assert_close(row[:length].mean(0), vector)


def test_a_caption_does_not_depend_on_the_others():
    """Longer neighbors pad it; attention does not see padding."""
    net = words()
    alone, together = net.embed(['a stool']), net.embed(CAPTIONS)
    for name in ('vector', 'context'):
        torch.testing.assert_close(alone[name][0], together[name][2])


def test_order_and_words_matter_and_case_does_not():
    net = words()
    vector = net.embed(['a round table', 'round a table', 'A ROUND TABLE', 'a round stool'])[
        'vector'
    ]
    assert torch.equal(vector[0], vector[2])
    assert (vector[0] - vector[1]).abs().max() > 1e-3
    assert (vector[0] - vector[3]).abs().max() > 1e-3


def test_vocabulary_is_the_most_frequent_words():
    """Ties by alphabet; the order and repetition of captions is of no importance."""
    net = words(vocabulary=None, max_vocabulary=3)
    captions = ['b a', 'b c', 'd e', 'b a']
    assert net.choose_words(captions) == ['b', 'a', 'c']
    assert net.choose_words(captions[::-1]) == ['b', 'a', 'c']
    net.set_vocabulary(['b', 'a', 'c'])
    assert net.vocabulary == ['b', 'a', 'c']


def test_checkpoints_know_the_vocabulary():
    """As plain data, read without a data set, whatever the model knew before."""
    trained = words(vocabulary=['stühle', *WORDS])
    file = io.BytesIO()
    torch.save(trained.state_dict(), file)
    file.seek(0)
    loaded = words(vocabulary=['other'])
    loaded.load_state_dict(torch.load(file, weights_only=True), strict=True)
    assert loaded.vocabulary == ['stühle', *WORDS]
    for name, value in loaded.embed(CAPTIONS).items():
        assert torch.equal(value, trained.embed(CAPTIONS)[name])
    assert copy.deepcopy(loaded).vocabulary == loaded.vocabulary


def test_checkpoints_from_before_a_vocabulary_have_none():
    net = words()
    net.load_state_dict(words(vocabulary=None).state_dict())
    assert net.vocabulary == []


def test_mmengine_loads_the_vocabulary():
    """Its loader does not call ``load_state_dict`` of the parts."""
    from mmengine.runner.checkpoint import get_state_dict, load_state_dict

    model, other = (
        torch.nn.ModuleDict(dict(conditioner=words(vocabulary=v))) for v in (WORDS, None)
    )
    load_state_dict(other, get_state_dict(model), strict=True)
    assert other['conditioner'].vocabulary == WORDS


def test_unknown_words_are_reported_once_out_of_training(warnings):
    """With near words; in training rare words are unknown by design."""
    net = words()
    net.embed(['a chiar'])
    assert not warnings
    net.eval().embed(['a chiar', 'a chiar', 'a chair'])
    net.embed(['a chiar'])
    ((level, message),) = warnings
    assert level == logging.WARNING
    assert "without the word 'chiar'" in message
    assert "near words: ['chair']" in message


def test_unknown_words_share_a_row_that_says_nothing_at_first():
    net = words()
    cond = net.embed(['a xyz', 'a uvw'])['context']
    assert torch.equal(cond[0], cond[1])
    assert not net.embedding.weight[1].any()
    net.embed(['a xyz'])['vector'].square().sum().backward()
    assert net.embedding.weight.grad[1].abs().max() > 0


def test_training_moves_every_part():
    """All parameters have a gradient, of which only rows of words that occur are not zero."""
    net = words()
    cond = net(CAPTIONS, torch.arange(4))
    generator = torch.Generator().manual_seed(0)
    loss = sum((v * torch.randn(v.shape, generator=generator)).sum() for v in cond.values())
    loss.backward()
    assert all(p.grad is not None for p in net.parameters())
    moved = net.embedding.weight.grad.abs().amax(1) > 0
    assert moved[2 : 2 + len(WORDS)].all()
    assert not moved[2 + len(WORDS) :].any()


def test_vocabulary_takes_no_more_than_its_bytes():
    """Words are left out at the end; the rest still fits."""
    net = words(vocabulary=None, max_vocabulary=2)
    long = 'x' * 40
    chosen = net.choose_words([f'{long} {long}', 'chair'])
    assert chosen == ['chair'] or chosen == []
    with pytest.raises(ValueError, match='1 words of 40 bytes do not fit max_vocabulary=2'):
        net.set_vocabulary([long])


@pytest.mark.parametrize(
    ('act', 'error', 'message'),
    [
        (lambda n: n.embed(['a'] * 2 + ['']), ValueError, r'captions \[2\] of 3 are empty'),
        (lambda n: n.embed('a chair'), TypeError, "list of strings, got 'a chair'"),
        (lambda n: n.embed([1, 2]), TypeError, 'list of strings'),
        (lambda n: n.embed(['a ' * 9]), ValueError, 'has 9 words .* limit is max_words=8'),
        (lambda n: n.parse('   '), ValueError, 'prompt .* is empty'),
        (lambda n: n.parse(3), TypeError, 'a prompt is a string, got int 3'),
        (lambda n: n.parse('foo bar'), ValueError, "no word of the prompt 'foo bar' is known"),
        (lambda n: n.parse('a ' * 9), ValueError, 'has 9 words .* limit is max_words=8'),
        (lambda n: n.choose_words([]), ValueError, 'no captions'),
        (
            lambda n: n.choose_words(['a', 'b ' * 9]),
            ValueError,
            '1 of 2 captions have more than max_words=8 words, up to 9',
        ),
        (lambda n: n.set_vocabulary(['a', 'a']), ValueError, 'each once'),
        (lambda n: n.set_vocabulary(['a b']), ValueError, "got \\['a b'\\]"),
        (lambda n: n.set_vocabulary([]), ValueError, '0 words'),
        (
            lambda _: words(vocabulary=None).embed(['a']),
            RuntimeError,
            'no vocabulary: add .*VocabularyHook',
        ),
        (lambda _: words(num_heads=3), ValueError, 'num_heads=3 must divide channels=16'),
    ],
)
def test_bad_input_is_named(act, error, message):
    with pytest.raises(error, match=message):
        act(words())


def test_a_prompt_is_taken_without_the_space_around_it():
    assert words().parse(' a Chair \n') == 'a Chair'


def test_builds_on_the_meta_device():
    """Where configs are checked."""
    with torch.device('meta'):
        net = words()
    assert all(v.is_meta for v in net.state_dict().values())
