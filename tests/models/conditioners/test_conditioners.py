"""Conditions: dropped by seed alone, embedded as announced, classes by label and name."""

import pytest
import torch

from ddmi_toolkit.models.conditioners import (
    AbstractConditioner,
    ImageConditioner,
    LabelConditioner,
    TextConditioner,
)
from ddmi_toolkit.registry import MODELS

CAPTIONS = ['a chair with four legs', 'a round table', 'a stool!', 'a chair with four legs']


@pytest.fixture(params=['label', 'text', 'image'])
def conditioner_and_raw(request, tiny_clip):
    """Each conditioner with four raw conditions; null embeddings that are not zero."""
    if request.param == 'label':
        conditioner, raw = LabelConditioner(5, 6), torch.tensor([0, 1, 4, 0])
    elif request.param == 'text':
        conditioner, raw = TextConditioner(tiny_clip), CAPTIONS
    else:
        conditioner, raw = ImageConditioner('test_resnet'), torch.rand(4, 3, 64, 32) * 2 - 1
    with torch.no_grad():
        for null in (conditioner.null_vector, conditioner.null_context):
            if null is not None:
                null.normal_(generator=torch.Generator().manual_seed(0))
    return conditioner, raw


def items(cond):
    return {k: v for k, v in cond.items() if v is not None}


def test_shapes_are_the_ones_announced(conditioner_and_raw):
    """Denoisers are built from these attributes."""
    conditioner, raw = conditioner_and_raw
    cond = conditioner(raw, torch.arange(4))
    assert set(cond) == {'vector', 'context'}
    assert cond['vector'].shape == (4, conditioner.vector_channels)
    if conditioner.context_channels is None:
        assert cond['context'] is None
    else:
        assert cond['context'].shape[::2] == (4, conditioner.context_channels)


def test_dropped_samples_are_null_and_the_others_untouched(conditioner_and_raw):
    """Exactly the null embedding, in vector and in every token."""
    conditioner, raw = conditioner_and_raw
    conditioner.drop_probability = 0.5
    full = conditioner.embed(raw)
    seed = next(s for s in torch.arange(400).view(-1, 4) if 0 < drops(conditioner, s).sum() < 4)
    dropped = drops(conditioner, seed)
    for name, value in items(conditioner(raw, seed)).items():
        null = getattr(conditioner, f'null_{name}')
        assert torch.equal(value[dropped], null.expand_as(value[dropped]))
        assert torch.equal(value[~dropped], full[name][~dropped])
        assert torch.equal(conditioner.null(4, value.shape[1])[name][0], value[dropped][0])


def drops(conditioner: AbstractConditioner, seed: torch.Tensor) -> torch.Tensor:
    """Which samples a label conditioner of the same probability drops."""
    probe = LabelConditioner(1, 1, conditioner.drop_probability)
    probe.null_vector.data.fill_(1e6)
    return probe(torch.zeros(len(seed), dtype=torch.int64), seed)['vector'][:, 0] == 1e6


def test_share_of_dropped_samples():
    """Binomial: 4,000 seeds at p = 0.2 within 4 standard errors."""
    share = drops(LabelConditioner(1, 1, 0.2), torch.arange(4000)).double().mean()
    assert abs(share - 0.2) < 4 * (0.2 * 0.8 / 4000) ** 0.5


def test_dropping_depends_on_each_samples_seed_alone():
    """Neither on the batch nor on the global random state."""
    conditioner, seed = LabelConditioner(1, 1, 0.5), torch.arange(64)
    state = torch.get_rng_state()
    whole = drops(conditioner, seed)
    torch.manual_seed(99)
    parts = torch.cat([drops(conditioner, s) for s in seed.flip(0).split(5)])
    assert torch.equal(whole, parts.flip(0))
    assert not torch.equal(whole, drops(conditioner, seed + 64))
    torch.set_rng_state(state)
    conditioner(torch.zeros(64, dtype=torch.int64), seed)
    assert torch.equal(torch.get_rng_state(), state)


def test_evaluation_drops_nothing(conditioner_and_raw):
    """Sampling and validation see every condition, with or without seeds."""
    conditioner, raw = conditioner_and_raw
    conditioner.drop_probability = 1.0
    full = conditioner.eval().embed(raw)
    for name, value in items(conditioner(raw)).items():
        assert torch.equal(value, full[name])


def test_dropping_without_seeds_is_refused():
    """It would need the global random state."""
    with pytest.raises(ValueError, match='needs the seeds'):
        LabelConditioner(2, 3)(torch.tensor([0]))


@pytest.mark.parametrize('probability', [-0.1, 1.5])
def test_a_probability_is_checked(probability):
    """The value is named."""
    with pytest.raises(ValueError, match=rf'drop_probability={probability}'):
        LabelConditioner(2, 3, probability)


