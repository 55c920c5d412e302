"""A text tower small enough for tests."""

import json

import pytest
import torch

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
