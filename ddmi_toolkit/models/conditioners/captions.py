"""Captions as conditions: what is one, and the words that it is made of."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?|\d+|\S")


def split_words(caption: str) -> list[str]:
    """Lower-case words, numbers and single punctuation marks of a caption, in its order.

    ``"A 3-legged stool, isn't it"`` is ``a 3 - legged stool , isn't it``.
    """
    return _WORD.findall(caption.lower())


def count_words(captions: Iterable[str]) -> list[str]:
    """All words of captions, the most frequent first and equally frequent ones by alphabet."""
    counts = Counter(word for caption in captions for word in split_words(caption))
    return sorted(counts, key=lambda word: (-counts[word], word))


def check_captions(raw: Any) -> list[str]:
    """The captions of a batch.

    Raises:
        TypeError: Not a list of strings.
        ValueError: One of them says nothing.
    """
    is_list = isinstance(raw, Iterable) and not isinstance(raw, str)
    captions = list(raw) if is_list else [raw]
    if not is_list or not all(isinstance(caption, str) for caption in captions):
        raise TypeError(f'captions must be a list of strings, got {raw!r:.80}')
    empty = [i for i, caption in enumerate(captions) if not caption.strip()]
    if empty:
        raise ValueError(
            f'captions {empty[:8]} of {len(captions)} are empty; say something, or give '
            f'cond=None for samples without a condition'
        )
    return captions


def parse_prompt(value: Any) -> str:
    """A caption that somebody typed, without the space around it.

    Raises:
        TypeError: Not a string.
        ValueError: It says nothing.
    """
    if not isinstance(value, str):
        raise TypeError(f'a prompt is a string, got {type(value).__name__} {value!r:.80}')
    if not value.strip():
        raise ValueError(
            f'the prompt {value!r} is empty; say what to generate, or give no prompt for samples '
            f'without a condition'
        )
    return value.strip()
