"""Ratios of what one design choice buys, measured side by side in one run.

    python benchmarks/speed.py [--config ddmi/procedural_chair.py] [--out speed.md]

Untrained weights: the time does not depend on them, except that of the coarse-to-fine extraction,
which is measured on an analytic field. Each pair is timed in turn, several times; the medians are
compared. Absolute times are those of the machine and of what else ran on it; read the ratios.
"""

import argparse
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from ddmi_toolkit.apis import load_config
from ddmi_toolkit.geometry.isosurface import extract_mesh
from ddmi_toolkit.registry import DATASETS, MODELS
from ddmi_toolkit.structures import Field, Grid, PlaneLayout, Points

Row = tuple[str, str, str, float, float]


def timed(one: Callable, other: Callable, repeats: int) -> tuple[float, float]:
    """Median seconds of two functions that are called in turn."""
    times: tuple[list[float], list[float]] = ([], [])
    for i in range(repeats + 1):
        for function, seconds in zip((one, other), times, strict=True):
            start = time.perf_counter()
            function()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            if i:  # the first round warms up
                seconds.append(time.perf_counter() - start)
    return statistics.median(times[0]), statistics.median(times[1])


def training_steps(config: str, repeats: int) -> list[Row]:
    """Stage 2 with cached moments, against encoding, and against a step of stage 1."""
    cfg = load_config(config, {'latent_cache': None})
    model = MODELS.build(cfg.model)
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    size = cfg.train_dataloader.batch_size
    batch = torch.utils.data.default_collate([dataset[i % len(dataset)] for i in range(size)])
    batch.pop('meta', None)
    with torch.no_grad():
        moments = model.first_stage.encode(batch['inputs']).moments
    stage_one = MODELS.build(load_config(cfg.first_stage.config).model)

    def step(network: nn.Module, **inputs) -> None:
        losses = network(**inputs)
        sum(v for k, v in losses.items() if k.startswith('loss')).backward()
        network.zero_grad(set_to_none=True)

    def cached() -> None:
        step(model, moments=moments, seed=batch['seed'])

    return [
        (
            f'step of {size} items',
            'stage 2, cached moments',
            'stage 2, encoding',
            *timed(cached, lambda: step(model, **batch), repeats),
        ),
        (
            f'step of {size} items',
            'stage 2, cached moments',
            'stage 1',
            *timed(cached, lambda: step(stage_one, **batch), repeats),
        ),
    ]


@torch.no_grad()
def grid_decode(config: str, repeats: int, resolution: int = 48) -> list[Row]:
    """A dense grid as one vector per axis, against the same coordinates as points."""
    model = MODELS.build(load_config(load_config(config).first_stage.config).model).eval()
    field = model.decode(torch.randn(1, *model.latent_shape))
    axes = {a: model.layout.nodes(a)[None] for a in model.layout.axes}
    axes = {
        a: torch.linspace(v[0, 0].item(), v[0, -1].item(), resolution)[None]
        for a, v in axes.items()
    }
    grid = Grid(axes, model.layout)
    points = Points(grid.dense().flatten(1, -2), model.layout)

    def lookup(coords) -> None:
        embedding = field.evaluator.embedding
        levels = [
            {p: field.state[f'level{i}.{p}'] for p in model.layout.planes}
            for i in range(field.evaluator.num_levels)
        ]
        embedding(levels, coords)

    chunk = 2**15
    return [
        (
            f'lookup at {resolution}^3',
            'grid',
            'points',
            *timed(lambda: lookup(grid), lambda: lookup(points), repeats),
        ),
        (
            f'field at {resolution}^3',
            'grid',
            'points',
            *timed(
                lambda: field.chunked(grid, chunk), lambda: field.chunked(points, chunk), repeats
            ),
        ),
    ]


class Torus(nn.Module):
    """Logits of a torus, behind a network's worth of arithmetic."""

    def __init__(self) -> None:
        super().__init__()
        self.work = nn.Sequential(nn.Linear(3, 256), nn.ReLU(), nn.Linear(256, 1))

    def forward(self, state, coords, *, scale=None, dirs=None) -> torch.Tensor:
        """``(B, *S, 1)``."""
        x = coords.dense()
        ring = (x[..., [0, 2]].norm(dim=-1, keepdim=True) - 0.35).square()
        return 100 * (0.12**2 - ring - x[..., 1:2].square()) + 0 * self.work(x)


@torch.no_grad()
def extraction(repeats: int) -> list[Row]:
    """Coarse-to-fine extraction of a surface, against evaluating every corner."""
    axes = [dict(name=a, size=8, low=-0.55, high=0.55) for a in 'xyz']
    layout = PlaneLayout(axes, ['xy', 'yz', 'xz'], align_corners=True)
    field = Field(Torus(), {'none': torch.zeros(1, 1)}, layout, 1)
    queries = [
        extract_mesh(field, 128, exhaustive=flag).metadata['num_queries'] for flag in (False, True)
    ]
    times = timed(
        lambda: extract_mesh(field, 128), lambda: extract_mesh(field, 128, exhaustive=True), repeats
    )
    return [
        ('surface at 128^3 (seconds)', 'coarse to fine', 'dense', *times),
        ('surface at 128^3 (queries)', 'coarse to fine', 'dense', *map(float, queries)),
    ]


def report(rows: list[Row]) -> str:
    """Markdown table."""
    lines = [
        f'torch {torch.__version__}, {torch.get_num_threads()} threads, {platform.machine()}, '
        f'{"CUDA" if torch.cuda.is_available() else "CPU"}',
        '',
        '| what | this | that | this | that | ratio |',
        '| --- | --- | --- | --- | --- | --- |',
    ]
    for what, one, other, a, b in rows:
        lines.append(f'| {what} | {one} | {other} | {a:.3g} | {b:.3g} | {b / a:.2f} |')
    return '\n'.join(lines) + '\n'


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--config', default='ddmi/procedural_chair.py', help='a stage-2 config')
    parser.add_argument('--repeats', type=int, default=5)
    parser.add_argument('--out', type=Path, default=Path('benchmarks/results/speed.md'))
    args = parser.parse_args()
    rows = [
        *training_steps(args.config, args.repeats),
        *grid_decode(args.config, args.repeats),
        *extraction(args.repeats),
    ]
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(report(rows), encoding='utf-8')
    sys.stdout.write(report(rows))


if __name__ == '__main__':
    main()
