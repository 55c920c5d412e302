"""Transforms of records that have several captions."""

from mmcv.transforms import BaseTransform

from ...registry import TRANSFORMS
from ..base import Record


@TRANSFORMS.register_module()
class DrawCaption(BaseTransform):
    """Draw one of a record's ``captions`` at each visit.

    It becomes ``caption``. Where the record has ``read_caption``, a function that tells what a
    caption says, its answer becomes ``stated``.
    """

    def transform(self, record: Record) -> Record:
        """Replace ``captions`` by ``caption``.

        Raises:
            ValueError: The record has no captions.
        """
        captions = record.pop('captions', ())
        if not captions:
            raise ValueError(
                f'{record.get("name", "the record")!r} has no captions to draw from; it has '
                f'{sorted(k for k in record if k != "rng")}'
            )
        caption = record['caption'] = captions[int(record['rng'].integers(len(captions)))]
        if 'read_caption' in record:
            record['stated'] = record.pop('read_caption')(caption)
        return record
