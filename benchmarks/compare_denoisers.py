"""Denoisers on the same latents, at equal iterations and at equal time.

    python benchmarks/compare_denoisers.py [--iterations 2000] [--out benchmarks/results/denoisers]
    python benchmarks/compare_denoisers.py --arms ddmi/a.py ddmi/b.py --work-dir other

Arms are unconditional stage-2 configs of one first stage, which is trained if it is not. All see
the same items, noise and times in the same order. Seconds per iteration are measured first, the
arms in turn, and kept; every arm is trained for ``--iterations``, and each but the slowest once
more for as long as the slowest takes (its learning rate falls over that longer run). Held-out
latents and their noise are the same for all; weights are the averages. Started again, it goes on
where it stopped; what is done is kept in ``--work-dir``, some hundred MB per run. One seed says
nothing about the spread between seeds.
"""

import argparse
import json
import platform
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from denoiser_curves import plot, table
from mmengine.config import Config, DictAction
from mmengine.optim import build_optim_wrapper
from torch import Tensor, nn
from torch.utils.data import default_collate

from ddmi_toolkit.apis import (
    config_name,
    default_device,
    evaluate,
    load_config,
    load_model,
    readable_errors,
    train,
)
from ddmi_toolkit.evaluation import Result
from ddmi_toolkit.registry import DATASETS, MODELS
from ddmi_toolkit.structures import seeded_normal
from ddmi_toolkit.utils import load_checkpoint

LEVELS = (-2.0, -1.0, 0.0, 1.0, 2.0)
"""Noise levels ``log(alpha / sigma)`` of the held-out errors."""

NUM_DRAWS = 8
"""Times and noises per held-out item and level."""

NUM_CHECKPOINTS = 8
CLOSE = 0.03
"""Runs whose iterations differ by less than this share are one run."""

Options = Mapping[str, Any]


@dataclass(frozen=True)
class Run:
    """One training of one arm."""

    arm: str
    cfg: Config
    seconds_per_iteration: float

    @property
    def iterations(self) -> int:
        """Length of the training."""
        return self.cfg.train_cfg.max_iters

    @property
    def folder(self) -> Path:
        """Where it is trained."""
        return Path(self.cfg.work_dir)


