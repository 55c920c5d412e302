"""Train both stages of shapes, then write meshes, contact sheets and numbers.

    python tools/quickstart.py
    python tools/quickstart.py --config ddmi/modelnet10_chair.py --out outputs/modelnet10_chair

The default trains on procedural chairs, made for two CPU cores; started again, it goes on where
it was. The numbers: how well held-out shapes are reconstructed, and how far three sets are from
the held-out shapes: generated ones, shapes of the training set, and decoded N(0, I), which is what
stage 1 alone can generate.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from mmengine.config import Config

from ddmi_toolkit.apis import (
    FieldInferencer,
    evaluate,
    load_config,
    readable_errors,
    train,
    write_samples,
)
from ddmi_toolkit.geometry.isosurface import extract_mesh
from ddmi_toolkit.geometry.raycast import cloud_mesh, contact_sheet
from ddmi_toolkit.registry import DATASETS, METRICS
from ddmi_toolkit.visualization import save_image

NUM_WRITTEN, NUM_COMPARED = 16, 8


def main() -> None:
    """Run everything; print and write what came out."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--config', default='ddmi/procedural_chair.py', help='a stage-2 config')
    parser.add_argument('--out', type=Path, default=Path('outputs/quickstart'))
    args = parser.parse_args()
    start = time.time()
    cfg = load_config(args.config)
    first = load_config(cfg.first_stage.config, cfg.first_stage.options)
    train(cfg)
    minutes = dict(training=(time.time() - start) / 60)

    results = dict(reconstruction=evaluate(first), generation=evaluate(cfg))
    for name, result in results.items():
        result.save(args.out / f'{name}.json')
    inferencer = FieldInferencer(cfg)
    seeds = range(NUM_WRITTEN)
    write_samples(zip(seeds, inferencer.sample(seeds), strict=True), args.out)
    save_image(comparison(inferencer, first), args.out / 'observed_reconstructed_generated.png')
    distances = {'generated': results['generation'].metrics, **dict(baselines(cfg, first))}
    minutes['all'] = (time.time() - start) / 60
    report = dict(
        reconstruction=dict(results['reconstruction'].metrics),
        distance_to_held_out=distances,
        minutes=minutes,
    )
    (args.out / 'report.json').write_text(json.dumps(report, indent=2) + '\n', encoding='utf-8')
    sys.stdout.write(summary(report) + f'written to {args.out}\n')


def baselines(cfg: Config, first: Config) -> Iterator[tuple[str, dict[str, float]]]:
    """Name and values, by stage 2's own metric, of training shapes and of decoded N(0, I)."""
    metric = METRICS.build(cfg.test_evaluator[0])
    count = cfg.test_dataloader.dataset.num_samples
    prefix = f'{metric.prefix}/'
    training = DATASETS.build({**first.train_dataloader.dataset, 'surface_points': 2048})
    clouds = [(i, np.asarray(training[i]['meta']['surface_points'])) for i in range(count)]
    values = metric.compute_metrics(clouds)
    yield 'training shapes', {prefix + k: v for k, v in values.items()}
    for seed, field in enumerate(FieldInferencer(first).sample(range(count))):
        metric.process({}, [dict(field=field, seed=seed)])
    values = metric.compute_metrics(metric.results)
    yield 'decoded N(0, I)', {prefix + k: v for k, v in values.items()}


def comparison(inferencer: FieldInferencer, first: Config) -> np.ndarray:
    """Three rows of pictures: observed clouds, their reconstructions, generated shapes."""
    held_out = DATASETS.build(first.test_dataloader.dataset)
    observed = [held_out[i]['inputs'] for i in range(min(NUM_COMPARED, len(held_out)))]
    meshes = [cloud_mesh(np.asarray(points)) for points in observed]
    for fields in (inferencer.reconstruct(observed), inferencer.sample(range(len(observed)))):
        meshes += [extract_mesh(field, 96) for field in fields]
    return contact_sheet(meshes, columns=len(observed), size=160)


def summary(report: dict) -> str:
    """The report as two tables and a line about time."""
    lines = ['', '| reconstruction of held-out shapes | |', '| --- | --- |']
    lines += [f'| {k} | {v:.4g} |' for k, v in report['reconstruction'].items()]
    sets = report['distance_to_held_out']
    names = list(sets['generated'])
    lines += ['', '| distance to held-out shapes | ' + ' | '.join(sets) + ' |']
    lines += ['| --- ' * (len(sets) + 1) + '|']
    lines += [f'| {n} | ' + ' | '.join(f'{s[n]:.4g}' for s in sets.values()) + ' |' for n in names]
    minutes = report['minutes']
    lines += ['', f'{minutes["training"]:.1f} minutes of training, {minutes["all"]:.1f} in all']
    return '\n'.join(lines) + '\n'


if __name__ == '__main__':
    with readable_errors():
        main()
