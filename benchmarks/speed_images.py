"""What the image path costs beside its limit and beside other ways to compute it, as ratios.

    python benchmarks/speed_images.py [--config d2c_vae/procedural_image.py] [--device cuda]

Untrained weights: the time does not depend on them. Each pair is timed in turn, several times; the
medians are compared. Read the ratios; absolute times are those of the machine and its load.
"""

import argparse
import math
import sys
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from speed import Row, report, timed
from torch import Tensor, nn

from ddmi_toolkit.apis import load_config
from ddmi_toolkit.layers.modulated import Style, StyledBlock
from ddmi_toolkit.models.generators import PEEvaluator
from ddmi_toolkit.registry import DATASETS, MODELS
from ddmi_toolkit.structures import Field, Grid, PlaneLayout
from ddmi_toolkit.structures.coords import pixel_centers

WIDTHS = {'published': (256, 64, 256), 'small': (48, 16, 64)}
"""Width of the read-out, channels and size of the finest basis field."""

CHUNK = 2**14


def untrained_field(width: int, channels: int, size: int, device: str) -> Field:
    """One picture of random basis fields at three scales."""
    layout = PlaneLayout([dict(name=a, size=size) for a in 'xy'], ['xy'])
    readout = dict(
        type='CFCReadout',
        width=width,
        modulation=dict(type='ScaleStyle', style_channels=width, embed_channels=width // 4),
        head=dict(type='StyledHead', out_channels=3),
    )
    evaluator = PEEvaluator(layout.config, 'sum', readout, 3, channels).to(device).eval()
    state = {
        f'level{i}.xy': torch.randn(1, channels, size // s, size // s, device=device)
        for i, s in enumerate((4, 2, 1))
    }
    return Field(evaluator, state, layout, 3)


def plain_stack(field: Field, num_queries: int, device: str) -> Callable[[], None]:
    """The same read-out on embeddings that are there already: the limit."""
    mlp = field.evaluator.readout.mlp
    style = mlp.modulation(None, 1)
    channels = field.state['level0.xy'].shape[1]
    embeddings = [torch.randn(num_queries, channels, device=device) for _ in range(3)]

    def linear(layer: nn.Module) -> tuple[Tensor, Tensor]:
        weight, bias = layer.fold(style)
        return weight[0].T.contiguous(), bias[0, 0]

    blocks = []
    for block in mlp.blocks:
        skip = None
        if block.shortcut is not None:
            weight = block.shortcut.weight
            skip = weight[:, : weight.shape[1] - block.num_constants].contiguous()
        blocks.append(([linear(layer) for layer in block.layers], skip))
    head = linear(mlp.head.linear)

    def run(first: int) -> None:
        h = None
        for i, (layers, skip) in enumerate(blocks):
            parts = [embeddings[i][first : first + CHUNK]] if i < 3 else []
            x = torch.cat([h, *parts], -1) if h is not None else parts[0]
            h = x
            for weight, bias in layers:
                h = F.leaky_relu(F.linear(h, weight, bias), 0.2)
            h = h + (x if skip is None else F.linear(x, skip))
        F.linear(h, *head)

    return lambda: [run(first) for first in range(0, num_queries, CHUNK)]


@torch.no_grad()
def decoding(repeats: int, device: str) -> list[Row]:
    """Pictures of a field, lookup and style included, against products alone."""
    rows = []
    for name, sizes in WIDTHS.items():
        field = untrained_field(*sizes, device)
        for n in (256, 512):
            axes = {a: pixel_centers(field.layout.axes[a], n)[None].to(device) for a in 'yx'}
            grid = Grid(axes, field.layout)
            times = timed(
                lambda grid=grid, field=field: field.chunked(grid, CHUNK),
                plain_stack(field, n * n, device),
                repeats,
            )
            speed = n * n / times[0] / 1e6
            what = f'{name} widths, {n}x{n}: {speed:.3g} Mpixel/s'
            rows.append((what, 'field', 'products alone', *times))
    return rows


def training_steps(config: str, repeats: int, device: str) -> list[Row]:
    """A step of stage 1: gradients of coordinates, and the memory order of convolutions."""
    cfg = load_config(config)
    model = MODELS.build(cfg.model).to(device)
    dataset, size = DATASETS.build(cfg.train_dataloader.dataset), cfg.train_dataloader.batch_size
    batch = torch.utils.data.default_collate([dataset[i % len(dataset)] for i in range(size)])
    query = {k: v.to(device) for k, v in batch['query'].items()}
    tracked = {k: v.clone().requires_grad_() if k in 'xy' else v for k, v in query.items()}
    rest = {k: batch[k].to(device) for k in ('inputs', 'target', 'seed')}

    def step(network: nn.Module, query: dict[str, Tensor]) -> None:
        losses = network(query=query, **rest)
        sum(v for k, v in losses.items() if k.startswith('loss')).backward()
        network.zero_grad(set_to_none=True)

    other = MODELS.build(cfg.model).to(device, memory_format=torch.channels_last)
    what = f'step of {size} pictures of {rest["inputs"].shape[-1]}'
    return [
        (
            what,
            'coordinates fixed',
            'with gradients',
            *timed(lambda: step(model, query), lambda: step(model, tracked), repeats),
        ),
        (
            what,
            'contiguous',
            'channels last',
            *timed(lambda: step(model, query), lambda: step(other, query), repeats),
        ),
    ]


def grouped_block(block: StyledBlock, x: Tensor, style: Style) -> Tensor:
    """The block as published: constants as maps, weights per sample as a grouped convolution."""
    size = x.shape[2:]
    x = torch.cat([x, style.constants[:, :, None, None].expand(-1, -1, *size)], dim=1)
    h = x
    for layer in block.layers:
        factors = layer.modulation(style.vector)
        weight = layer.weight * factors[:, None]
        weight = weight * (weight.square().sum(-1, keepdim=True) + 1e-8).rsqrt()
        batch, c_out, c_in = weight.shape
        h = h.reshape(1, batch * c_in, *size)
        h = F.conv2d(h, weight.reshape(-1, c_in, 1, 1), groups=batch).view(batch, c_out, *size)
        h = F.leaky_relu(h + layer.bias[:, None, None], 0.2) * math.sqrt(2)
    skip = F.conv2d(x, block.shortcut.weight[:, :, None, None])
    return (h + skip) / math.sqrt(2)


def style_forms(repeats: int, device: str, size: int = 64, batch: int = 4) -> list[Row]:
    """Forward and backward of one block, the style folded into products or as published."""
    rows = []
    for name, (width, channels, _) in WIDTHS.items():
        block = StyledBlock(width + channels, width, width, num_constants=2).to(device)
        vector = torch.randn(batch, width, device=device)
        style = Style(vector, torch.rand(batch, 2, device=device))
        x = torch.randn(batch, width + channels, size, size, device=device, requires_grad=True)

        def folded(block=block, x=x, style=style) -> Tensor:
            return block([x.movedim(1, -1)], style).movedim(-1, 1)

        def grouped(block=block, x=x, style=style) -> Tensor:
            return grouped_block(block, x, style)

        torch.testing.assert_close(folded(), grouped(), atol=1e-3, rtol=1e-3)
        times = timed(
            lambda f=folded: f().square().mean().backward(),
            lambda f=grouped: f().square().mean().backward(),
            repeats,
        )
        what = f'block of {name} widths, {batch} pictures of {size}'
        rows.append((what, 'style folded', 'grouped, as published', *times))
    return rows


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--config', default='d2c_vae/procedural_image.py', help='a stage-1 config')
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--repeats', type=int, default=5)
    parser.add_argument('--out', type=Path, default=Path('benchmarks/results/speed_images.md'))
    args = parser.parse_args()
    rows = [
        *decoding(args.repeats, args.device),
        *training_steps(args.config, args.repeats, args.device),
        *style_forms(args.repeats, args.device),
    ]
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(report(rows), encoding='utf-8')
    sys.stdout.write(report(rows))


if __name__ == '__main__':
    main()
