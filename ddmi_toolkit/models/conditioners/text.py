"""Conditions in words."""

import difflib
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ...layers.frozen import Frozen, fixed_initialization, is_meta, require_file, warn_random
from ...registry import MODELS
from .base import AbstractConditioner, Condition


@MODELS.register_module()
class TextConditioner(AbstractConditioner):
    """Frozen text tower of an open-clip model: its pooled vector and one context token per word.

    Positions after the end of a caption hold the null embedding, so what a caption says does not
    depend on how far the tokenizer pads.

    Checkpoints hold the tower when it is random. When it comes from a file they hold its
    checksum in its place (hundreds of MB less), and loading them with another file fails.

    Args:
        model: Name of an open-clip model with a text tower of open-clip's own, e.g.
            ``'ViT-B-32'`` (vector and context of 512 channels, 77 tokens).
        pretrained: File of its weights; None draws random ones, the same in every process, with
            a warning in the log.
        has_context: Whether the tokens are given, or the pooled vector alone.
        drop_probability: See :class:`AbstractConditioner`.

    Raises:
        FileNotFoundError: The weights file does not exist.
        ValueError: An unknown or unsuitable model, or the file holds other weights.
    """

    def __init__(
        self,
        model: str,
        pretrained: str | None = None,
        has_context: bool = True,
        drop_probability: float = 0.1,
    ) -> None:
        import open_clip

        tower = _text_tower(model, pretrained)
        context_channels = tower.width if has_context else None
        super().__init__(tower.output_dim or tower.width, context_channels, drop_probability)
        self.tower = Frozen(tower, keep='weights' if pretrained is None else 'fingerprint')
        self.tokenizer = open_clip.get_tokenizer(model)

    def embed(self, raw: Sequence[str]) -> Condition:
        """Vectors ``(B, D)`` and contexts ``(B, L, W)`` of captions.

        Raises:
            TypeError: Not a list of strings.
        """
        if isinstance(raw, str) or not all(isinstance(caption, str) for caption in raw):
            raise TypeError(f'captions must be a list of strings, got {raw!r:.80}')
        tokens = self.tokenizer(list(raw)).to(self.null_vector.device)  # (B, L)
        with torch.no_grad():
            vector, context = self.tower(tokens)
        if self.null_context is None:
            return dict(vector=vector, context=None)
        says = self._is_caption(tokens)[..., None]
        return dict(
            vector=vector, context=torch.where(says, context, self.null_context.to(context.dtype))
        )

    def _is_caption(self, tokens: Tensor) -> Tensor:
        """Positions up to the end-of-text token, which has the largest id, ``(B, L)`` bool.

        Ids cannot tell: the padding's, 0, is also that of an exclamation mark
        within a longer word.
        """
        end = tokens.argmax(dim=1, keepdim=True)
        return torch.arange(tokens.shape[1], device=tokens.device) <= end


def _text_tower(model: str, pretrained: str | None) -> nn.Module:
    """Text tower that returns ``(pooled (B, D), tokens (B, L, W))``."""
    import open_clip

    text = (open_clip.get_model_config(model) or {}).get('text_cfg')
    if text is None:
        near = difflib.get_close_matches(model, open_clip.list_models(), n=4, cutoff=0.4)
        raise ValueError(f'open_clip has no model {model!r}; near names: {near}')
    if 'hf_tokenizer_name' in text or text.get('pool_type', 'argmax') != 'argmax':
        raise ValueError(
            f'the text tower of {model!r} is not of CLIP kind (own tokenizer, pooled at the end '
            f"of text); choose one such as 'ViT-B-32' or 'ViT-L-14'"
        )
    path = None
    if pretrained is None:
        warn_random('text condition', model)
    elif not is_meta():
        tags = open_clip.list_pretrained_tags_by_model(model)[:4]
        path = require_file(
            pretrained,
            f'open_clip.download_pretrained(open_clip.get_pretrained_cfg({model!r}, TAG)) with a '
            f'TAG such as {tags} fetches one and returns its path',
        )
    try:
        with fixed_initialization():
            clip = open_clip.create_model(
                model,
                pretrained=None if path is None else str(path),
                force_custom_text=True,
                device=torch.get_default_device(),
            )
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(f'{path} cannot be read as weights of {model!r}: {reason}') from error
    clip.text.output_tokens = True
    return clip.text
