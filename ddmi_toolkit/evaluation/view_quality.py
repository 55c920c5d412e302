"""How well rendered views of generated scenes match views of real ones."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from ..registry import METRICS
from .extractor_roles import AbstractExtractor
from .protocol import Protocol, digest
from .set_quality import AbstractSetQuality
from .set_values import NEAREST, SetValues
from .subjects import Views

VALUES = ('fid', 'kid', *NEAREST)
PRECISION = 10_000  # of rays that are told apart, per unit: machines round differently


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
    EXTRACTOR = AbstractExtractor, 'InceptionExtractor'

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
        super().__init__(
            subject,
            wanted,
            reference=reference,
            extractor=extractor,
            num_references=num_references,
            batch_size=batch_size,
            cache_dir=cache_dir,
            prefix=prefix,
        )
        self._cameras = ''

    def process(self, data_batch: Mapping[str, Any] | None, data_samples: Sequence[dict]) -> None:
        """Keep the features of each view, and what the first ones were seen by."""
        super().process(data_batch, data_samples)
        query = (data_batch or {}).get('query') or {}
        if not self._cameras and {'origins', 'dirs'} <= set(query):
            rays = torch.cat([query['origins'][0], query['dirs'][0]], dim=-1)
            self._cameras = digest((rays * PRECISION).round().long().cpu().numpy())

    def protocol(self) -> dict[str, Protocol]:
        """Also the cameras, and how many views a scene has in the references."""
        ((prefix, fields),) = super().protocol().items()
        per_item = self.reference.num_members // self.reference.num_items
        return {prefix: dict(fields, views_per_reference=per_item, cameras=self._cameras)}
