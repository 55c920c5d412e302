"""Conditions: dropped by seed alone, frozen towers, words and padding."""

import json

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
TINY_TEXT = dict(context_length=16, vocab_size=49408, width=16, heads=2, layers=2)
TINY = dict(
    embed_dim=8,
    vision_cfg=dict(image_size=8, layers=1, width=16, patch_size=4, head_width=8),
    text_cfg=TINY_TEXT,
)


@pytest.fixture(scope='session')
def tiny_clip(tmp_path_factory) -> str:
    """Name of an open-clip model of a few thousand parameters beside its vocabulary."""
    import open_clip

    folder = tmp_path_factory.mktemp('open_clip')
    (folder / 'tiny-clip.json').write_text(json.dumps(TINY))
    longer = dict(TINY, text_cfg=dict(TINY_TEXT, context_length=24))
    (folder / 'tiny-clip-longer.json').write_text(json.dumps(longer))
    open_clip.add_model_config(folder)
    return 'tiny-clip'


@pytest.fixture(scope='session')
def tiny_clip_file(tiny_clip, tmp_path_factory) -> str:
    """Weights of the whole model, as open-clip publishes them."""
    import open_clip

    torch.manual_seed(3)
    path = tmp_path_factory.mktemp('weights') / 'tiny.pt'
    torch.save(open_clip.create_model(tiny_clip).state_dict(), path)
    return str(path)


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


def test_captions_are_told_apart(tiny_clip):
    """Same words, same embedding; other words, another one."""
    cond = TextConditioner(tiny_clip).embed(CAPTIONS)
    for value in cond.values():
        torch.testing.assert_close(value[0], value[3])
        assert (value[0] - value[1]).abs().max() > 1e-2


def test_context_after_the_caption_is_null(tiny_clip):
    """In '!%' the exclamation mark has the padding's id, 0, and is a word all the same."""
    conditioner = TextConditioner(tiny_clip)
    conditioner.null_context.data.fill_(7.0)
    captions = ['a stool !%', 'a round wooden table', 'a round']
    assert conditioner.tokenizer(captions)[0, 3] == 0
    is_null = (conditioner.embed(captions)['context'] == 7.0).all(-1)
    for row, length in zip(is_null, [6, 6, 4], strict=True):  # with begin and end
        assert not row[:length].any()
        assert row[length:].all()


def test_longer_padding_changes_no_caption(tiny_clip):
    """A tower of 24 positions gives the 16 positions of the shorter one, then null."""
    short, longer = TextConditioner(tiny_clip), TextConditioner('tiny-clip-longer')
    state = short.tower.module.state_dict()
    state['positional_embedding'] = torch.cat([state['positional_embedding'], torch.ones(8, 16)])
    longer.tower.module.load_state_dict(state)
    a, b = short.embed(CAPTIONS), longer.embed(CAPTIONS)
    torch.testing.assert_close(a['vector'], b['vector'])
    torch.testing.assert_close(a['context'], b['context'][:, :16])
    assert not b['context'][:, 16:].any()


def test_text_vector_is_the_models_own_text_feature(tiny_clip, tiny_clip_file):
    """Weights are read from the file of the whole model."""
    import open_clip

    clip = open_clip.create_model(tiny_clip, pretrained=tiny_clip_file).eval()
    expected = clip.encode_text(open_clip.get_tokenizer(tiny_clip)(CAPTIONS))
    ours = TextConditioner(tiny_clip, tiny_clip_file).embed(CAPTIONS)['vector']
    torch.testing.assert_close(ours, expected.detach())


def test_checkpoints_hold_no_weights_that_a_file_holds(tiny_clip, tiny_clip_file):
    """A checksum stands for them, and the state loads strictly."""
    conditioner = TextConditioner(tiny_clip, tiny_clip_file)
    state = conditioner.state_dict()
    assert set(state) == {'null_vector', 'null_context', 'tower.fingerprint'}
    TextConditioner(tiny_clip, tiny_clip_file).load_state_dict(state, strict=True)
    assert 'tower.module.token_embedding.weight' in TextConditioner(tiny_clip).state_dict()


def test_text_errors_name_the_remedy(tiny_clip, tmp_path):
    """Missing and wrong files, unknown and unsuitable models, a bare string."""
    missing = str(tmp_path / 'none.pt')
    with pytest.raises(FileNotFoundError, match=r'none\.pt does not exist; .*download_pretrained'):
        TextConditioner(tiny_clip, missing)
    wrong = tmp_path / 'wrong.pt'
    torch.save({'x': torch.zeros(1)}, wrong)
    with pytest.raises(ValueError, match=r"wrong\.pt cannot be read as weights of 'tiny-clip'"):
        TextConditioner(tiny_clip, str(wrong))
    with pytest.raises(ValueError, match=r"no model 'tiny-clap'; near names: .*tiny-clip"):
        TextConditioner('tiny-clap')
    with pytest.raises(ValueError, match='not of CLIP kind'):
        TextConditioner('roberta-ViT-B-32')
    with pytest.raises(TypeError, match='list of strings'):
        TextConditioner(tiny_clip).embed('a chair')


