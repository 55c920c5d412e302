"""The vocabulary is that of the training captions, taken once."""

from types import SimpleNamespace

import pytest
from torch import nn

from ddmi_toolkit.models.conditioners import LabelConditioner, WordConditioner
from ddmi_toolkit.registry import DATASETS, HOOKS

PIPELINE = [dict(type='DrawCaption'), dict(type='PackShape', cond='caption')]
CHAIRS = dict(type='ProceduralChairs', num_shapes=3, num_points=1, num_inputs=1, pipeline=PIPELINE)


def run(conditioner, dataset):
    model = nn.Module()
    model.conditioner = conditioner
    loader = SimpleNamespace(dataset=DATASETS.build(dataset))
    HOOKS.build(dict(type='VocabularyHook')).before_train(
        SimpleNamespace(model=model, train_dataloader=loader)
    )
    return loader.dataset


@pytest.mark.parametrize('wrap', [None, 'EnumeratedDraws', 'LatentCache'])
def test_all_captions_count_not_only_those_drawn(wrap):
    """Through wrappers of stage 2 as well; every caption of every draw is then known."""
    conditioner = WordConditioner(channels=8, num_heads=2, max_words=40)
    data = run(conditioner, CHAIRS if wrap is None else dict(type=wrap, dataset=CHAIRS))
    known = set(conditioner.vocabulary)
    source = DATASETS.build(CHAIRS)
    assert set(source.captions()) == set(data.captions())
    assert conditioner.choose_words(source.captions()) == conditioner.vocabulary
    for index in range(3):
        conditioner.eval().embed([source[index]['cond']])
    assert known >= {'chair', 'legs', 'with'}


def test_a_known_vocabulary_is_kept():
    """Of a resumed run, or of the config."""
    conditioner = WordConditioner(channels=8, num_heads=2, vocabulary=['a'])
    run(conditioner, CHAIRS)
    assert conditioner.vocabulary == ['a']


def test_other_models_are_left_alone():
    run(LabelConditioner(2, 4), CHAIRS)
    run(None, CHAIRS)


def test_data_that_cannot_tell_its_captions_is_named():
    conditioner = WordConditioner(channels=8, num_heads=2)
    with pytest.raises(TypeError, match=r'SeedDataset has no captions\(\)'):
        run(conditioner, dict(type='SeedDataset', num_samples=1))
    pack = dict(type='PackImage', input_size=32, image_size=32)
    images = dict(type='ProceduralImages', num_images=1, size=32, pipeline=[pack])
    with pytest.raises(TypeError, match='has the condition None, expected a caption'):
        run(conditioner, images)


def test_long_captions_are_named_before_training():
    with pytest.raises(ValueError, match='captions have more than max_words=3 words'):
        run(WordConditioner(channels=8, num_heads=2, max_words=3), CHAIRS)
