"""Samples whose input is the number of the item."""

from mmcv.transforms import BaseTransform

from ddmi_toolkit.datasets.base import Record
from ddmi_toolkit.registry import TRANSFORMS


@TRANSFORMS.register_module()
class ItemIndex(BaseTransform):
    """Make the number of the item the ``inputs``: an auto-decoder has a latent for each.

    It follows the transform that packs a sample. Pictures must not be flipped before: an item has
    one latent.
    """

    def transform(self, record: Record) -> Record:
        """Replace ``inputs`` by an integer."""
        return dict(record, inputs=int(record['index']))