def test_no_file_is_read_on_the_meta_device(tiny_clip):
    """Configs are checked where the weights need not be."""
    with torch.device('meta'):
        conditioner = TextConditioner(tiny_clip, 'none.pt')
    assert all(p.is_meta for p in conditioner.parameters())


def test_the_tower_runs_once_for_each_caption(tiny_clip, monkeypatch):
    """Kept features are the same to the bit, whichever captions came together."""
    conditioner = TextConditioner(tiny_clip)
    seen = []
    tokenize = conditioner.tokenizer.__call__
    monkeypatch.setattr(
        conditioner, '_run', lambda c, run=conditioner._run: seen.extend(c) or run(c)
    )
    first = conditioner.embed(CAPTIONS)
    again = conditioner.embed(CAPTIONS[::-1])
    conditioner.embed(['a chair', CAPTIONS[1]])
    assert seen == [*CAPTIONS[:3], 'a chair']
    alone = TextConditioner(tiny_clip)
    for name, value in first.items():
        assert torch.equal(again[name], value.flip(0))
        assert torch.equal(alone.embed(CAPTIONS[1:2])[name][0], value[1])
    expected = conditioner.tower(tokenize(CAPTIONS))[0]
    torch.testing.assert_close(first['vector'], expected)


def test_few_features_are_kept(tiny_clip):
    """Those longest unused leave; a batch larger than the memory is whole all the same."""
    conditioner = TextConditioner(tiny_clip, cache_size=2)
    whole = TextConditioner(tiny_clip).embed(CAPTIONS)
    for _ in range(2):
        assert torch.equal(conditioner.embed(CAPTIONS)['context'], whole['context'])
    assert list(conditioner._cache) == [CAPTIONS[2], CAPTIONS[3]]
    off = TextConditioner(tiny_clip, cache_size=0)
    assert torch.equal(off.embed(CAPTIONS)['vector'], whole['vector'])
    assert not off._cache


def test_loaded_towers_forget_what_others_said(tiny_clip):
    conditioner, other = TextConditioner(tiny_clip), TextConditioner(tiny_clip)
    before = conditioner.embed(CAPTIONS)['vector']
    torch.nn.init.normal_(other.tower.module.token_embedding.weight)
    conditioner.load_state_dict(other.state_dict())
    assert not torch.equal(conditioner.embed(CAPTIONS)['vector'], before)


def test_prompts_are_checked(tiny_clip):
    """The tokenizer would cut long ones off without a word."""
    conditioner = TextConditioner(tiny_clip)
    assert conditioner.parse(' a chair ') == 'a chair'
    long = 'a chair ' * 8
    for act in (lambda: conditioner.parse(long), lambda: conditioner.embed(['a', long])):
        with pytest.raises(
            ValueError, match=r"18 tokens .*; the limit of 'tiny-clip' is 16; shorten"
        ):
            act()
    with pytest.raises(ValueError, match=r'prompt .* is empty'):
        conditioner.parse('')
    with pytest.raises(ValueError, match=r'captions \[1\] of 2 are empty'):
        conditioner.embed(['a', ' '])
    with pytest.raises(TypeError, match='a prompt is a string, got int 5'):
        conditioner.parse(5)


def test_published_runs_are_found_where_they_were_downloaded(
    tiny_clip, tiny_clip_file, monkeypatch
):
    """By name; an absent one says how to get it, before any training."""
    import open_clip

    place = dict(file=tiny_clip_file)
    monkeypatch.setattr(open_clip, 'list_pretrained_tags_by_model', lambda _: ['our_run'])
    monkeypatch.setattr(open_clip, 'get_pretrained_cfg', lambda *_: place)
    by_name = TextConditioner(tiny_clip, 'our_run').embed(CAPTIONS)
    by_path = TextConditioner(tiny_clip, tiny_clip_file).embed(CAPTIONS)
    assert torch.equal(by_name['vector'], by_path['vector'])
    place['file'] = 'elsewhere.pt'
    with torch.device('meta'):
        conditioner = TextConditioner(tiny_clip, 'our_run')
    with pytest.raises(
        FileNotFoundError, match=r"'our_run' of 'tiny-clip' are not on this machine"
    ):
        conditioner.require_files()
    with pytest.raises(FileNotFoundError, match=r"our_rum does not exist; or name .*'our_run'"):
        TextConditioner(tiny_clip, 'our_rum')


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
