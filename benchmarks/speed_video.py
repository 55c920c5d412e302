"""What the video path costs: grids against points, and attention between planes by its levels.

    python benchmarks/speed_video.py [--sizes 64 128] [--widths 64 64] [--train 200]

Untrained weights: the time does not depend on them. Ratios compare what ran side by side in one
run; absolute times are those of the machine and its load. Each decoder runs in a process of its
own, whose peak memory is reported beside its weights (Linux only). ``--train`` trains the small
model with both settings, equally many steps on the same procedural clips, for held-out PSNR.
"""

import argparse
import math
import multiprocessing
import re
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import torch
from speed import Row, report, timed
from torch import nn
from torch.utils.data import default_collate

from ddmi_toolkit.apis import load_config
from ddmi_toolkit.models.generators import PEEvaluator
from ddmi_toolkit.registry import DATASETS, MODELS
from ddmi_toolkit.structures import Coords, Field, Grid, PlaneLayout, Points

PUBLISHED, SMALL = 'd2c_vae/skytimelapse_256.py', 'd2c_vae/procedural_video.py'
CHUNK = 2**16
MIXES = {'mixed up to 64x64': (8, 4), 'mixed at all levels': None}
"""Strides after which planes exchange, of latents of stride 8 (of sizes up to 256)."""


def sized(layout: dict[str, Any], size: int) -> dict[str, Any]:
    """The layout of clips of another size of the frames."""
    axes = [dict(a, size=size) if a.get('strided', True) else dict(a) for a in layout['axes']]
    return dict(layout, axes=axes)


def clip_field(config: str) -> Field:
    """One clip of random basis fields, looked up and read out as the config says."""
    model = load_config(config).model
    layout, generator = PlaneLayout(**model.layout), model.generator
    strides, channels = generator.decoder.strides, generator.decoder.out_channels
    evaluator = PEEvaluator(
        layout.config, 'concat', generator.readout.to_dict(), len(strides), channels
    ).eval()
    state = {
        f'level{i}.{p}': torch.randn(1, channels, *layout.shape(p, s))
        for i, s in enumerate(strides)
        for p in layout.planes
    }
    return Field(evaluator, state, layout, 3)


@torch.no_grad()
def grid_decode(repeats: int) -> list[Row]:
    """A whole clip as three vectors, against the same coordinates as points."""
    rows = []
    for name, config in dict(published=PUBLISHED, small=SMALL).items():
        field = clip_field(config)
        layout = field.layout
        grid = Grid({a: layout.nodes(a)[None] for a in 'tyx'}, layout)
        points = Points(grid.dense().flatten(1, -2), layout)
        levels = [
            {p: field.state[f'level{i}.{p}'] for p in layout.planes}
            for i in range(field.evaluator.num_levels)
        ]

        def lookup(coords: Coords, field: Field = field, levels: list = levels) -> None:
            for part in coords.split(CHUNK):
                field.evaluator.embedding(levels, part)

        def decode(coords: Coords, field: Field = field) -> None:
            for part in coords.split(CHUNK):
                field(part)

        what = f'{name} widths, {"x".join(map(str, grid.shape))}'
        for verb, run in dict(lookup=lookup, decode=decode).items():
            times = timed(lambda r=run, g=grid: r(g), lambda r=run, p=points: r(p), repeats)
            rows.append((f'{verb}, {what}', 'grid', 'points', *times))
    return rows


def peak() -> float:
    """Largest resident memory of this process so far, in GiB."""
    text = Path('/proc/self/status').read_text(encoding='ascii')
    return int(re.search(r'VmHWM:\s+(\d+) kB', text)[1]) / 2**20


@torch.no_grad()
def decoder_cost(size: int, width: int, strides: tuple[int, ...] | None) -> tuple[float, float]:
    """Seconds and GiB of one latent to basis fields, by a decoder of so many base channels."""
    torch.set_num_threads(1)
    model = load_config(PUBLISHED).model
    layout = PlaneLayout(**sized(model.layout, size))
    config = model.generator.decoder.to_dict()
    config |= dict(base_channels=width, mix=dict(config['mix'], strides=strides))
    if width * config['channel_mult'][-1] % config['num_heads']:
        raise ValueError(f'width={width}: {config["num_heads"]} heads must divide 8 times of it')
    decoder = MODELS.build(config, default_args=dict(layout=layout, in_channels=64)).eval()
    z, before, start = torch.randn(1, 64, layout.num_tokens()), peak(), time.perf_counter()
    decoder(z)
    return time.perf_counter() - start, peak() - before


