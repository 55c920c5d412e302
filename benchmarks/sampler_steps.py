"""Quality against the number of steps: samplers of one trained latent diffusion.

    python benchmarks/sampler_steps.py configs/ddmi/procedural_chair.py --out benchmarks/results

Every sampler starts from the same noises. Measured are

- ``frechet``: Fréchet distance of latents to training latents, both on the first principal
  components of the latter; rows named ``seeds`` repeat the baseline from other noises, and their
  spread is the noise of this number. The row ``training`` has as many training latents that the
  reference does not contain: the distance of perfect samples;
- ``from_limit``: root mean square distance to the latents of the same noises on the exact path (a
  deterministic sampler with many steps), relative to the spread of latents; of deterministic
  samplers only;
- with ``--surfaces``, the metrics of the config's test on the first samples.

``--only "DDIM 200" "UniPC 10"`` measures these rows.
"""

import argparse
import json
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import default_collate

from ddmi_toolkit.apis import FieldInferencer, config_hash, load_config, readable_errors
from ddmi_toolkit.apis.evaluating import file_hash
from ddmi_toolkit.apis.loading import find_or_name
from ddmi_toolkit.evaluation.distribution import FeatureStatistics, frechet_distance
from ddmi_toolkit.registry import DATASETS, METRICS, MODELS

BASELINE = dict(type='DDIM', num_steps=200)
LIMIT = dict(type='DPMSolverPP', num_steps=200)
SAMPLERS: dict[str, dict[str, Any]] = {
    f'{kind} {steps}': dict(type=kind, num_steps=steps)
    for kind, counts in dict(
        DDIM=(10, 15, 20, 50), DPMSolverPP=(5, 8, 10, 15, 20), UniPC=(5, 8, 10, 15), Heun=(8, 16)
    ).items()
    for steps in counts
}
SAMPLERS['DPMSolverPPSDE 15'] = dict(type='DPMSolverPPSDE', num_steps=15)
SAMPLERS['DPMSolverPPSDE 25'] = dict(type='DPMSolverPPSDE', num_steps=25)
EVALUATIONS = dict(Heun=2)  # of the network per step; the others take one


def sample(
    inferencer: FieldInferencer, seeds: Tensor, config: Mapping[str, Any], batch_size: int
) -> Tensor:
    """Normalized latents ``(len(seeds), C, N)`` of a sampler."""
    model, sampler = inferencer.model, MODELS.build(config, role='AbstractSampler')
    parts = [model.sample(s, sampler=sampler) for s in seeds.split(batch_size)]
    return model.normalize(torch.cat(parts))


@torch.no_grad()
def training_latents(inferencer: FieldInferencer, count: int) -> Tensor:
    """Normalized posterior samples ``(count, C, N)`` of the first training items."""
    cfg = inferencer.cfg.train_dataloader.dataset
    dataset = DATASETS.build(cfg.get('dataset', cfg))  # of a cache, what it encodes
    if count > len(dataset):
        raise ValueError(
            f'--reference and --samples ask for {count} training items, there are {len(dataset)}; '
            f'lower one of them'
        )
    latents = []
    for start in range(0, count, 32):
        items = [dataset[i] for i in range(start, min(start + 32, count))]
        inputs = default_collate([item['inputs'] for item in items]).to(inferencer.device)
        seeds = torch.tensor([item['seed'] for item in items])
        latents.append(inferencer.model.encode(inputs, seed=seeds))
    return torch.cat(latents)


class Principal:
    """Fréchet distance to reference latents on their first principal components."""

    def __init__(self, reference: Tensor, components: int) -> None:
        flat = reference.flatten(1).double()
        self.center = flat.mean(0)
        self.axes = torch.linalg.svd(flat - self.center, full_matrices=False).Vh[:components]
        self.reference = FeatureStatistics.of(self.project(reference))

    def project(self, z: Tensor) -> Tensor:
        """``(B, C, N)`` to ``(B, components)``."""
        return (z.flatten(1).double() - self.center) @ self.axes.mT

    def distance(self, z: Tensor) -> float:
        """To the reference."""
        return frechet_distance(FeatureStatistics.of(self.project(z)), self.reference)


def surface_metrics(inferencer: FieldInferencer, z: Tensor, seeds: Tensor) -> dict[str, float]:
    """The metrics of the config's test, of decoded latents."""
    values: dict[str, float] = {}
    for config in inferencer.cfg.test_evaluator:
        metric = METRICS.build(config)
        fields = inferencer.decode(inferencer.model.denormalize(z))
        for seed, field in zip(seeds, fields, strict=True):
            metric.process(dict(seed=seed[None]), [dict(seed=int(seed), field=field)])
        values |= metric.evaluate(len(seeds))
    return values


