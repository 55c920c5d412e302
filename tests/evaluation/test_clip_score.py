"""CLIP score: formulas from known cosines, views of fields, a real model with random weights."""

import json

import numpy as np
import pytest
import torch

from ddmi_toolkit.evaluation import AbstractTextImageExtractor, ClipScore, PixelExtractor
from ddmi_toolkit.evaluation.field_views import FieldViews
from ddmi_toolkit.registry import MODELS


class _KnownCosines(AbstractTextImageExtractor):
    """Pictures embed as (share of dark pixels, rest); sentences at an angle that they state."""

    name, num_features, checksum = 'known', 2, 'none'

    def extract(self, images):
        dark = (images.float().mean((1, 2, 3)) < 255).float()
        return 3 * torch.stack([dark, 1 - dark], dim=1)  # length does not matter

    def embed_texts(self, texts):
        angles = [np.deg2rad(float(text.split()[-1])) for text in texts]
        led = [0.5 if text.startswith('A photo depicts ') else 7.0 for text in texts]
        return torch.tensor(
            [[s * np.cos(a), s * np.sin(a)] for a, s in zip(angles, led, strict=True)]
        )


def score(**options):
    """With known cosines and small views."""
    views = dict(azimuths=(0.0, 90.0), size=8, resolution=16)
    return ClipScore(**{**dict(extractor=_KnownCosines(), views=views), **options})


def test_formulas_from_known_cosines(ball_field):
    """A ball is dark: its cosine with a sentence is that of the angle."""
    metric = score()
    samples = [dict(field=ball_field(), seed=i) for i in range(2)]
    metric.process(dict(cond=['angle 60', 'angle 180']), samples)
    found = metric.evaluate(2)
    assert found['clip_score/clip_s'] == pytest.approx(2.5 * (0.5 + 0) / 2, abs=1e-6)
    assert found['clip_score/cosine'] == pytest.approx(100 * (0.5 - 1) / 2, abs=1e-4)
    # Two captions: the other one of each.
    assert found['clip_score/cosine_of_others'] == pytest.approx(100 * (0.5 - 1) / 2, abs=1e-4)


def test_captions_of_others_are_the_next_ones(ball_field):
    """Three conditions, each with the caption of the following one; one caption has no others."""
    metric = score()
    captions = ['angle 0', 'angle 60', 'angle 90']
    samples = [dict(field=ball_field(), seed=i) for i in range(3)]
    metric.process(dict(cond=captions), samples)
    found = metric.evaluate(3)
    assert found['clip_score/cosine_of_others'] == pytest.approx(100 * 1.5 / 3, abs=1e-4)
    alone = score()
    alone.process(dict(cond=captions[:1]), samples[:1])
    assert 'clip_score/cosine_of_others' not in alone.evaluate(1)


def test_order_does_not_matter(ball_field):
    """Values and protocol follow the seeds."""
    samples = [dict(field=ball_field(r), seed=i) for i, r in enumerate((0.3, -1.0, 0.4))]
    captions, found = ['angle 0', 'angle 30', 'angle 80'], []
    for order in ([0, 1, 2], [2, 0, 1]):
        metric = score()
        for i in order:
            metric.process(dict(meta=dict(caption=[captions[i]]), cond=[captions[i]]), [samples[i]])
        found.append((metric.evaluate(3), metric.protocol()))
    assert found[0] == found[1]


def test_the_protocol_tells_all_that_numbers_depend_on(ball_field):
    """Formulas, network, weights, views and captions."""
    metric = score(captions='caption')
    metric.process(dict(meta=dict(caption=['angle 0'])), [dict(field=ball_field(), seed=5)])
    metric.evaluate(1)
    found = metric.protocol()['clip_score']
    assert found['formulas']['clip_s'].startswith("2.5 * max(cos, 0), caption as 'A photo depicts")
    assert found['formulas']['cosine'].startswith('100 * cos')
    assert found['views'] == 'azimuths [0.0, 90.0] at elevation 25 degrees'
    expected = dict(
        extractor='known', checksum='none', view_size=8, mesh_resolution=16, num_captions=1,
        seeds='5-5',
    )  # fmt: skip
    assert {k: found[k] for k in expected} == expected


