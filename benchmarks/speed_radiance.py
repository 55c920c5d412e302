"""What skipping empty space buys in rendering radiance fields, and what it changes.

    python benchmarks/speed_radiance.py [--config d2c_vae/kenney_cars.py] [--device cuda]

Of a trained stage 1, the objects of its test set are rendered from the cameras of that set; without
``--config``, shapes in closed form, each point of which costs what the read-out of a small model
does. Both renderers place the same samples, and the share is that of the samples on rays that meet
the box: rays past it cost neither anything. Times are medians of both in turn.
"""

import argparse
import platform
import sys
from collections.abc import Iterator
from math import log10
from pathlib import Path
from statistics import median

import torch
from speed import timed
from torch import Tensor, nn
from torch.utils.data import default_collate

from ddmi_toolkit.apis import load_config, load_model
from ddmi_toolkit.layers.occupancy_grid import OccupancyGrid
from ddmi_toolkit.layers.ray_marching import render_rays
from ddmi_toolkit.layers.view_rendering import cameras_around
from ddmi_toolkit.models.generators import PEEvaluator
from ddmi_toolkit.registry import DATASETS
from ddmi_toolkit.structures import Field, PlaneLayout, stack_rays

SHAPES = {  # centers and half sides of bricks in the box [-1, 1]
    'a car': [((0, 0, -0.1), (0.9, 0.4, 0.15)), ((-0.1, 0, 0.2), (0.45, 0.35, 0.2))],
    'a chair': [
        ((0, 0, 0), (0.4, 0.4, 0.05)),
        ((-0.37, 0, 0.4), (0.04, 0.4, 0.4)),
        *[((x, y, -0.4), (0.04, 0.04, 0.4)) for x in (-0.36, 0.36) for y in (-0.36, 0.36)],
    ],
}
CHANNELS, PLANES = 16, 32


class Costly(nn.Module):
    """Bricks in closed form, computed beside a read-out whose values are thrown away."""

    def __init__(self, layout: PlaneLayout, bricks: list) -> None:
        super().__init__()
        readout = dict(type='CFCReadout', width=48, head=dict(type='RadianceHead'))
        self.network = PEEvaluator(layout.config, 'concat', readout, 3, CHANNELS)
        self.register_buffer('bricks', torch.tensor(bricks, dtype=torch.float32))

    def forward(self, state, coords, scale=None, dirs=None) -> Tensor:
        """Colors by place; solid inside the bricks, with a border of about 0.01."""
        x = coords.dense()
        wasted = self.network(state, coords, scale=scale, dirs=dirs)
        center, half = self.bricks.unbind(1)
        outside = ((x[..., None, :] - center).abs() - half).amax(-1).amin(-1, keepdim=True)
        density = 300 * torch.sigmoid(-outside / 0.003)
        return torch.cat([x.sin(), density], dim=-1) + 0 * wasted


def made_objects(device: str, size: int) -> Iterator[tuple[str, Field, Tensor, Tensor]]:
    """Name, field and rays of each shape."""
    layout = PlaneLayout(
        [dict(name=a, size=PLANES) for a in 'xyz'], ['xy', 'yz', 'xz'], align_corners=True
    )
    for name, bricks in SHAPES.items():
        state = {
            f'level{i}.{p}': torch.randn(1, CHANNELS, PLANES // s, PLANES // s, device=device)
            for i, s in enumerate((4, 2, 1))
            for p in layout.planes
        }
        field = Field(Costly(layout, bricks).to(device), state, layout, 4)
        rays = stack_rays(cameras_around(layout, 2, (size, size)))
        yield name, field, *(x[None].to(device) for x in rays)


def trained_objects(
    config: str, device: str, count: int
) -> Iterator[tuple[str, Field, Tensor, Tensor]]:
    """Name, field and rays of objects of a test set."""
    cfg = load_config(config)
    model = load_model(cfg, device=device)
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    for i in range(min(count, len(dataset))):
        batch = default_collate([dataset[i]])
        field = model.decode(model.encode(batch['inputs'].to(device)).mean)
        rays = (batch['query'][k].to(device) for k in ('origins', 'dirs'))
        yield batch['meta']['name'][0], field, *rays


@torch.no_grad()
def measured(
    field: Field, origins: Tensor, dirs: Tensor, numbers: dict[str, int], repeats: int
) -> list[float]:
    """Rays per second without and with skipping, share of points, PSNR, seconds for the grid."""
    grid = OccupancyGrid.of_field(field)
    whole = render_rays(field, origins, dirs, **numbers)
    fast = render_rays(field, origins, dirs, grid=grid, **numbers)
    slow_time, fast_time = timed(
        lambda: render_rays(field, origins, dirs, **numbers),
        lambda: render_rays(field, origins, dirs, grid=grid, **numbers),
        repeats,
    )
    grid_time = timed(lambda: OccupancyGrid.of_field(field), lambda: None, repeats)[0]
    error = float((whole.color - fast.color).square().mean()) / 4
    rays = origins[..., 0].numel()
    values = [rays / slow_time, rays / fast_time, slow_time / fast_time]
    values += [fast.num_evaluated / max(fast.num_placed, 1), -10 * log10(error + 1e-12), grid_time]
    return values


def report(rows: list[tuple[str, list[float]]], what: str) -> str:
    """Markdown table with the median of each column."""
    lines = [
        f'{what}; torch {torch.__version__}, {torch.get_num_threads()} threads, '
        f'{platform.machine()}',
        '',
        '| object | rays/s, all points | rays/s, skipping | ratio | points evaluated '
        '| PSNR between them | grid |',
        '| --- | --- | --- | --- | --- | --- | --- |',
    ]
    columns = zip(*(values for _, values in rows), strict=True)
    rows = [*rows, ('median', [median(c) for c in columns])]
    for name, (slow, fast, ratio, share, psnr, grid) in rows:
        lines.append(
            f'| {name} | {slow:,.0f} | {fast:,.0f} | {ratio:.2f} | {share:.1%} | {psnr:.1f} dB '
            f'| {grid:.2g} s |'
        )
    return '\n'.join(lines) + '\n'


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--config', help='a trained stage-1 config of radiance fields')
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--objects', type=int, default=12, help='how many of the test set')
    parser.add_argument('--size', type=int, default=100, help='of pictures of the made shapes')
    parser.add_argument('--num-samples', type=int, default=64)
    parser.add_argument('--num-importance', type=int, default=64)
    parser.add_argument('--repeats', type=int, default=3)
    parser.add_argument('--out', type=Path, default=Path('benchmarks/results/speed_radiance.md'))
    args = parser.parse_args()
    numbers = dict(num_samples=args.num_samples, num_importance=args.num_importance)
    objects = made_objects(args.device, args.size)
    if args.config:
        objects = trained_objects(args.config, args.device, args.objects)
    with torch.no_grad():
        rows = [(name, measured(*field, numbers, args.repeats)) for name, *field in objects]
    what = f'{args.config or "made shapes"}, {args.num_samples} + {args.num_importance} samples'
    text = report(rows, what)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(text, encoding='utf-8')
    sys.stdout.write(text)


if __name__ == '__main__':
    main()
