"""Train both stages on procedural chairs, then write meshes, a contact sheet and numbers.

    python tools/quickstart.py [--out outputs/quickstart] [--config ddmi/procedural_chair.py]

Made for two CPU cores; started again, it goes on where it was. The numbers: how well held-out
chairs are reconstructed (IoU), and how far three sets of 64 are from 64 held-out chairs: generated
ones, chairs of the training set, and decoded N(0, I), which is what stage 1 alone can generate.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ddmi_toolkit.apis import FieldInferencer, evaluate, load_config, train, write_samples
from ddmi_toolkit.registry import DATASETS, METRICS

NUM_SHOWN = 16


def main() -> None:
    """Run everything; print the table and the time."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--out', type=Path, default=Path('outputs/quickstart'))
    parser.add_argument('--config', default='ddmi/procedural_chair.py', help='a stage-2 config')
    args = parser.parse_args()
    start = time.time()
    cfg = load_config(args.config)
    first = load_config(cfg.first_stage.config)
    checkpoint = train(cfg)
    trained = time.time()

    results = {'reconstruction': evaluate(first), 'generated': evaluate(cfg, checkpoint)}
    inferencer = FieldInferencer(args.config, checkpoint)
    write_samples(zip(range(NUM_SHOWN), inferencer.sample(range(NUM_SHOWN)), strict=True), args.out)
    baselines = dict(baseline_values(cfg, first))
    table = {'generated': dict(results['generated'].metrics), **baselines}
    report = dict(
        reconstruction=dict(results['reconstruction'].metrics),
        distance_to_held_out=table,
        minutes=dict(training=(trained - start) / 60, all=(time.time() - start) / 60),
    )
    for name, result in results.items():
        result.save(args.out / f'{name}.json')
    (args.out / 'report.json').write_text(json.dumps(report, indent=2) + '\n', encoding='utf-8')
    sys.stdout.write(summary(report, args.out))


def baseline_values(cfg, first) -> Iterator[tuple[str, dict[str, float]]]:
    """Name and metrics of training chairs and of decoded N(0, I), by stage 2's own metric."""
    metric = METRICS.build(cfg.test_evaluator[0])
    count = cfg.test_dataloader.dataset.num_samples
    training = DATASETS.build(
        {**first.train_dataloader.dataset, 'num_shapes': count, 'surface_points': 2048}
    )
    clouds = [(i, np.asarray(training[i]['meta']['surface_points'])) for i in range(count)]
    yield 'training chairs', metric.compute_metrics(clouds)
    prior = FieldInferencer(first.filename)
    fields = prior.sample(range(count))
    for seed, field in enumerate(fields):
        metric.process({}, [dict(field=field, seed=seed)])
    yield 'decoded N(0, I)', metric.compute_metrics(metric.results)


def summary(report: dict, out: Path) -> str:
    """What the run is worth, as text."""
    rec, table, minutes = (report[k] for k in ('reconstruction', 'distance_to_held_out', 'minutes'))
    lines = [f'reconstruction of held-out chairs: {rec}', '']
    lines += [f'{name}: {values}' for name, values in table.items()]
    lines += [f'{minutes["training"]:.1f} min training, {minutes["all"]:.1f} min in all', str(out)]
    return '\n'.join(lines) + '\n'


if __name__ == '__main__':
    main()