def arm_config(arm: str, iterations: int, folder: Path, options: Options) -> Config:
    """Config of one training; checkpoints and the history of its loss are kept."""
    hook = 'default_hooks.checkpoint.'
    interval = -(-iterations // NUM_CHECKPOINTS)
    own = {
        f'{hook}interval': interval,
        f'{hook}keep_every': interval,
        f'{hook}keep_log': iterations,
    }
    place = folder / f'{config_name(arm).replace("/", "_")}_{iterations}'
    own |= {'train_cfg.max_iters': iterations, 'work_dir': str(place)}
    return load_config(arm, {**options, **own})


def check_arms(configs: Mapping[str, Config]) -> None:
    """Refuse arms that cannot be compared.

    Raises:
        ValueError: An arm has no first stage, or has a condition, or their latents differ.
    """
    for arm, cfg in configs.items():
        if 'first_stage' not in cfg:
            raise ValueError(f'{arm} has no first stage; arms are stage-2 configs, as ddmi/<leaf>')
        if cfg.model.get('conditioner') is not None:
            raise ValueError(f'{arm} has a conditioner; arms are unconditional')
    parts = {arm: (cfg.first_stage.hash, cfg.train_dataloader) for arm, cfg in configs.items()}
    first, *others = parts
    for other in others:
        if parts[other] != parts[first]:
            raise ValueError(
                f'{first} and {other} train on different latents; give both the same '
                f'first_stage_config, train_dataloader and latent_cache'
            )


def held_out(cfg: Config, first_stage: nn.Module) -> dict[str, Tensor]:
    """Posterior moments and seeds of the first stage's test set."""
    first = load_config(cfg.first_stage.config, cfg.first_stage.options)
    dataset, size = DATASETS.build(first.test_dataloader.dataset), first.test_dataloader.batch_size
    moments = []
    for start in range(0, len(dataset), size):
        batch = [dataset[i]['inputs'] for i in range(start, min(start + size, len(dataset)))]
        with torch.no_grad():
            data = first_stage.data_preprocessor(dict(inputs=default_collate(batch)), False)
            moments.append(first_stage.encode(data['inputs']).moments)
    return dict(moments=torch.cat(moments), seed=torch.arange(len(dataset)))


def seconds_per_iteration(
    configs: Mapping[str, Config], data: Mapping[str, Tensor], repeats: int
) -> dict[str, float]:
    """Median seconds of a whole training step, the arms in turn."""
    device, steps, times = default_device(), {}, {arm: [] for arm in configs}
    for arm, cfg in configs.items():
        size = cfg.train_dataloader.batch_size
        rows = torch.arange(size) % len(data['seed'])
        batch = {k: v[rows] for k, v in data.items()}
        model = MODELS.build({**cfg.model, 'first_stage_checkpoint': None}).to(device)
        steps[arm] = model.train(), batch, build_optim_wrapper(model, cfg.optim_wrapper)
    for i in range(repeats + 2):
        for arm, (model, batch, optim) in steps.items():
            start = time.perf_counter()
            model.train_step(batch, optim)
            if device.type == 'cuda':
                torch.cuda.synchronize()
            if i >= 2:  # the first rounds warm up
                times[arm].append(time.perf_counter() - start)
    return {arm: statistics.median(values) for arm, values in times.items()}


@torch.no_grad()
def held_out_errors(model: nn.Module, data: Mapping[str, Tensor]) -> dict[str, float]:
    """The training loss, and mean squared errors of denoised latents by noise level.

    Args:
        model: A trained ``LatentDiffusion``.
        data: Of :func:`held_out`; times and noises follow from its seeds.

    Returns:
        ``loss`` and ``x0_<level>`` for each of the levels.
    """
    diffuser, seeds, device = model.diffuser, data['seed'], model.latent_mean.device
    z0 = model.encode(moments=data['moments'].to(device), seed=seeds)
    sums: dict[str, float] = {}
    times = diffuser.schedule.times_at(torch.tensor(LEVELS, device=device))
    for draw in range(NUM_DRAWS):
        own = seeds + len(seeds) * draw
        parts = dict(loss=diffuser.loss(model.denoiser, z0, seeds=own).mean())
        eps = seeded_normal(own, z0.shape[1:], 'held out', device, z0.dtype)
        for level, t in zip(LEVELS, times, strict=True):
            t = t.expand(len(z0))
            alpha, sigma = diffuser.schedule(t, z0.ndim)
            x0 = diffuser.denoise(model.denoiser, alpha * z0 + sigma * eps, t)
            parts[f'x0_{level:+g}'] = (x0 - z0).square().mean()
        sums = {k: sums.get(k, 0.0) + float(v) / NUM_DRAWS for k, v in parts.items()}
    return sums


def held_out_curve(run: Run, data: Mapping[str, Tensor]) -> dict[str, dict[str, float]]:
    """Errors of every checkpoint, by iteration; those measured before are read."""
    path = run.folder / 'held_out.json'
    curve = json.loads(path.read_text()) if path.is_file() else {}
    for file in sorted(run.folder.glob('iter_*.pth'), key=lambda p: int(p.stem[5:])):
        iteration = file.stem[5:]
        if iteration not in curve:
            curve[iteration] = held_out_errors(load_model(run.cfg, file), data)
            path.write_text(json.dumps(curve, indent=1))
    return curve


def training_curve(checkpoint: Path, decay: float = 0.99, points: int = 200) -> list[list[float]]:
    """Exponential mean of the training loss as ``[iteration, loss]``, unbiased at the start."""
    log = load_checkpoint(checkpoint)['message_hub']['log_scalars']['train/loss_diffusion']['log']
    values = [float(v) for v in log]
    mean = weight = 0.0
    curve = []
    for i, value in enumerate(values, 1):
        mean, weight = decay * mean + (1 - decay) * value, decay * weight + (1 - decay)
        if i % max(len(values) // points, 1) == 0 or i == len(values):
            curve.append([i, mean / weight])
    return curve


def measured(run: Run, data: Mapping[str, Tensor]) -> dict[str, Any]:
    """Train a run and measure it, or read what has been done before."""
    checkpoint = train(run.cfg)
    path = run.folder / 'result.json'
    if not path.is_file():
        evaluate(run.cfg, checkpoint).save(path)
    result = Result.load(path)
    return dict(
        arm=run.arm,
        iterations=run.iterations,
        seconds=run.iterations * run.seconds_per_iteration,
        training_loss=training_curve(checkpoint),
        held_out=held_out_curve(run, data),
        metrics=dict(result.metrics),
        protocol=dict(result.protocol),
    )


def compare(
    arms: Sequence[str], iterations: int, folder: Path, options: Options, repeats: int = 20
) -> dict[str, Any]:
    """Everything that is reported.

    Args:
        arms: Stage-2 configs.
        iterations: Length of the equally long trainings.
        folder: Where trainings and intermediate results are kept.
        options: Overrides of all arms.
        repeats: Timed steps of each arm.
    """
    configs = {arm: arm_config(arm, iterations, folder, options) for arm in arms}
    check_arms(configs)
    cfg = configs[arms[0]]
    first = load_config(cfg.first_stage.config, cfg.first_stage.options)
    data = held_out(cfg, load_model(first, train(first)))
    timing = folder / 'seconds_per_iteration.json'
    seconds = json.loads(timing.read_text()) if timing.is_file() else {}
    if set(seconds) != set(arms):
        seconds = seconds_per_iteration(configs, data, repeats)
        folder.mkdir(parents=True, exist_ok=True)
        timing.write_text(json.dumps(seconds, indent=1))
    equal = {arm: Run(arm, configs[arm], seconds[arm]) for arm in arms}
    budget = iterations * max(seconds.values())
    done = {arm: measured(run, data) for arm, run in equal.items()}
    longer = dict(done)
    for arm in arms:
        number = round(budget / seconds[arm])
        if number > (1 + CLOSE) * iterations:
            run = Run(arm, arm_config(arm, number, folder, options), seconds[arm])
            longer[arm] = measured(run, data)
    return dict(
        machine=f'torch {torch.__version__}, {torch.get_num_threads()} threads, '
        f'{platform.machine()}, {default_device().type}',
        held_out=f'{len(data["seed"])} items, {NUM_DRAWS} draws, log(alpha / sigma) in {LEVELS}',
        parameters={arm: _num_parameters(cfg) for arm, cfg in configs.items()},
        seconds_per_iteration=seconds,
        equal_iterations=done,
        equal_time=longer,
    )


def _num_parameters(cfg: Config) -> int:
    with torch.device('meta'):
        model = MODELS.build({**cfg.model, 'first_stage_checkpoint': None})
    return sum(p.numel() for p in model.denoiser.parameters())


def main() -> None:
    """Train, measure, write ``<out>.json``, ``<out>.md`` and ``<out>.png``."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arms = ['ddmi/procedural_chair.py', 'ddmi/procedural_chair_dit.py']
    parser.add_argument('--arms', nargs='+', default=arms, help='stage-2 configs')
    parser.add_argument('--iterations', type=int, default=2000)
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/compare_denoisers'))
    parser.add_argument('--out', type=Path, default=Path('benchmarks/results/denoisers'))
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, default={})
    args = parser.parse_args()
    report = compare(args.arms, args.iterations, args.work_dir, dict(args.cfg_options))
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.with_suffix('.json').write_text(json.dumps(report, indent=1) + '\n', encoding='utf-8')
    args.out.with_suffix('.md').write_text(table(report), encoding='utf-8')
    plot(report, args.out.with_suffix('.png'))
    sys.stdout.write(table(report))


if __name__ == '__main__':
    with readable_errors():
        main()