def measure(inferencer: FieldInferencer, args: argparse.Namespace) -> dict[str, dict[str, float]]:
    """All rows, by the name of the sampler."""
    seeds = torch.arange(args.samples)
    todo = {'DDIM 200': (BASELINE, seeds), **{k: (v, seeds) for k, v in SAMPLERS.items()}}
    for i in range(1, args.repeats + 1):
        todo[f'DDIM 200, seeds {i}'] = (BASELINE, seeds + i * args.samples)
    if unknown := set(args.only or ()) - set(todo):
        raise ValueError(f'--only {sorted(unknown)}: rows are named {list(todo)}')
    todo = {name: todo[name] for name in args.only or todo}
    reference, others = training_latents(inferencer, args.reference + args.samples).split(
        [args.reference, args.samples]
    )
    principal = Principal(reference, args.components)
    spread = float(reference.std())
    limit = sample(inferencer, seeds, LIMIT, args.batch_size)
    rows = {'training': dict(frechet=principal.distance(others))}
    for name, (config, own) in todo.items():
        z = sample(inferencer, own, config, args.batch_size)
        evaluations = config['num_steps'] * EVALUATIONS.get(config['type'], 1)
        row = dict(evaluations=float(evaluations), frechet=principal.distance(z))
        if own is seeds and MODELS.build(config).is_deterministic:
            row['from_limit'] = float((z - limit).square().mean().sqrt()) / spread
        if args.surfaces:
            row |= surface_metrics(inferencer, z[: args.surfaces], own[: args.surfaces])
        rows[name] = row
        print(name, {k: round(v, 4) for k, v in row.items()}, flush=True)  # noqa: T201
    return rows


def plot(rows: Mapping[str, Mapping[str, float]], path: Path) -> None:
    """Fréchet distance over evaluations of the network, one line per sampler."""
    from matplotlib.figure import Figure

    axes = (figure := Figure(figsize=(6, 4), layout='constrained')).subplots()
    kinds = dict.fromkeys(name.split()[0] for name in rows if name != 'training')
    base = [r['frechet'] for name, r in rows.items() if name.startswith('DDIM 200')]
    if base:
        axes.axhspan(min(base), max(base), color='0.9', label='DDIM, 200 steps, several seeds')
    axes.axhline(rows['training']['frechet'], color='0.5', ls=':', label='other training latents')
    for kind in kinds:
        points = sorted(
            (r['evaluations'], r['frechet'])
            for name, r in rows.items()
            if name.split()[0] == kind and 'seeds' not in name
        )
        axes.plot(*zip(*points, strict=True), marker='o', label=kind)
    axes.set(xscale='log', xlabel='evaluations of the network', ylabel='Fréchet distance')
    axes.legend(fontsize=8)
    figure.savefig(path, dpi=120)


def table(rows: Mapping[str, Mapping[str, float]]) -> str:
    """The rows as a markdown table."""
    keys = list(dict.fromkeys(k for row in rows.values() for k in row))
    lines = [f'| sampler, steps | {" | ".join(keys)} |', f'| --- |{" --- |" * len(keys)}']
    for name, row in rows.items():
        cells = [f'{row[k]:.4g}' if k in row else '' for k in keys]
        lines.append(f'| {name} | {" | ".join(cells)} |')
    return '\n'.join(lines) + '\n'


def main() -> None:
    """Sample, measure, write a table, a plot and the numbers."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config')
    parser.add_argument('checkpoint', nargs='?')
    parser.add_argument('--samples', type=int, default=512)
    parser.add_argument('--reference', type=int, default=1024)
    parser.add_argument('--components', type=int, default=64)
    parser.add_argument('--repeats', type=int, default=2, help='of the baseline from other noises')
    parser.add_argument('--surfaces', type=int, default=0, help='samples for the test metrics')
    parser.add_argument('--only', nargs='+', metavar='ROW', help='default: all')
    parser.add_argument('--batch-size', type=int, default=64)
    parser.add_argument('--out', type=Path, required=True)
    args = parser.parse_args()
    cfg = load_config(args.config)
    checkpoint = find_or_name(cfg, args.checkpoint)
    inferencer = FieldInferencer(cfg, checkpoint)
    if not hasattr(inferencer.model, 'diffuser'):
        raise ValueError(f'{args.config} has no diffusion; give a config of stage 2')
    rows = measure(inferencer, args)
    args.out.mkdir(parents=True, exist_ok=True)
    facts = dict(
        config=args.config,
        config_hash=config_hash(cfg),
        checkpoint=checkpoint.name,
        checkpoint_hash=file_hash(checkpoint),
        machine=platform.processor() or platform.machine(),
        torch=torch.__version__,
        arguments={k: v for k, v in vars(args).items() if isinstance(v, int)},
        rows=rows,
    )
    (args.out / 'sampler_steps.json').write_text(json.dumps(facts, indent=1))
    (args.out / 'sampler_steps.md').write_text(table(rows))
    plot(rows, args.out / 'sampler_steps.png')


if __name__ == '__main__':
    with readable_errors():
        main()