@pytest.mark.parametrize('probability', [0.0, 1.0])
def test_every_trained_parameter_has_a_gradient(conditioner_and_raw, probability):
    """Also when nothing is dropped, or all; the towers have none."""
    conditioner, raw = conditioner_and_raw
    conditioner.drop_probability = probability
    cond = conditioner(raw, torch.arange(4))
    sum(v.square().sum() for v in items(cond).values()).backward()
    for name, parameter in conditioner.named_parameters():
        is_tower = name.startswith(('tower', 'features'))
        assert (parameter.grad is None) == is_tower, name
        assert parameter.requires_grad != is_tower
    grad = conditioner.null_vector.grad
    assert torch.allclose(grad, 2 * probability * 4 * conditioner.null_vector.data)


def test_labels_are_told_apart_and_checked():
    """Equal labels share a vector; others raise with the range."""
    conditioner = LabelConditioner(3, 4)
    vector = conditioner.embed(torch.tensor([0, 2, 0]))['vector']
    assert torch.equal(vector[0], vector[2])
    assert not torch.equal(vector[0], vector[1])
    with pytest.raises(ValueError, match='from 1 to 3, there are num_classes=3'):
        conditioner.embed(torch.tensor([1, 3]))
    with pytest.raises(ValueError, match=r'float32 of shape \(1,\); expected integers'):
        conditioner.embed(torch.tensor([1.0]))


def test_labels_are_named():
    """In any case and spelling; numbers of named classes work as well."""
    conditioner = LabelConditioner(classes=['chair', 'swivel chair', 'Bench'], channels=4)
    parsed = [conditioner.parse(v) for v in ('Swivel_Chair', 'bench ', 2, '0')]
    assert parsed == [1, 2, 2, 0]
    by_name = conditioner.embed(['bench', 'chair'])['vector']
    assert torch.equal(by_name, conditioner.embed(torch.tensor([2, 0]))['vector'])
    assert LabelConditioner(3).parse('2') == 2


@pytest.mark.parametrize(
    ('options', 'value', 'error', 'message'),
    [
        (dict(classes=['chair', 'table']), 'chiar', ValueError, r"no class 'chiar'; near.*'chair'"),
        (dict(classes=['chair', 'table']), 2, ValueError, 'no class 2; .*from 0 to 1'),
        (dict(num_classes=2), 'chair', ValueError, r'numbers from 0 to 1 alone; .*classes='),
        (dict(num_classes=2), '-1', ValueError, 'no class -1'),
        (dict(num_classes=2), 1.0, TypeError, 'a name or a number, got float 1.0'),
        (dict(num_classes=2), True, TypeError, 'got bool True'),
    ],
)
def test_unknown_classes_are_named(options, value, error, message):
    with pytest.raises(error, match=message):
        LabelConditioner(**options).parse(value)


@pytest.mark.parametrize(
    'options', [{}, dict(classes=['a', 'A']), dict(num_classes=3, classes=['a', 'b'])]
)
def test_classes_are_checked(options):
    with pytest.raises(ValueError, match='num_classes'):
        LabelConditioner(**options)


@pytest.mark.parametrize('kind', ['text', 'image'])
def test_vector_alone(kind, tiny_clip):
    """Without context, the vector is the same."""
    cls, name = dict(text=(TextConditioner, tiny_clip), image=(ImageConditioner, 'test_resnet'))[
        kind
    ]
    raw = CAPTIONS if kind == 'text' else torch.rand(2, 3, 32, 32)
    alone, both = cls(name, has_context=False), cls(name)
    assert alone.context_channels is None
    cond = alone.embed(raw)
    assert cond['context'] is None
    assert torch.equal(cond['vector'], both.embed(raw)['vector'])


def test_image_tokens_run_along_rows():
    """A picture that is dark on the left: the columns differ, the rows of the middle do not."""
    images = torch.ones(1, 3, 128, 96)
    images[..., :48] = -1
    cond = ImageConditioner('test_resnet').embed(images)
    tokens = cond['context'].view(4, 3, -1)
    torch.testing.assert_close(tokens.mean((0, 1)), cond['vector'][0])
    across = (tokens[2, 0] - tokens[2, 2]).norm()
    along = (tokens[1] - tokens[2]).norm()
    assert across > 3 * along


def test_conditioners_have_the_role():
    """Configs may name any of them, and nothing else."""
    names = MODELS.names('AbstractConditioner')
    assert {'ImageConditioner', 'LabelConditioner', 'TextConditioner'} <= set(names)
    with pytest.raises(TypeError, match='expected AbstractConditioner'):
        MODELS.build(dict(type='L1Loss'), role=AbstractConditioner)
