"""Numbers and pictures of a trained config of stage 2, whatever its fields are, side by side.

    python tools/report.py configs/ddmi/procedural_image.py --out outputs/procedural_image

Writes the metrics of both stages with their protocols (json); two baselines for the metrics of
stage 2: true data that is not among its references, and decoded N(0, I), which is what stage 1
alone can generate; and pictures.

Of pictures: ``reconstructed.png``, held-out originals, what the encoder saw, and the fields at the
encoder's size and at four times it; ``generated.png``, the same seeds at three sizes.
Of clips, radiance fields and surfaces: ``reconstructed.png``, rows of what is true (frames or
held-out views) and what the fields show there, and ``generated.png``; ``samples/`` holds the first
generated ones as files (turntables of ``--tile`` pixels). Of clips, ``magnified.png`` and
``magnified/`` show one at twice the size and four times the frame rate.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
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
from ddmi_toolkit.apis.outputs import make_writer, write_samples
from ddmi_toolkit.evaluation.set_quality import AbstractSetQuality
from ddmi_toolkit.registry import DATASETS, METRICS
from ddmi_toolkit.structures import Field, Signal
from ddmi_toolkit.visualization import FieldVisualizer, as_picture, image_grid, save_image

NUM_FILES = 4  # generated samples that are written as files
Row = list[np.ndarray]


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
    if min(args.count, args.tile) < 1:
        raise ValueError(f'--count {args.count} and --tile {args.tile} must be at least 1')
    cfg = load_config(args.config)
    if 'first_stage' not in cfg:
        raise ValueError(f'{args.config} has one stage; name a config of stage 2')
    first = load_config(cfg.first_stage.config, cfg.first_stage.options)
    inferencer = FieldInferencer(cfg)
    for name, rows in sheets(inferencer, first, args.count, args.tile):
        save_image(sheet(rows), args.out / f'{name}.png')
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
    write_files(inferencer, args.out, args.tile)
    sys.stdout.write(json.dumps(report, indent=2) + f'\nwritten to {args.out}\n')


def baselines(cfg: Config, first: Config) -> Iterator[tuple[str, dict[str, float]]]:
    """Name and values, by stage 2's metrics, of other true data and of decoded N(0, I)."""
    decoded = list(decoded_normal(FieldInferencer(first), cfg.test_dataloader.dataset))
    values: dict[str, dict[str, float]] = {'true_data': {}, 'decoded_normal': {}}
    for config in cfg.test_evaluator:
        if getattr(METRICS.get(config.type), 'READS_CONDITIONS', False):
            continue  # neither was asked for anything
        values['decoded_normal'] |= measured(METRICS.build(config), decoded)
        metric = METRICS.build(config)
        if isinstance(metric, AbstractSetQuality):
            samples = list(true_data(metric, first, len(decoded)))
            values['true_data'] |= measured(metric, samples)
            values['true_data'][f'{metric.prefix}/num_items'] = len(samples)
    yield from values.items()


def decoded_normal(inferencer: FieldInferencer, seeds: Mapping[str, Any]) -> Iterator[dict]:
    """What stage 1 predicts for a test loop of stage 2: fields, and renderings of its query."""
    items = DATASETS.build(seeds)
    fields = inferencer.sample([items[i]['seed'] for i in range(len(items))])
    for i, field in enumerate(fields):
        query = items[i].get('query')
        pred = None if query is None else rendered(inferencer, field, query)
        yield dict(field=field, pred=pred)


def measured(metric: BaseMetric, samples: list[dict[str, Any]]) -> dict[str, float]:
    """Values of samples, each under the metric's prefix."""
    metric.process(dict(seed=torch.arange(len(samples))), samples)
    found = metric.compute_metrics(metric.results)
    return {f'{metric.prefix}/{k}': v for k, v in found.items()}


def true_data(metric: AbstractSetQuality, first: Config, count: int) -> Iterator[dict[str, Tensor]]:
    """Up to ``count`` true ones, held out, or those of training if the former are references.

    Raises:
        ValueError: The references are the only ones there are.
    """
    held_out = first.test_dataloader.dataset
    known = metric.reference.members(0)
    for config in (held_out, {**first.train_dataloader.dataset, 'pipeline': held_out.pipeline}):
        dataset = DATASETS.build(config)
        indices = range(min(count, len(dataset)))
        found = (metric.subject.true(dataset[i], f'item {i}') for i in indices)
        start = next(found)
        if not torch.equal(start, known):
            yield from map(metric.subject.sample_of, chain([start], found))
            return
    raise ValueError(
        f'all {metric.subject.plural} are references; there are no others to compare with them'
    )


