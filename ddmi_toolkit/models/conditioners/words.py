"""Conditions in words, by an encoder that is trained together with the denoiser."""

import difflib
import logging
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from ...layers.sequence import FeedForward, SequenceAttention
from ...registry import MODELS
from .base import AbstractConditioner, Condition
from .captions import check_captions, count_words, parse_prompt, split_words

_PADDING, _UNKNOWN, _FIRST = 0, 1, 2  # rows of the embedding
_BYTES_PER_WORD = 16


@MODELS.register_module()
class WordConditioner(AbstractConditioner):
    """A small transformer over words, trained from scratch: no weights have to be had.

    The context has one token per word, and null embeddings up to ``max_words``, so what a caption
    says does not depend on the other captions of a batch; the vector is the mean of the words.
    ``VocabularyHook`` takes the vocabulary from the captions of the training data when training
    begins. It is a buffer of bytes, so checkpoints know it.

    A word that is not of the vocabulary counts as the unknown word. Out of training a warning
    names it, once, with the most similar words that are.

    Args:
        channels: Channels ``D`` of the vector and of the context.
        depth: Number of transformer layers.
        num_heads: Attention heads; divides ``channels``.
        max_words: Words ``L`` of the longest caption; punctuation marks count as words.
        max_vocabulary: Most words that are told apart; rarer ones are unknown words.
        vocabulary: The words; None leaves them to ``VocabularyHook`` or a checkpoint.
        has_context: Whether the tokens are given, or the vector alone.
        drop_probability: See :class:`AbstractConditioner`.

    Raises:
        ValueError: The heads do not divide the channels, or the vocabulary is too large.
    """

    takes = 'prompt'

    def __init__(
        self,
        channels: int = 128,
        depth: int = 2,
        num_heads: int = 4,
        max_words: int = 64,
        max_vocabulary: int = 1024,
        vocabulary: Sequence[str] | None = None,
        has_context: bool = True,
        drop_probability: float = 0.1,
    ) -> None:
        super().__init__(channels, channels if has_context else None, drop_probability)
        if channels % num_heads or min(depth, max_words, max_vocabulary) < 1:
            raise ValueError(
                f'WordConditioner: num_heads={num_heads} must divide channels={channels}, and '
                f'depth={depth}, max_words={max_words} and max_vocabulary={max_vocabulary} must '
                f'be at least 1'
            )
        self.max_words, self.max_vocabulary = max_words, max_vocabulary
        self.embedding = nn.Embedding(max_vocabulary + _FIRST, channels)
        nn.init.zeros_(self.embedding.weight[_UNKNOWN].detach())  # says nothing until trained
        self.positions = nn.Parameter(torch.empty(max_words, channels).normal_(std=0.1))
        head = channels // num_heads
        self.blocks = nn.ModuleList(
            nn.ModuleList(
                [SequenceAttention(channels, num_heads, head), FeedForward(channels, 4 * channels)]
            )
            for _ in range(depth)
        )
        self.norm = nn.LayerNorm(channels)
        size = _BYTES_PER_WORD * max_vocabulary
        self.register_buffer('vocabulary_bytes', torch.zeros(size, dtype=torch.uint8))
        self._rows: dict[str, int] = {}
        self._reported: set[str] = set()
        if vocabulary is not None:
            self.set_vocabulary(vocabulary)

    @property
    def vocabulary(self) -> list[str]:
        """The known words; empty before training."""
        return list(self._rows)

    def choose_words(self, captions: Iterable[str]) -> list[str]:
        """The vocabulary of captions: their most frequent words.

        Raises:
            ValueError: There are none, or some are longer than ``max_words``.
        """
        captions = sorted(set(captions))
        if not captions:
            raise ValueError('there are no captions to take a vocabulary from')
        lengths = [len(split_words(caption)) for caption in captions]
        if max(lengths) > self.max_words:
            worst = captions[lengths.index(max(lengths))]
            raise ValueError(
                f'{sum(n > self.max_words for n in lengths)} of {len(captions)} captions have '
                f'more than max_words={self.max_words} words, up to {max(lengths)}: '
                f'{worst!r:.80}; raise conditioner.max_words, or let the data set leave them out'
            )
        words, room = [], len(self.vocabulary_bytes)
        for word in count_words(captions)[: self.max_vocabulary]:
            room -= len(word.encode()) + 1
            if room >= 0:
                words.append(word)
        return words

    def set_vocabulary(self, words: Sequence[str]) -> None:
        """Tell these words apart from now on, in their order.

        Raises:
            ValueError: There are none, too many, one is there twice, or one is not one word.
        """
        text = '\n'.join(words).encode()
        wrong = [word for word in words if split_words(word) != [word]]
        if wrong or len(set(words)) != len(words):
            raise ValueError(
                f'a vocabulary has lower-case words, each once and without spaces, digits apart '
                f'from letters; got {wrong or list(words)!r:.80}'
            )
        if not 0 < len(words) <= self.max_vocabulary or len(text) > len(self.vocabulary_bytes):
            raise ValueError(
                f'{len(words)} words of {len(text)} bytes do not fit max_vocabulary='
                f'{self.max_vocabulary} of {len(self.vocabulary_bytes)} bytes; expected 1 to '
                f'{self.max_vocabulary} words'
            )
        self.vocabulary_bytes.zero_()
        if not self.vocabulary_bytes.is_meta:
            content = torch.frombuffer(bytearray(text), dtype=torch.uint8)
            self.vocabulary_bytes[: len(text)] = content.to(self.vocabulary_bytes.device)
        self._rows = {word: _FIRST + i for i, word in enumerate(words)}

    def embed(self, raw: Sequence[str]) -> Condition:
        """Vectors ``(B, D)`` and contexts ``(B, L, D)`` of captions.

        Raises:
            TypeError: Not a list of strings.
            ValueError: A caption is empty or longer than ``max_words``.
            RuntimeError: There is no vocabulary yet.
        """
        rows = [self._rows_of(caption) for caption in check_captions(raw)]
        padded = [[*row, *[_PADDING] * (self.max_words - len(row))] for row in rows]
        ids = torch.tensor(padded, device=self.embedding.weight.device)  # (B, L)
        is_word = ids != _PADDING
        h = self.embedding(ids) + self.positions
        for attention, feed_forward in self.blocks:
            h = feed_forward(attention(h, mask=is_word))
        tokens, is_word = self.norm(h), is_word[..., None]
        vector = (tokens * is_word).sum(1) / is_word.sum(1)
        if self.null_context is None:
            return dict(vector=vector, context=None)
        context = torch.where(is_word, tokens, self.null_context.to(tokens.dtype))
        return dict(vector=vector, context=context)

    def parse(self, value: Any) -> str:
        """A prompt.

        Raises:
            TypeError: Not a string.
            ValueError: It is empty or too long, or none of its words is known.
        """
        prompt = parse_prompt(value)
        if set(self._rows_of(prompt)) == {_UNKNOWN}:
            raise ValueError(
                f'no word of the prompt {prompt!r:.80} is known; the model knows '
                f'{len(self._rows)} words, the most frequent are '
                f'{[word for word in self._rows if word.isalpha()][:24]}'
            )
        return prompt

    def _rows_of(self, caption: str) -> list[int]:
        """Rows of the embedding, one per word."""
        if not self._rows:
            raise RuntimeError(
                "WordConditioner has no vocabulary: add dict(type='VocabularyHook') to "
                'custom_hooks, load a trained checkpoint, or give vocabulary=[...]'
            )
        words = split_words(caption)
        if len(words) > self.max_words:
            raise ValueError(
                f'the caption {caption!r:.80} has {len(words)} words and punctuation marks, the '
                f'limit is max_words={self.max_words}; shorten it'
            )
        if not self.training:
            self._report([word for word in words if word not in self._rows])
        return [self._rows.get(word, _UNKNOWN) for word in words]

    def _report(self, unknown: list[str]) -> None:
        for word in unknown:
            if word in self._reported:
                continue
            self._reported.add(word)
            near = difflib.get_close_matches(word, self._rows, n=4)
            print_log(
                f'the model was trained without the word {word!r}, which says nothing to it; '
                f'{f"near words: {near}" if near else "no known word is similar"}',
                logger='current',
                level=logging.WARNING,
            )

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *args: Any) -> None:
        super()._load_from_state_dict(state_dict, prefix, *args)
        if not self.vocabulary_bytes.is_meta:
            text = bytes(self.vocabulary_bytes.tolist()).rstrip(b'\0').decode()
            self._rows = {word: _FIRST + i for i, word in enumerate(text.split('\n')) if word}
