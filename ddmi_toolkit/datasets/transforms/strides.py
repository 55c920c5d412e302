"""Fewer queries on a grid: a random offset, then every how manieth coordinate."""

from mmcv.transforms import BaseTransform
from torch import Tensor

from ...registry import TRANSFORMS
from ..base import Record


@TRANSFORMS.register_module()
class StrideQuery(BaseTransform):
    """Keep every ``stride``-th coordinate of some axes, from an offset that each sample draws.

    The queries left are spread over the whole picture or clip, so that a step on them follows
    nearly the gradient of all, for a ``1 / stride ** len(axes)`` of the cost of the read-out. They
    are no neighbors any more: losses that compare textures need all of them.

    Args:
        stride: Of the coordinates kept.
        axes: Names of the axes that are thinned out, each one letter.

    Raises:
        ValueError: The stride is no whole number of at least 1; or the query of a sample is no
            grid over the axes, or has fewer coordinates than the stride.
    """

    def __init__(self, stride: int, axes: str = 'xy') -> None:
        if not isinstance(stride, int) or stride < 1:
            raise ValueError(f'stride={stride} must be a whole number of at least 1')
        self.stride, self.axes = stride, axes

    def transform(self, record: Record) -> Record:
        """Thin out ``query`` and ``target`` of a sample."""
        query, target = dict(record['query']), record['target']
        names = [k for k, v in query.items() if len(k) == 1 and isinstance(v, Tensor) and v.ndim]
        for axis in self.axes:
            if axis not in names or len(query[axis]) < self.stride:
                sizes = {k: len(query[k]) for k in names}
                raise ValueError(
                    f'StrideQuery thins out {axis!r} by {self.stride}, the query has {sizes}; put '
                    f'it after what makes a grid of at least {self.stride} coordinates'
                )
            count = len(query[axis]) // self.stride  # the same for all samples of a batch
            span = (count - 1) * self.stride + 1
            start = int(record['rng'].integers(len(query[axis]) - span + 1))
            kept = slice(start, start + span, self.stride)
            query[axis] = query[axis][kept]
            index = [slice(None)] * target.ndim
            index[names.index(axis)] = kept
            target = target[tuple(index)]
        record.update(query=query, target=target.contiguous())
        return record
