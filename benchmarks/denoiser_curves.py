"""What compare_denoisers.py writes: a table of the ends of its trainings, and their curves."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


def table(report: Mapping[str, Any]) -> str:
    """Markdown of the ends of all runs."""
    lines = [report['machine'], '', f'Held out: {report["held_out"]}.', '']
    for title in ('equal_iterations', 'equal_time'):
        runs = report[title]
        last = {arm: run['held_out'][str(run['iterations'])] for arm, run in runs.items()}
        rows: dict[str, Iterable[float]] = {
            'parameters (M)': [report['parameters'][arm] / 1e6 for arm in runs],
            'seconds per iteration': [report['seconds_per_iteration'][arm] for arm in runs],
            'iterations': [run['iterations'] for run in runs.values()],
            'training loss (exponential mean)': [r['training_loss'][-1][1] for r in runs.values()],
        }
        for key in next(iter(last.values())):
            rows[f'held out: {key}'] = [values[key] for values in last.values()]
        for key in next(iter(runs.values()))['metrics']:
            rows[key] = [run['metrics'][key] for run in runs.values()]
        lines += [f'## {title.replace("_", " ").capitalize()}', '', f'| | {" | ".join(runs)} |']
        lines.append('| --- |' + ' --- |' * len(runs))
        lines += [f'| {k} | {" | ".join(f"{v:.4g}" for v in row)} |' for k, row in rows.items()]
        lines.append('')
    return '\n'.join(lines)


def plot(report: Mapping[str, Any], path: Path) -> None:
    """Training loss and held-out loss by iteration, held-out loss by time."""
    import matplotlib

    matplotlib.use('Agg')
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 3, figsize=(13, 4), layout='constrained')
    for i, (title, style) in enumerate((('equal_iterations', '-'), ('equal_time', '--'))):
        for j, (arm, run) in enumerate(report[title].items()):
            seconds = report['seconds_per_iteration'][arm]
            steps = [int(k) for k in run['held_out']]
            loss = [v['loss'] for v in run['held_out'].values()]
            look = dict(color=f'C{j}', linestyle=style, label=f'{arm}, {run["iterations"]}')
            if i == 0:
                axes[0].plot(*zip(*run['training_loss'], strict=True), **look)
                axes[1].plot(steps, loss, marker='.', **look)
            axes[2].plot([seconds * s for s in steps], loss, marker='.', **look)
    names = ('training loss, exponential mean', 'held-out loss', 'held-out loss')
    for axis, name, unit in zip(axes, names, ('iteration', 'iteration', 'seconds'), strict=True):
        axis.set(xlabel=unit, ylabel=name, yscale='log')
        axis.grid(alpha=0.3)
    axes[2].legend(fontsize='x-small')
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
