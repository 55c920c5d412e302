"""Weights of open-clip models: files by path or by the name of a published training run."""

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .frozen import require_file

_HUB_FILES = ('open_clip_model.safetensors', 'open_clip_pytorch_model.bin')


def find_clip_weights(model: str, pretrained: str) -> tuple[Path, bool]:
    """The file of an open-clip model's weights; nothing is downloaded.

    Args:
        model: Name of the model, e.g. ``'ViT-B-32'``.
        pretrained: A file, or open-clip's tag of a training run, e.g. ``'laion2b_s34b_b79k'``,
            whose file is looked for where open-clip keeps downloads.

    Returns:
        The file, and whether the run used the approximate GELU of OpenAI's models.

    Raises:
        FileNotFoundError: It is not on this machine; the message says how to get it.
    """
    import open_clip

    tags = open_clip.list_pretrained_tags_by_model(model)
    if pretrained not in tags:
        near = difflib.get_close_matches(pretrained, tags, n=4) or tags[:4]
        return require_file(pretrained, _remedy(model, near[0] if near else 'TAG', near)), False
    cfg = open_clip.get_pretrained_cfg(model, pretrained)
    for path in _places(cfg):
        if path.is_file():
            return path, bool(cfg.get('quick_gelu'))
    raise FileNotFoundError(
        f'the weights {pretrained!r} of {model!r} are not on this machine; '
        f'{_remedy(model, pretrained, ())}'
    )


def _remedy(model: str, tag: str, near: Any) -> str:
    known = f'or name a run of open-clip such as {list(near)}; ' if near else ''
    return (
        f'{known}run this where there is a network: python -c "import open_clip as o; '
        f"print(o.download_pretrained(o.get_pretrained_cfg('{model}', '{tag}')))\" and give the "
        f'file that it prints, copied to this machine, as pretrained=...'
    )


def _places(cfg: dict[str, Any]) -> Iterator[Path]:
    """Where open-clip and the hub's client put the file."""
    if cfg.get('file'):
        yield Path(cfg['file'])
    if cfg.get('url'):
        yield Path('~/.cache/clip').expanduser() / cfg['url'].rsplit('/', 1)[-1]
    if cfg.get('hf_hub'):
        from huggingface_hub import try_to_load_from_cache

        repo, _, name = cfg['hf_hub'].rpartition('/')
        for file in [name] if name else _HUB_FILES:
            if isinstance(path := try_to_load_from_cache(repo, file), str):
                yield Path(path)
