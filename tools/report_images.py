"""Numbers and pictures of a trained image config of stage 2, side by side.

    python tools/report_images.py configs/ddmi/procedural_image.py --out outputs/procedural_image

Writes the metrics of both stages with their protocols (json); two baselines for each metric of
stage 2: true pictures that are not among its references, and decoded N(0, I), which is what stage 1
alone can generate; and two pictures. ``reconstructed.png``: held-out originals, what the encoder
saw, and the fields at the encoder's size and at four times it. ``generated.png``: the same seeds at
three sizes.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.evaluator import BaseMetric
from PIL import Image
from torch import Tensor

from ddmi_toolkit.apis import FieldInferencer, evaluate, load_config, readable_errors
from ddmi_toolkit.evaluation import GenerativeQuality
from ddmi_toolkit.evaluation.pixels import original, shrink
from ddmi_toolkit.registry import DATASETS, METRICS
from ddmi_toolkit.structures import to_uint8
from ddmi_toolkit.visualization import as_picture, image_grid, save_image


def main() -> None:
    """Evaluate, draw, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='a stage-2 config')
    parser.add_argument('--out', type=Path, required=True)
    parser.add_argument('--count', type=int, default=8, help='pictures per row')
    parser.add_argument(
        '--tile', type=int, default=128, help='pixels of a picture, along its longer side'
    )
    args = parser.parse_args()
    cfg = load_config(args.config)
    if 'first_stage' not in cfg:
        raise ValueError(f'{args.config} has one stage; name a config of stage 2')
    first = load_config(cfg.first_stage.config, cfg.first_stage.options)
    inferencer = FieldInferencer(cfg)
    draw = {'reconstructed': reconstructed, 'generated': generated}
    for name, function in draw.items():
        picture = image_grid(list(function(inferencer, first, args)), columns=args.count)
        save_image(picture, args.out / f'{name}.png')
    results = dict(reconstruction=evaluate(first), generation=evaluate(cfg))
    for name, result in results.items():
        result.save(args.out / f'{name}.json')
    report = dict(
        reconstruction=dict(results['reconstruction'].metrics),
        generation=dict(
            generated=dict(results['generation'].metrics), **dict(baselines(cfg, first))
        ),
    )
    (args.out / 'report.json').write_text(json.dumps(report, indent=2) + '\n', encoding='utf-8')
    sys.stdout.write(json.dumps(report, indent=2) + f'\nwritten to {args.out}\n')


def baselines(cfg: Config, first: Config) -> Iterator[tuple[str, dict[str, float]]]:
    """Name and values, by stage 2's metrics, of other true pictures and of decoded N(0, I)."""
    count = cfg.test_dataloader.dataset.num_samples
    fields = [dict(field=field) for field in FieldInferencer(first).sample(range(count))]
    values: dict[str, dict[str, float]] = {'true_pictures': {}, 'decoded_normal': {}}
    for config in cfg.test_evaluator:
        values['decoded_normal'] |= measured(METRICS.build(config), fields)
        metric = METRICS.build(config)
        if isinstance(metric, GenerativeQuality):
            pictures = list(true_pictures(metric, first, count))
            values['true_pictures'] |= measured(metric, pictures)
            values['true_pictures'][f'{metric.prefix}/num_pictures'] = len(pictures)
    yield from values.items()


def measured(metric: BaseMetric, samples: list[dict[str, Any]]) -> dict[str, float]:
    """Values of samples, each under the metric's prefix."""
    metric.process(dict(seed=torch.arange(len(samples))), samples)
    found = metric.compute_metrics(metric.results)
    return {f'{metric.prefix}/{k}': v for k, v in found.items()}


def true_pictures(
    metric: GenerativeQuality, first: Config, count: int
) -> Iterator[dict[str, Tensor]]:
    """Up to ``count`` true pictures, held-out ones, or those of training if those are references.

    Raises:
        ValueError: The references are the only pictures there are.
    """
    held_out = first.test_dataloader.dataset
    known = metric.reference.members(0)[0]
    for config in (held_out, {**first.train_dataloader.dataset, 'pipeline': held_out.pipeline}):
        dataset = DATASETS.build(config)
        indices = range(min(count, len(dataset)))
        images = (original(dataset[i]['meta'], 'image', f'item {i}') for i in indices)
        pictures = (shrink(image[None], metric.subject.size, "meta['image']")[0] for image in images)
        start = next(pictures)
        if not torch.equal(to_uint8(start).movedim(-1, 0), known):
            yield from (dict(pred=picture) for picture in chain([start], pictures))
            return
    raise ValueError('all pictures are references; there are no others to compare with them')


def reconstructed(
    inferencer: FieldInferencer, first: Config, args: argparse.Namespace
) -> Iterator[np.ndarray]:
    """Rows: originals, the encoder's inputs, fields at the inputs' size and at four times it."""
    held_out = DATASETS.build(first.test_dataloader.dataset)
    chosen = np.linspace(0, len(held_out) - 1, min(args.count, len(held_out))).round().astype(int)
    samples = [held_out[int(i)] for i in chosen]
    fields = list(inferencer.reconstruct([s['inputs'] for s in samples]))
    height, width = samples[0]['inputs'].shape[1:]
    yield from (tile(s['meta']['image'], args.tile) for s in samples)
    yield from (tile(s['inputs'].movedim(0, -1), args.tile) for s in samples)
    for factor in (1, 4):
        size = (factor * height, factor * width)
        yield from (tile(field.render(size)[0], args.tile) for field in fields)


def generated(
    inferencer: FieldInferencer, first: Config, args: argparse.Namespace
) -> Iterator[np.ndarray]:
    """Rows: the same seeds at half the trained size, at it and at four times it; then more."""
    fields = list(inferencer.sample(range(3 * args.count)))
    height, width = (axis.size for axis in reversed(fields[0].layout.axes.values()))
    for factor in (0.5, 1, 4):
        size = (round(factor * height), round(factor * width))
        for field in fields[: args.count]:
            yield tile(field.render(size, cell=1 if factor < 1 else None)[0], args.tile)
    yield from (tile(f.render((4 * height, 4 * width))[0], args.tile) for f in fields[args.count :])


def tile(values: Tensor, size: int) -> np.ndarray:
    """A picture ``(h, w, C)`` in [-1, 1], its longer side at ``size`` pixels, uint8.

    Enlarged pixels stay visible; what is reduced is averaged.
    """
    image = Image.fromarray(as_picture(values))
    longest = max(image.size)
    target = tuple(max(round(n * size / longest), 1) for n in image.size)
    resample = Image.Resampling.NEAREST if longest < size else Image.Resampling.BOX
    return np.asarray(image.resize(target, resample))


if __name__ == '__main__':
    with readable_errors():
        main()
