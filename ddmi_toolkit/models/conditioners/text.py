"""Conditions in words, by a text tower that was trained elsewhere."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ...layers.clip_towers import create_clip
from ...layers.clip_weights import find_clip_weights
from ...layers.frozen import Frozen, warn_random
from ...registry import MODELS
from .base import AbstractConditioner, Condition
from .captions import check_captions, parse_prompt

_ROWS = 8  # captions of one pass of the tower, whose values so depend on no other caption


@MODELS.register_module()
class TextConditioner(AbstractConditioner):
    """Frozen text tower of an open-clip model: its pooled vector and one context token per word.

    Positions after the end of a caption hold the null embedding, so what a caption says does not
    depend on how far the tokenizer pads. The tower runs once for each caption: features are kept
    in the main memory, as many as ``cache_size``, those longest unused leaving first.

    Checkpoints hold the tower when it is random. When it comes from a file they hold its
    checksum in its place (hundreds of MB less), and loading them with another file fails.

    Args:
        model: Name of an open-clip model with a text tower of open-clip's own, e.g.
            ``'ViT-B-32'`` (vector and context of 512 channels, 77 tokens).
        pretrained: File of its weights, or open-clip's name of a training run, e.g.
            ``'laion2b_s34b_b79k'``, whose file has been downloaded; None draws random ones, the
            same in every process, with a warning in the log.
        has_context: Whether the tokens are given, or the pooled vector alone.
        drop_probability: See :class:`AbstractConditioner`.
        cache_size: Captions whose features are kept, per process (30 KB each for 15 words of 512
            channels).

    Raises:
        FileNotFoundError: The weights are not on this machine.
        ValueError: An unknown or unsuitable model, or the file holds other weights.
    """

    takes = 'prompt'

    def __init__(
        self,
        model: str,
        pretrained: str | None = None,
        has_context: bool = True,
        drop_probability: float = 0.1,
        cache_size: int = 8192,
    ) -> None:
        import open_clip

        tower = _text_tower(model, pretrained)
        context_channels = tower.width if has_context else None
        super().__init__(tower.output_dim or tower.width, context_channels, drop_probability)
        self.tower = Frozen(tower, keep='weights' if pretrained is None else 'fingerprint')
        self.tokenizer = open_clip.get_tokenizer(model)
        self.model, self.pretrained = model, pretrained
        self.cache_size = cache_size
        self._cache: OrderedDict[str, tuple[Tensor, Tensor]] = OrderedDict()

    @property
    def max_tokens(self) -> int:
        """Tokens of the longest caption, its begin and end included."""
        return self.tokenizer.context_length

    def require_files(self) -> None:
        """Find the weights without reading them.

        Raises:
            FileNotFoundError: They are not on this machine.
        """
        if self.pretrained is not None:
            find_clip_weights(self.model, self.pretrained)

    def embed(self, raw: Sequence[str]) -> Condition:
        """Vectors ``(B, D)`` and contexts ``(B, L, W)`` of captions.

        Raises:
            TypeError: Not a list of strings.
            ValueError: A caption is empty or too long.
        """
        features = self._features(check_captions(raw))
        like = self.null_vector
        vector = torch.stack([vector for vector, _ in features]).to(like)
        if self.null_context is None:
            return dict(vector=vector, context=None)
        padded = [nn.functional.pad(c, (0, 0, 0, self.max_tokens - len(c))) for _, c in features]
        lengths = torch.tensor([len(c) for _, c in features], device=like.device)
        says = torch.arange(self.max_tokens, device=like.device) < lengths[:, None]  # (B, L)
        context = torch.stack(padded).to(like)
        return dict(vector=vector, context=torch.where(says[..., None], context, self.null_context))

    def parse(self, value: Any) -> str:
        """A prompt.

        Raises:
            TypeError: Not a string.
            ValueError: It is empty or too long.
        """
        prompt = parse_prompt(value)
        self.require_short([prompt])
        return prompt

    def require_short(self, captions: Iterable[str]) -> None:
        """Check that captions fit the tower, which would cut them off.

        Raises:
            ValueError: One does not; the message names it, its length and the limit.
        """
        captions = list(dict.fromkeys(captions))
        lengths = [len(self.tokenizer.encode(caption)) + 2 for caption in captions]
        num_long = sum(length > self.max_tokens for length in lengths)
        if num_long:
            longest = max(range(len(captions)), key=lengths.__getitem__)
            others = '' if num_long == 1 else f', as {num_long - 1} others are too long'
            raise ValueError(
                f'the caption {captions[longest]!r:.80} has {lengths[longest]} tokens with begin '
                f'and end{others}; the limit of {self.model!r} is {self.max_tokens}; shorten it, '
                f'or let the data set leave out long captions (its max_words)'
            )

    def _features(self, captions: list[str]) -> list[tuple[Tensor, Tensor]]:
        """Vector ``(D,)`` and context ``(L', W)`` of each caption, of its own length, in memory."""
        found = {c: self._cache[c] for c in captions if c in self._cache}
        missing = [c for c in dict.fromkeys(captions) if c not in found]
        self.require_short(missing)
        for start in range(0, len(missing), _ROWS):
            part = missing[start : start + _ROWS]
            found |= dict(zip(part, self._run(part), strict=True))
        for caption in captions:
            self._cache[caption] = found[caption]
            self._cache.move_to_end(caption)
        while len(self._cache) > self.cache_size:
            self._cache.popitem(last=False)
        return [found[caption] for caption in captions]

    @torch.no_grad()
    def _run(self, captions: list[str]) -> list[tuple[Tensor, Tensor]]:
        device = self.null_vector.device
        rows = [*captions, *[captions[0]] * (_ROWS - len(captions))]
        tokens = self.tokenizer(rows).to(device)  # (8, L)
        with torch.autocast(device.type, enabled=False):
            vectors, contexts = self.tower(tokens)
        # The end has the largest id. Ids cannot tell padding: its, 0, is also that of an
        # exclamation mark within a longer word.
        lengths = (tokens.argmax(dim=1) + 1).tolist()
        keep = self.null_context is not None
        pairs = zip(vectors.cpu(), contexts.cpu(), lengths, strict=True)
        return [(v.clone(), c[: n * keep].clone()) for v, c, n in list(pairs)[: len(captions)]]

    def _load_from_state_dict(self, *args: Any) -> None:
        self._cache.clear()  # a random tower is about to change
        super()._load_from_state_dict(*args)


def _text_tower(model: str, pretrained: str | None) -> nn.Module:
    """Text tower that returns ``(pooled (B, D), tokens (B, L, W))``."""
    import open_clip

    text = (open_clip.get_model_config(model) or {}).get('text_cfg') or {}
    if 'hf_tokenizer_name' in text or text.get('pool_type', 'argmax') != 'argmax':
        raise ValueError(
            f'the text tower of {model!r} is not of CLIP kind (own tokenizer, pooled at the end '
            f"of text); choose one such as 'ViT-B-32' or 'ViT-L-14'"
        )
    tower = create_clip(model, pretrained).text
    if pretrained is None:
        warn_random('text condition', model)
    tower.output_tokens = True
    return tower
