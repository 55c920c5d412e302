"""How well a set of generated (or reconstructed) clips matches a set of real ones: FVD."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..registry import METRICS
from .extractor_roles import AbstractClipExtractor
from .protocol import Protocol
from .set_quality import AbstractSetQuality
from .set_values import NEAREST, SetValues
from .subjects import Clips

VALUES = ('fvd', *NEAREST)
CHOICE = ('num_frames', 'stride', 'random_start', 'num_windows')
"""What a data set may say about which frames are a clip."""


@METRICS.register_module()
class ClipQuality(AbstractSetQuality):
    """FVD, precision, recall, density and coverage of clips against a reference set.

    Renders the ``field`` of every sample at ``size`` (or takes its ``pred`` of that size),
    rounds it to 8 bit and compares the features of whole clips with those of the true ones. With
    the published I3D network the values have their plain names; with any other extractor its
    name stands in them: ``fvd_random_not_comparable``. On reconstructions this is r-FVD; give it
    ``prefix='reconstruction'``.

    Which frames of a video are a clip is for the reference's data set to say; the protocol
    repeats it, for the same samples have been given values of 42 to 234 by it.

    Args:
        reference: Config of a data set whose items have ``meta['clip']`` of as many frames.
        size: ``(frames, rows, columns)``.
        extractor: Config of an :class:`AbstractClipExtractor`; None is that of FVD.
        values: Of :data:`VALUES`.
        num_references: Use the first ones only; None is all.
        batch_size: Clips per forward pass of the extractor.
        cache_dir: Where reference features are kept; None does not keep them.
        prefix: Replaces ``'generation'`` in the names of the values.

    Raises:
        FileNotFoundError: The extractor's weights are absent; the message says what to get.
        ValueError: An argument is unknown or out of its range, or the reference set is empty or
            its clips are missing, too small, or of another length.
    """

    default_prefix = 'generation'
    EXTRACTOR = AbstractClipExtractor, 'I3DExtractor'

    def __init__(
        self,
        reference: Mapping[str, Any],
        size: Sequence[int],
        extractor: Mapping[str, Any] | AbstractClipExtractor | None = None,
        values: Sequence[str] = VALUES,
        num_references: int | None = None,
        batch_size: int = 8,
        cache_dir: str | None = 'work_dirs/reference_features',
        prefix: str | None = None,
    ) -> None:
        wanted, subject = SetValues(tuple(values), VALUES, 'clips'), Clips(size)
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

    def protocol(self) -> dict[str, Protocol]:
        """Also the frames of a clip, and how far apart they are in the references."""
        ((prefix, fields),) = super().protocol().items()
        dataset = self.reference.dataset
        chosen = {k: getattr(dataset, k) for k in CHOICE if hasattr(dataset, k)}
        return {prefix: dict(fields, num_frames=self.subject.size[0], reference_clips=chosen)}
