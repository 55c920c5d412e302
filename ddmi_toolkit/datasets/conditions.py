"""What is asked for when nothing is encoded: listed conditions, or those of another data set."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor
from torch.utils.data import Dataset

from ..registry import DATASETS
from ..structures import Draw

Conditions = Callable[[int], dict[str, Any]]
"""From the number of a sample to ``dict(cond[, meta])``, or nothing."""


def make_conditions(config: Any) -> Conditions:
    """Conditions that samples take in turn.

    Args:
        config: None for none; a list or tuple is cycled; ``dict(type='dataset', dataset=...)``
            takes those of a data set's items, see :class:`DatasetConditions` for its options;
            anything else is every sample's condition.

    Raises:
        ValueError: An empty list, or options that do not fit.
    """
    if isinstance(config, Mapping) and config.get('type') == 'dataset':
        return DatasetConditions(**{k: v for k, v in config.items() if k != 'type'})
    return ListedConditions(config)


class ListedConditions:
    """Conditions that are known beforehand.

    Args:
        cond: A list or tuple is cycled; None is no condition, anything else everybody's.

    Raises:
        ValueError: An empty list.
    """

    def __init__(self, cond: Any) -> None:
        self.conds = cond if isinstance(cond, list | tuple) else [cond]
        if not self.conds:
            raise ValueError('cond is empty; give at least one condition, or None')

    def __call__(self, index: int) -> dict[str, Any]:
        """Condition of a sample."""
        cond = self.conds[index % len(self.conds)]
        return {} if cond is None else dict(cond=cond)


class DatasetConditions:
    """The conditions of another data set's items, such as held-out captions.

    Args:
        dataset: Config or object; its items have a ``cond``.
        num_items: That many of them, evenly spread over the set; None is all.
        repeat: Samples in a row with the same condition, e.g. to see how they differ.

    Raises:
        ValueError: Fewer than one item or sample, or more items than there are.
    """

    def __init__(
        self,
        dataset: Mapping[str, Any] | Dataset,
        num_items: int | None = None,
        repeat: int = 1,
    ) -> None:
        self.dataset = DATASETS.build(dataset, role=Dataset)
        self.num_items = len(self.dataset) if num_items is None else num_items
        self.repeat = repeat
        if not 1 <= self.num_items <= len(self.dataset):
            raise ValueError(
                f'num_items={num_items} of {len(self.dataset)} items; take at least one and not '
                f'more than there are'
            )
        if repeat < 1:
            raise ValueError(f'repeat={repeat} must be at least 1')

    def __call__(self, index: int) -> dict[str, Any]:
        """Condition of an item, and its ``meta`` without tensors.

        Raises:
            ValueError: The item has no condition.
        """
        visit, position = divmod(index // self.repeat, self.num_items)
        item = position * len(self.dataset) // self.num_items
        sample = self.dataset[Draw(item, visit)]
        if 'cond' not in sample:
            raise ValueError(
                f'item {item} of {type(self.dataset).__name__} has no condition; let its pipeline '
                f"pack one, e.g. dict(type='PackShape', cond='caption')"
            )
        meta = {k: v for k, v in sample.get('meta', {}).items() if not isinstance(v, Tensor)}
        return dict(cond=sample['cond'], meta=meta)
