"""The order in which training visits its data: a function of the run's seed alone."""

import math
from collections.abc import Iterator, Sized

import torch
from mmengine.dist import get_dist_info
from torch.utils.data import Sampler

from ..registry import DATA_SAMPLERS
from ..structures import Draw, mix_seed

_STREAM = int.from_bytes(b'order', 'big')  # apart from the seeds of samples


@DATA_SAMPLERS.register_module()
class SeededInfiniteSampler(Sampler):
    """Endless draws: every item once per epoch, in an order of its own each epoch.

    Position ``p`` of the run is the same draw for any number of processes, workers and past
    interruptions. Process ``r`` of ``W`` takes the positions ``r, r + W, r + 2W, ...``, so that
    ``W`` processes with batches of ``b`` see the global batches of one process with ``W * b``.

    Args:
        dataset: Data set that is visited.
        seed: Seed of the run; mmengine's runner hands it over.
        shuffle: Whether epochs are permuted; otherwise items come in order.
    """

    def __init__(self, dataset: Sized, seed: int | None = None, shuffle: bool = True) -> None:
        if len(dataset) == 0:
            raise ValueError(f'{type(dataset).__name__} is empty; there is nothing to train on')
        if seed is None:
            raise ValueError(
                'SeededInfiniteSampler needs the seed of the run: set randomness=dict(seed=0), '
                'without diff_rank_seed'
            )
        self.num_items = len(dataset)
        self.seed = seed
        self.shuffle = shuffle
        self.rank, self.world_size = get_dist_info()
        self.skip = 0
        """Draws that all processes together have consumed before this iteration starts."""

    def __len__(self) -> int:
        """Draws of this process per epoch."""
        return math.ceil(self.num_items / self.world_size)

    def __iter__(self) -> Iterator[Draw]:
        epoch, order = -1, None
        position = self.skip + self.rank
        while True:
            if epoch != position // self.num_items:
                epoch = position // self.num_items
                order = self._order(epoch)
            yield Draw(order[position % self.num_items], epoch, self.seed)
            position += self.world_size

    def _order(self, epoch: int) -> list[int]:
        if not self.shuffle:
            return list(range(self.num_items))
        generator = torch.Generator().manual_seed(mix_seed(self.seed, epoch, _STREAM))
        return torch.randperm(self.num_items, generator=generator).tolist()
