"""Pictures from seeds, and their scores by one process or by two."""

import json
import sys
from pathlib import Path

import torch
from mmengine.dist import get_dist_info

from ddmi_toolkit.registry import DATASETS, METRICS

NUM_FAKES = 21


class Pictures:
    """Smooth pictures ``(size, size, 3)`` in [-1, 1] whose colors follow from an index.

    Args:
        num: Number of pictures.
        size: Pixels along a side.
        first: Index of the first one.
        split: As real data sets have it.
        pipeline: Unused.
    """

    def __init__(self, num=20, size=12, first=0, split='test', pipeline=()):
        self.num, self.size, self.first = num, size, first

    def __len__(self):
        return self.num

    def __getitem__(self, i):
        rng = torch.Generator().manual_seed(self.first + i)
        coarse = torch.rand((1, 3, 3, 3), generator=rng) * 2 - 1
        fine = torch.nn.functional.interpolate(coarse, (self.size, self.size), mode='bilinear')
        return dict(meta=dict(image=fine[0].movedim(0, -1)))


def generative_quality(**options):
    """The metric with tiny features."""
    defaults = dict(
        reference=dict(type='_Pictures'),
        size=12,
        extractor=dict(type='PixelExtractor', grid=2),
        cache_dir=None,
    )
    return METRICS.build(dict(type='GenerativeQuality', **{**defaults, **options}))


def evaluate(metric, dataset, batch_size=4):
    """Feed the share of this process as mmengine's sampler and loader do."""
    rank, world = get_dist_info()
    total = -(-len(dataset) // world) * world
    mine = [i % len(dataset) for i in range(rank, total, world)]
    for start in range(0, len(mine), batch_size):
        part = mine[start : start + batch_size]
        samples = [dict(pred=dataset[i]['meta']['image'], seed=i) for i in part]
        metric.process(dict(seed=torch.tensor(part)), samples)
    return metric.evaluate(len(dataset))


def share(rank, folder):
    """Work of one of two processes; the first writes scores and protocol as json."""
    torch.set_num_threads(1)
    method = f'file://{folder}/rendezvous'
    torch.distributed.init_process_group('gloo', init_method=method, rank=rank, world_size=2)
    metric = generative_quality(cache_dir=f'{folder}/cache')
    values = evaluate(metric, Pictures(NUM_FAKES, first=1000))
    if rank == 0:
        found = dict(values=values, protocol=metric.protocol())
        Path(folder, 'found.json').write_text(json.dumps(found))
    torch.distributed.destroy_process_group()


if __name__ == '__main__':
    DATASETS.register_module(name='_Pictures', module=Pictures)
    # forked, so that the imports are paid for once
    torch.multiprocessing.start_processes(share, sys.argv[1:2], nprocs=2, start_method='fork')