def mixing(sizes: list[int], widths: list[int]) -> Iterator[tuple[str, list[tuple[float, float]]]]:
    """Per size and width, what each of ``MIXES`` costs, each in a fresh process."""
    context = multiprocessing.get_context('spawn')
    for size, width in zip(sizes, widths, strict=True):
        costs = []
        for strides in MIXES.values():
            with ProcessPoolExecutor(1, mp_context=context) as pool:
                costs.append(pool.submit(decoder_cost, size, width, strides).result())
        yield f'16x{size}x{size}, {width} base channels', costs


def train(
    strides: tuple[int, ...] | None, num_steps: int, batch_size: int = 2
) -> tuple[float, float]:
    """Mean PSNR of held-out clips, and seconds, of the small model after so many steps."""
    torch.manual_seed(0)
    cfg = load_config(SMALL)
    cfg.model.generator.decoder.mix.strides = strides
    model = MODELS.build(cfg.model)
    data, held_out = (
        DATASETS.build(loader.dataset) for loader in (cfg.train_dataloader, cfg.val_dataloader)
    )
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, num_steps)
    start = time.perf_counter()
    for step in range(num_steps):
        batch = collated(data, range(step * batch_size, (step + 1) * batch_size))
        losses = model(**batch, mode='loss')
        optimizer.zero_grad()
        sum(v for k, v in losses.items() if k.startswith('loss')).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return held_out_psnr(model.eval(), held_out), time.perf_counter() - start


def collated(data: Any, indices: range) -> dict[str, Any]:
    """A batch of items, without what only metrics read."""
    batch = default_collate([data[i % len(data)] for i in indices])
    batch.pop('meta', None)
    return batch


@torch.no_grad()
def held_out_psnr(model: nn.Module, data: Any) -> float:
    """In dB, of colors in [-1, 1], mean over the clips."""
    values = []
    for i in range(len(data)):
        batch = collated(data, range(i, i + 1))
        pred = model.render(model.decode(model.encode(batch['inputs']).mean), batch['query'])
        values.append(-10 * math.log10((pred.clamp(-1, 1) - batch['target']).square().mean() / 4))
    return sum(values) / len(values)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--sizes', type=int, nargs='+', default=[64, 128, 256])
    parser.add_argument(
        '--widths', type=int, nargs='+', default=[64, 64, 8], help='base channels per size'
    )
    parser.add_argument('--train', type=int, default=0, metavar='STEPS')
    parser.add_argument('--repeats', type=int, default=3)
    parser.add_argument('--out', type=Path, default=Path('benchmarks/results/speed_video.md'))
    args = parser.parse_args()
    lines = [
        report(grid_decode(args.repeats)),
        f'| decoder | {" | ".join(f"{name}: s | GiB" for name in MIXES)} | ratio |',
        '| --- | --- | --- | --- | --- | --- |',
    ]
    for what, costs in mixing(args.sizes, args.widths):
        numbers = ' | '.join(f'{seconds:.3g} | {gib:.3g}' for seconds, gib in costs)
        lines.append(f'| {what} | {numbers} | {costs[1][0] / costs[0][0]:.1f} |')
        sys.stderr.write(f'{lines[-1]}\n')
    if args.train:
        lines += ['', f'| {args.train} steps of 2 clips, 16x32x32 | PSNR (dB) | s |']
        lines.append('| --- | --- | --- |')
        for name, strides in {'mixed at the latent': (4,), 'mixed at all levels': None}.items():
            psnr, seconds = train(strides, args.train)
            lines.append(f'| {name} | {psnr:.2f} | {seconds:.0f} |')
    text = '\n'.join(lines) + '\n'
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(text, encoding='utf-8')
    sys.stdout.write(text)


if __name__ == '__main__':
    main()