def sheets(
    inferencer: FieldInferencer, first: Config, count: int, size: int
) -> Iterator[tuple[str, list[Row]]]:
    """Name and rows of each picture, at most ``count`` tiles in a row."""
    held_out = DATASETS.build(first.test_dataloader.dataset)
    items = [held_out[i] for i in evenly(len(held_out), count)]
    fields = list(inferencer.reconstruct([item['inputs'] for item in items]))
    if fields[0].signal is Signal.PICTURE:
        yield 'reconstructed', picture_rows(items, fields, size)
        yield 'generated', scale_rows(list(inferencer.sample(range(3 * count))), count, size)
        return
    query, rows = items[0]['query'], []
    for item, field in zip(items, fields, strict=True):
        shown = strip(inferencer, field, item['query'], count)
        rows += [true_strip(item, count), shown]
    yield 'reconstructed', [[tile(v, size) for v in row] for row in rows]
    fields = list(inferencer.sample(range(count)))
    rows = [strip(inferencer, field, query, count) for field in fields]
    yield 'generated', [[tile(v, size) for v in row] for row in rows]
    if fields[0].signal is Signal.CLIP:
        yield 'magnified', magnified_rows(fields[0], count, size)


def sheet(rows: list[Row]) -> np.ndarray:
    """All rows below each other; what has one tile in each row is laid side by side."""
    tiles = [one for row in rows for one in row]
    longest = max(len(row) for row in rows)
    return image_grid(tiles, columns=len(tiles) if longest == 1 else longest)


def picture_rows(items: list[dict], fields: list[Field], size: int) -> list[Row]:
    """Originals, the encoder's inputs, fields at the inputs' size and at four times it."""
    height, width = items[0]['inputs'].shape[1:]
    scaled = [
        [tile(f.render((factor * height, factor * width))[0], size) for f in fields]
        for factor in (1, 4)
    ]
    originals = [tile(item['meta']['image'], size) for item in items]
    return [originals, [tile(item['inputs'].movedim(0, -1), size) for item in items], *scaled]


def scale_rows(fields: list[Field], count: int, size: int) -> list[Row]:
    """The same seeds at half the trained size, at it and at four times it; then more."""
    height, width = (axis.size for axis in reversed(fields[0].layout.axes.values()))

    def row(part: list[Field], factor: float) -> Row:
        pixels = (round(factor * height), round(factor * width))
        cell = 1 if factor < 1 else None
        return [tile(field.render(pixels, cell=cell)[0], size) for field in part]

    parts = [fields[i : i + count] for i in range(0, len(fields), count)]
    return [row(parts[0], 0.5), row(parts[0], 1), *(row(part, 4) for part in parts)]


def magnified_rows(field: Field, count: int, size: int) -> list[Row]:
    """Frames from a clip's middle at twice its size and four times its rate, below its own."""
    width, height, frames = (axis.size for axis in field.layout.axes.values())
    own = field.render((frames, height, width))[0]
    fine = field.render((4 * frames, 2 * height, 2 * width))[0]
    shown = range(2 * frames, min(2 * frames + count, len(fine)))
    return [[tile(own[i // 4], size) for i in shown], [tile(fine[i], size) for i in shown]]


def true_strip(item: Mapping[str, Any], count: int) -> list[Tensor]:
    """Frames or views ``(h, w, 3)`` of an item, none where its target is something else."""
    target = item['target']
    return [] if target.ndim != 4 else list(target[evenly(len(target), count)])


def strip(
    inferencer: FieldInferencer, field: Field, query: Mapping[str, Tensor], count: int
) -> list[Tensor]:
    """Frames or views ``(h, w, 3)`` of a field where a query looks, else one picture of it."""
    if field.signal not in (Signal.CLIP, Signal.RADIANCE):
        drawn = FieldVisualizer('report').draw_field(field)
        return [torch.from_numpy(drawn).float() / 127.5 - 1]
    values = rendered(inferencer, field, query)
    return list(values[evenly(len(values), count)])


def rendered(inferencer: FieldInferencer, field: Field, query: Mapping[str, Tensor]) -> Tensor:
    """What a query without a batch dimension observes of a field, ``(*S, C)``."""
    query = {k: torch.as_tensor(v)[None].to(inferencer.device) for k, v in query.items()}
    with torch.no_grad():
        return inferencer.autoencoder.render(field, query)[0]


def write_files(inferencer: FieldInferencer, out: Path, size: int) -> None:
    """Generated ones as people open them, and a clip at twice its size and four times its rate."""
    fields = list(inferencer.sample(range(NUM_FILES)))
    signal, layout = fields[0].signal, fields[0].layout
    if signal is not Signal.PICTURE:
        small = dict(size=size, views=4, num_frames=24) if signal is Signal.RADIANCE else {}
        writer = make_writer(layout, small, fields[0].out_channels)
        write_samples(enumerate(fields), out / 'samples', writer)
    if signal is Signal.CLIP:
        width, height, frames = (axis.size for axis in layout.axes.values())
        options = dict(size=(4 * frames, 2 * height, 2 * width))
        writer = make_writer(layout, options, fields[0].out_channels)
        write_samples(enumerate(fields[:1]), out / 'magnified', writer)


def evenly(length: int, count: int) -> list[int]:
    """Up to ``count`` indices from first to last."""
    return np.linspace(0, length - 1, min(count, length)).round().astype(int).tolist()


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