def test_views_show_a_surface_on_white(ball_field):
    """White behind, something in the middle; nothing of an empty field."""
    views = FieldViews(azimuths=(0.0, 90.0), size=16, resolution=16)
    pictures = views(ball_field(0.3))
    assert pictures.shape == (2, 3, 16, 16)
    assert pictures.dtype == torch.uint8
    assert (pictures[:, :, 0, 0] == 255).all()  # white background
    assert (pictures[:, :, 8, 8] < 255).any()
    assert (views(ball_field(-1.0)) == 255).all()


def test_pictures_are_themselves(wave_field):
    """A color picture is looked at as it is, once."""
    pictures = FieldViews(size=16)(wave_field())
    assert pictures.shape == (1, 3, 16, 16)
    values = wave_field().render((16, 16))[0].movedim(-1, 0)
    assert torch.allclose(pictures[0] / 127.5 - 1, values, atol=0.005)


def test_clips_are_not_looked_at(clip_field):
    """The message names what is."""
    with pytest.raises(ValueError, match='a clip with 3 channels is not looked at'):
        FieldViews()(clip_field())


@pytest.fixture(scope='module')
def tiny_pair(tmp_path_factory) -> str:
    """Name of a CLIP model of two layers."""
    import open_clip

    folder = tmp_path_factory.mktemp('open_clip')
    vision = dict(image_size=16, layers=1, width=16, head_width=8, patch_size=8)
    text = dict(context_length=77, vocab_size=49408, width=16, heads=2, layers=1)
    config = dict(embed_dim=8, vision_cfg=vision, text_cfg=text)
    (folder / 'tiny-pair.json').write_text(json.dumps(config))
    open_clip.add_model_config(folder)
    return 'tiny-pair'


def test_a_real_model_with_random_weights(ball_field, tiny_pair):
    """Its towers embed into one space; equal pictures and sentences score the same."""
    extractor = MODELS.build(dict(type='ClipPairExtractor', model=tiny_pair))
    images = torch.randint(0, 256, (2, 3, 20, 20), dtype=torch.uint8)
    texts = extractor.embed_texts(['a chair', 'a table', 'a chair'])
    assert texts.shape == (3, extractor.num_features)
    assert torch.allclose(texts[0], texts[2], atol=1e-5)
    assert not torch.allclose(texts[0], texts[1], atol=1e-3)
    cosines = extractor.cosines(images, 'a chair')
    by_hand = torch.nn.functional.cosine_similarity(extractor(images), texts[:1])
    assert torch.allclose(cosines, by_hand, atol=1e-5)
    metric = score(extractor=extractor)
    metric.process(dict(cond=['a chair']), [dict(field=ball_field(), seed=0)])
    assert abs(metric.evaluate(1)['clip_score/cosine']) <= 100
    assert 'random' in metric.protocol()['clip_score']['extractor']


def test_missing_weights_say_how_to_get_them():
    """Before anything is generated."""
    extractor = dict(type='ClipPairExtractor', model='ViT-B-32', pretrained='nowhere.pt')
    with pytest.raises(FileNotFoundError, match=r'nowhere.pt.*open_clip'):
        ClipScore(extractor)


def test_an_extractor_of_pictures_alone_is_refused():
    """It cannot embed sentences."""
    with pytest.raises(TypeError, match='expected AbstractTextImageExtractor'):
        ClipScore(dict(type='PixelExtractor'))
    assert PixelExtractor().num_features


def test_what_is_no_caption_is_named(ball_field):
    """Labels, nothing, and no field."""
    sample = [dict(field=ball_field(), seed=0)]
    with pytest.raises(ValueError, match="condition '3' is no caption"):
        score().process(dict(cond=torch.tensor([3])), sample)
    with pytest.raises(ValueError, match=r"no meta\['caption'\]"):
        score(captions='caption').process(dict(cond=['a']), sample)
    with pytest.raises(ValueError, match='ClipScore looks at fields'):
        score().process(dict(cond=['a']), [dict(pred=0)])


@pytest.mark.parametrize('views', [dict(azimuths=()), dict(size=0), dict(threshold=2.0)])
def test_bad_views_are_named(views):
    """Before anything is generated."""
    with pytest.raises(ValueError, match=next(iter(views))):
        score(views=views)
