"""How well rendered views of generated scenes match views of real ones."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..registry import METRICS, MODELS
from .extractor_roles import AbstractExtractor
from .protocol import Protocol
from .reference_set import ReferenceSet
from .set_quality import AbstractSetQuality
from .set_values import NEAREST, SetValues
from .subjects import Views

VALUES = ('fid', 'kid', *NEAREST)


@METRICS.register_module()
class ViewQuality(AbstractSetQuality):
    """FID and the other values of :class:`GenerativeQuality`, of renderings of radiance fields.

    Every view is a picture: those that the model rendered for the cameras of the test loop's
    query, ``pred (V, h, w, 3)``, against the ``target (V, h, w, 3)`` of the reference's items.
    The cameras of both should be the same, or drawn in the same way, for viewpoints count.

    Args:
        reference: Config of a data set whose items have whole views as ``target``, as many each.
        size: Pixels of both sides: a number, or ``(rows, columns)``; larger views are reduced.
        extractor: Config of an :class:`AbstractExtractor`; None is that of FID.
        values: Of :data:`VALUES`.
        num_references: Use the first items only; None is all.
        kid_subset_size: Views in a subset of KID; smaller sets make one of their own size.
        batch_size: Views per forward pass of the extractor.
        cache_dir: Where reference features are kept; None does not keep them.
        prefix: Replaces ``'views'`` in the names of the values.

    Raises:
        FileNotFoundError: The extractor's weights are absent; the message says what to get.
        ValueError: An argument is unknown or out of its range, or the reference set is empty or
            its views are missing or too small.
    """

    default_prefix = 'views'

    def __init__(
        self,
        reference: Mapping[str, Any],
        size: int | Sequence[int],
        extractor: Mapping[str, Any] | AbstractExtractor | None = None,
        values: Sequence[str] = VALUES,
        num_references: int | None = None,
        kid_subset_size: int = 1000,
        batch_size: int = 32,
        cache_dir: str | None = 'work_dirs/reference_features',
        prefix: str | None = None,
    ) -> None:
        wanted = SetValues(tuple(values), VALUES, 'views', kid_subset_size)
        subject = Views(size)
        extractor = dict(type='InceptionExtractor') if extractor is None else extractor
        extractor = MODELS.build(extractor, role=AbstractExtractor)
        references = ReferenceSet(
            reference,
            subject,
            extractor,
            num_items=num_references,
            batch_size=batch_size,
            cache_dir=cache_dir,
        )
        super().__init__(subject, references, extractor, wanted, batch_size, prefix)

    def protocol(self) -> dict[str, Protocol]:
        """Also how many views a scene has in the references."""
        ((prefix, fields),) = super().protocol().items()
        per_item = self.reference.num_members // self.reference.num_items
        return {prefix: dict(fields, views_per_reference=per_item)}
