"""Networks of open-clip, whole, with random weights or those of a file."""

import difflib

import torch
from torch import nn

from .clip_weights import find_clip_weights
from .frozen import fixed_initialization, is_meta


def create_clip(model: str, pretrained: str | None) -> nn.Module:
    """A model of open-clip with its towers apart, ``text`` and ``visual``.

    Args:
        model: Name in open-clip, e.g. ``'ViT-B-32'``.
        pretrained: See :func:`find_clip_weights`; None draws random weights, the same in every
            process. No file is read on the meta device.

    Raises:
        FileNotFoundError: The weights are not on this machine.
        ValueError: An unknown model, or the file holds other weights.
    """
    import open_clip

    if open_clip.get_model_config(model) is None:
        near = difflib.get_close_matches(model, open_clip.list_models(), n=4, cutoff=0.4)
        raise ValueError(f'open_clip has no model {model!r}; near names: {near}')
    path, is_quick = None, False
    if pretrained is not None and not is_meta():
        path, is_quick = find_clip_weights(model, pretrained)
    try:
        with fixed_initialization():
            return open_clip.create_model(
                model,
                pretrained=None if path is None else str(path),
                force_custom_text=True,
                force_quick_gelu=is_quick,
                device=torch.get_default_device(),
            )
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(f'{path} cannot be read as weights of {model!r}: {reason}') from error
