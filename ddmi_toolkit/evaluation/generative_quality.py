"""How well a set of generated (or reconstructed) pictures matches a set of real ones."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..registry import METRICS
from .extractor_roles import AbstractExtractor
from .set_quality import AbstractSetQuality
from .set_values import NEAREST, SetValues
from .subjects import Pictures

VALUES = ('fid', 'kid', *NEAREST)


@METRICS.register_module()
class GenerativeQuality(AbstractSetQuality):
    """FID, KID, precision, recall, density and coverage of pictures against a reference set.

    Renders the ``field`` of every sample at ``size`` (or takes its ``pred`` of that size),
    rounds it to 8 bit and compares the set of features with that of the true pictures. With the
    published Inception weights the values have their plain names; with any other extractor its
    name stands in them: ``fid_timm_resnet50``. On reconstructions this is r-FID; give it
    ``prefix='reconstruction'``.

    Args:
        reference: Config of a data set whose items have ``meta['image']``.
        size: Pixels of both sides: a number, or ``(rows, columns)``.
        extractor: Config of an :class:`AbstractExtractor`; None is that of FID.
        values: Of :data:`VALUES`.
        cell: Side, in pixels, of the box over which a field is averaged; None is point samples.
        num_references: Use the first ones only; None is all.
        kid_subset_size: Pictures in a subset of KID; smaller sets make one of their own size.
        batch_size: Pictures per forward pass of the extractor.
        cache_dir: Where reference features are kept; None does not keep them.
        prefix: Replaces ``'generation'`` in the names of the values.

    Raises:
        FileNotFoundError: The extractor's weights are absent; the message says what to get.
        ValueError: An argument is unknown or out of its range, or the reference set is empty or
            its pictures are missing or too small.
    """

    default_prefix = 'generation'
    EXTRACTOR = AbstractExtractor, 'InceptionExtractor'

    def __init__(
        self,
        reference: Mapping[str, Any],
        size: int | Sequence[int],
        extractor: Mapping[str, Any] | AbstractExtractor | None = None,
        values: Sequence[str] = VALUES,
        cell: float | None = None,
        num_references: int | None = None,
        kid_subset_size: int = 1000,
        batch_size: int = 32,
        cache_dir: str | None = 'work_dirs/reference_features',
        prefix: str | None = None,
    ) -> None:
        wanted = SetValues(tuple(values), VALUES, 'pictures', kid_subset_size)
        subject = Pictures(size, cell)
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
