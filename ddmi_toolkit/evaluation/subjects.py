"""What sets are made of: how a sample shows it, and how a data set's item holds the true one."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from ..structures import as_size, to_uint8
from .pixels import RESIZE, as_extent, original, shown_at, shrink, true_at
from .protocol import Protocol


class AbstractSubject(ABC):
    """One kind of thing whose features are compared.

    Attributes:
        plural: What they are called in messages.
        size: ``(rows, columns)``, or ``(frames, rows, columns)``.
        truth: Where a data set's item has the true ones.
    """

    plural: str
    size: tuple[int, ...]
    truth: str

    @abstractmethod
    def shown(self, sample: Mapping[str, Any]) -> Tensor:
        """What a sample shows, ``(V, 3, *size)`` uint8.

        Raises:
            ValueError: It does not show what it should.
        """

    @abstractmethod
    def true(self, item: Mapping[str, Any], what: str) -> Tensor:
        """What an item of the references holds, ``(V, 3, *size)`` uint8.

        Args:
            item: Of a data set.
            what: The item's name, for messages.

        Raises:
            ValueError: It is missing, or has another shape or too few pixels.
        """

    def sample_of(self, members: Tensor) -> dict[str, Tensor]:
        """A sample that shows an item's members, as a model that reproduces it would."""
        return dict(pred=members[0].movedim(0, -1).float() / 127.5 - 1)

    def protocol(self) -> Protocol:
        """How both are brought to 8 bits of one size."""
        return dict(
            size=self.size,
            fake_transform='clamped to [-1, 1], rounded to 8 bit',
            reference_transform=f'{self.truth} of that pipeline; {RESIZE}; rounded to 8 bit',
        )


class Pictures(AbstractSubject):
    """One picture per sample; the true one is ``meta['image']``, ``(H, W, 3)`` in [-1, 1].

    Args:
        size: Pixels of both sides: a number, or ``(rows, columns)``.
        cell: As ``Field.render``.

    Raises:
        ValueError: Another size.
    """

    plural, truth = 'pictures', "meta['image']"

    def __init__(self, size: int | Sequence[int], cell: float | None = None) -> None:
        self.size, self.cell = as_size(size), cell

    def shown(self, sample: Mapping[str, Any]) -> Tensor:
        """The field rendered, else ``pred``."""
        return _planes(shown_at(sample, self.size, self.cell)[None])

    def true(self, item: Mapping[str, Any], what: str) -> Tensor:
        """The original, made smaller."""
        image = original(item.get('meta'), 'image', what)
        _require_colors(image, '(H, W, 3)', what, self.truth)
        return _planes(true_at(image.float(), self.size, what)[None])

    def protocol(self) -> Protocol:
        """Also the box that is averaged."""
        return dict(super().protocol(), cell=self.cell)


class Clips(AbstractSubject):
    """One clip per sample; the true one is ``meta['clip']``, ``(T, H, W, 3)`` in [-1, 1].

    Args:
        size: ``(frames, rows, columns)``.

    Raises:
        ValueError: Another size.
    """

    plural, truth = 'clips', "meta['clip']"

    def __init__(self, size: Sequence[int]) -> None:
        self.size = as_extent(size)
        if len(self.size) != 3:
            raise ValueError(f'size={size!r} of clips must be (frames, rows, columns)')

    def shown(self, sample: Mapping[str, Any]) -> Tensor:
        """The field rendered, else ``pred``."""
        return _planes(shown_at(sample, self.size)[None])

    def true(self, item: Mapping[str, Any], what: str) -> Tensor:
        """The original, made smaller."""
        clip = original(item.get('meta'), 'clip', what)
        _require_colors(clip, '(T, H, W, 3)', what, self.truth)
        return _planes(true_at(clip.float(), self.size, what)[None])


class Views(AbstractSubject):
    """Every view of a scene is a picture: ``pred`` of a sample, ``target`` of an item.

    Both are ``(V, h, w, 3)`` in [-1, 1].

    Args:
        size: Pixels of both sides: a number, or ``(rows, columns)``; what is larger is reduced.

    Raises:
        ValueError: Another size.
    """

    plural, truth = 'views', 'target'

    def __init__(self, size: int | Sequence[int]) -> None:
        self.size = as_size(size)

    def shown(self, sample: Mapping[str, Any]) -> Tensor:
        """Renderings of the query's cameras."""
        views = sample.get('pred')
        if views is None:
            raise ValueError(
                "a sample has no 'pred', the rendered views; give the data set of the test loop a "
                'query with the origins and dirs of cameras'
            )
        return self._reduced(views, 'a sample', 'pred')

    def true(self, item: Mapping[str, Any], what: str) -> Tensor:
        """Given views, made smaller."""
        views = item.get('target')
        if views is None:
            raise ValueError(
                f"{what} has no 'target' (it has {sorted(item)}), the true views; let its "
                f'pipeline give whole views'
            )
        return self._reduced(views, what, 'target')

    def sample_of(self, members: Tensor) -> dict[str, Tensor]:
        """All views are one sample's."""
        return dict(pred=members.movedim(1, -1).float() / 127.5 - 1)

    def protocol(self) -> Protocol:
        """Larger renderings are reduced as true views are."""
        return dict(super().protocol(), fake_transform=f'clamped to [-1, 1]; {RESIZE}; 8 bit')

    def _reduced(self, views: Tensor, what: str, name: str) -> Tensor:
        _require_colors(views, '(V, h, w, 3)', what, name)
        return _planes(shrink(views.float().clamp(-1, 1), self.size, what))


def _planes(values: Tensor) -> Tensor:
    """Values ``(V, *size, 3)`` in 8 bits, channels first."""
    return to_uint8(values).movedim(-1, 1)


def _require_colors(values: Tensor, expected: str, what: str, name: str) -> None:
    if values.ndim != expected.count(',') + 1 or values.shape[-1] != 3 or not len(values):
        raise ValueError(f'{what}: {name} has shape {tuple(values.shape)}, expected {expected}')
