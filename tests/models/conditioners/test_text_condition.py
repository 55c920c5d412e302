"""Captions under a frozen text tower: padding, kept features, weights that are absent."""

import pytest
import torch

from ddmi_toolkit.models.conditioners import TextConditioner

CAPTIONS = ['a chair with four legs', 'a round table', 'a stool!', 'a chair with four legs']


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
