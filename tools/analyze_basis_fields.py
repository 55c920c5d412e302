"""Which frequencies each scale of basis fields holds, and what it adds to the output.

    python tools/analyze_basis_fields.py configs/ddmi/catdog_32.py --seeds 0-15 --out analysis
    python tools/analyze_basis_fields.py configs/d2c_vae/catdog_32.py my.pth --seeds 0-63

Configs of stage 2 are analyzed on samples, one per seed; those of stage 1 on reconstructions of
held-out data, whose items the seeds then number. Writes ``basis_fields.json``, numbers of each
scale and of the outputs with 1, 2, ... scales fed, and ``basis_fields.png``, rows of such outputs
and of what the scales left out would add, above the spectra of the basis fields.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from mmengine.config import DictAction

from ddmi_toolkit.apis import (
    BasisAnalysis,
    FieldInferencer,
    analyze_basis_fields,
    check_space,
    layout_of,
    load_config,
    parse_seeds,
    readable_errors,
)
from ddmi_toolkit.apis.basis_analysis import UNFED
from ddmi_toolkit.apis.loading import find_or_name
from ddmi_toolkit.registry import DATASETS
from ddmi_toolkit.structures import Field, basis_fields
from ddmi_toolkit.visualization import FieldVisualizer, draw_basis_analysis


def main() -> None:
    """Make fields, analyze them, write."""
    args = parse_args()
    seeds = parse_seeds(args.seeds)
    if min(args.rows, args.tile) < 1:
        raise ValueError(f'--rows {args.rows} and --tile {args.tile} must be at least 1')
    cfg = load_config(args.config, args.cfg_options)
    layout_of(cfg)
    out = args.out or Path(cfg.work_dir) / 'basis_fields'
    check_space(out)
    checkpoint = find_or_name(cfg, args.checkpoint)
    inferencer = FieldInferencer(cfg, checkpoint)
    fields = list(analyzed(inferencer, seeds, args.batch_size))
    shown = {k: cfg.visualizer[k] for k in ('threshold', 'resolution') if k in cfg.visualizer}
    visualizer = FieldVisualizer('basis_fields', size=args.tile, **shown)
    options = dict(unfed=args.unfed, cutoff=args.cutoff, size=args.size)
    analysis = analyze_basis_fields(fields, threshold=visualizer.threshold, **options)
    what = 'samples' if 'first_stage' in cfg.model else 'reconstructions of held-out items'
    origin = dict(config=cfg.experiment_name, checkpoint=checkpoint.name, of=what, seeds=seeds)
    report = dict(**origin, **options, **analysis.report())
    draw(analysis, visualizer, args.rows, args.cutoff, out)
    text = json.dumps(report, indent=2, allow_nan=False)
    (out / 'basis_fields.json').write_text(text + '\n', encoding='utf-8')
    sys.stdout.write(table(report) + f'written to {out}\n')


def parse_args() -> argparse.Namespace:
    """Options of the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='file, or name below configs/')
    parser.add_argument('checkpoint', nargs='?', help='default: newest in the work folder')
    parser.add_argument('--seeds', default='0-15', help='such as 0-15 or 1,4,9')
    parser.add_argument('--out', type=Path, help='default: basis_fields in the work folder')
    parser.add_argument(
        '--unfed', choices=UNFED, default='mean', help='what stands for scales that are not fed'
    )
    parser.add_argument(
        '--cutoff', type=float, default=0.5, help='in Nyquist frequencies of the coarsest scale'
    )
    parser.add_argument(
        '--size', type=int, help='pixels that outputs are compared at (default: finest nodes)'
    )
    parser.add_argument('--rows', type=int, default=4, help='samples in the picture')
    parser.add_argument('--tile', type=int, default=128, help='pixels of an output in the picture')
    parser.add_argument('--batch-size', type=int, default=16)
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, default={})
    return parser.parse_args()


def analyzed(inferencer: FieldInferencer, seeds: list[int], batch_size: int) -> Iterator[Field]:
    """Samples of a model of stage 2, reconstructions of one of stage 1.

    Raises:
        ValueError: The model's fields have no basis fields, or there are fewer held-out items.
    """
    shape = inferencer.autoencoder.latent_shape
    basis_fields(next(inferencer.decode(torch.zeros(1, *shape))))  # before minutes of sampling
    if 'first_stage' in inferencer.cfg.model:
        yield from inferencer.sample(seeds, batch_size=batch_size)
        return
    held_out = DATASETS.build(inferencer.cfg.test_dataloader.dataset)
    if max(seeds) >= len(held_out):
        raise ValueError(
            f'there are {len(held_out)} held-out items, --seeds asks for number {max(seeds)}; '
            f'name numbers from 0 to {len(held_out) - 1}'
        )
    yield from inferencer.reconstruct(held_out[i]['inputs'] for i in seeds)


def draw(
    analysis: BasisAnalysis, visualizer: FieldVisualizer, rows: int, cutoff: float, out: Path
) -> None:
    """Write the picture of the first samples and of all spectra."""
    samples = list(zip(*analysis.partial, strict=True))[:rows]
    with torch.no_grad():
        pictures = [[visualizer.draw_field(field) for field in sample] for sample in samples]
    spectra = [scale['spectrum'] for scale in analysis.scales]
    curves = [(s['frequency'], s['share']) for s in spectra]
    draw_basis_analysis(pictures, analysis.maps, curves, cutoff, out / 'basis_fields.png')


def table(report: dict[str, Any]) -> str:
    """The main numbers as two markdown tables."""

    def number(value: dict[str, float | None]) -> str:
        mean, std = value['mean'], value['std']
        return '-' if mean is None else f'{mean:.4g}' + ('' if std is None else f' ± {std:.2g}')

    above = f'energy above {report["cutoff"]:g}'
    lines = [f'| scale | nodes | variance | {above} | of white noise |', '| --- ' * 5 + '|']
    for i, scale in enumerate(report['scales'], 1):
        nodes = ', '.join(f'{p} {r}x{c}' for p, (r, c) in scale['nodes'].items())
        shares = f'{number(scale["share_above"])} | {scale["white_noise_above"]:.4g}'
        lines.append(f'| {i} | {nodes} | {number(scale["variance"])} | {shares} |')
    names = [k for k in report['outputs'][0] if k.endswith('_to_all') or k == 'share_above']
    titles = [above if k == 'share_above' else k for k in names]
    lines += ['', f'| scales fed | {" | ".join(titles)} |', '| --- ' * (len(names) + 1) + '|']
    for output in report['outputs']:
        values = ' | '.join(number(output[k]) for k in names)
        lines.append(f'| {output["num_scales"]} | {values} |')
    if len(report['outputs']) == 1:
        lines += ['', 'The model has one scale: there is nothing to leave out.']
    return '\n'.join(lines) + '\n'


if __name__ == '__main__':
    with readable_errors():
        main()
