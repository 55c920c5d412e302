"""Samples whose inputs are values at places, whatever kind of data they are of."""

from mmcv.transforms import BaseTransform

from ...registry import TRANSFORMS
from ..base import Record


@TRANSFORMS.register_module()
class ObserveTarget(BaseTransform):
    """Make the target, and where it was asked for, the inputs: for what is fitted to values.

    It follows the transform that packs a sample. ``inputs`` become ``dict(query, target)``.

    Args:
        num_held_out: None: what is observed is what is asked, as when a field is fitted to all
            that is known. A number: of scattered points the last so many are asked and not
            observed, the others observed and not asked.

    Raises:
        ValueError: A number below 1; or a sample without so many scattered points and more.
    """

    def __init__(self, num_held_out: int | None = None) -> None:
        if num_held_out is not None and num_held_out < 1:
            raise ValueError(f'num_held_out={num_held_out} must be at least 1, or None')
        self.num_held_out = num_held_out

    def transform(self, record: Record) -> Record:
        """Replace ``inputs``; with points held out, ``query`` and ``target`` as well."""
        query, target = record['query'], record['target']
        if self.num_held_out is None:
            return dict(record, inputs=dict(query=dict(query), target=target))
        points = query.get('points')
        if points is None or len(points) <= self.num_held_out:
            found = f'keys {sorted(query)}' if points is None else f'{len(points)} points'
            raise ValueError(
                f'num_held_out={self.num_held_out} leaves no scattered points to observe of a '
                f'query with {found}; draw more points, or hold none out'
            )
        cut = len(points) - self.num_held_out
        observed = dict(query=dict(query, points=points[:cut]), target=target[:cut])
        asked = dict(query, points=points[cut:])
        return dict(record, inputs=observed, query=asked, target=target[cut:])
