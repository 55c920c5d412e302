"""Train and evaluate the rows of an ablation with several seeds; write a table and a plot.

    python tools/ablate.py configs/ablations/table8.py --seeds 3
    python tools/ablate.py configs/ablations/table8.py --scale tiny
    python tools/ablate.py ddmi/catdog_32.py ablations/catdog_32_concat_ldm.py --stages 1
    python tools/ablate.py ddmi/catdog_32.py \
        --grid model.generator.readout.type=CFCReadout,ConcatReadout

Started again, it goes on where it was stopped. Started several times at once, each process takes
the next cell (a row with a seed) that no other works on. The exit code is 1 if a cell failed.
"""

import argparse
import sys
from pathlib import Path

from mmengine.config import DictAction

from ddmi_toolkit.apis import find_config, readable_errors
from ddmi_toolkit.apis.studies import (
    Study,
    is_study,
    load_study,
    parse_grid,
    parse_seed_list,
    run_study,
    study_of,
    with_grid,
    with_options,
    with_stages,
)


def main() -> None:
    """Run what is not done yet; print where the table is."""
    args = arguments()
    study = with_grid(with_options(named_study(args), args.cfg_options), parse_grid(args.grid))
    study = with_stages(study, args.stages)
    seeds = parse_seed_list(args.seeds)
    out = args.out or Path('work_dirs/ablations') / study.name
    stream = sys.stdout  # the real one, while trainings print to files

    def say(text: str) -> None:
        stream.write(f'{text}\n')
        stream.flush()

    say(f'{len(study.rows)} rows x {len(seeds)} seeds; output: {out}/*/seed_*/output.txt')
    outcome = run_study(study, seeds, out, say, num_samples=args.samples)
    if outcome.failures:  # why was said when each failed
        sys.stderr.write(f'failed: {"; ".join(outcome.failures)}\n')
    say(str(outcome.folder / 'table.md'))
    sys.exit(1 if outcome.failures else 0)


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('configs', nargs='+', help='a study, or configs of either stage')
    parser.add_argument(
        '--scale', help='of a study: small (default) or another that it names, like tiny and paper'
    )
    parser.add_argument('--seeds', default='1', help='a count (3), or seeds (0,4 or 1-2)')
    parser.add_argument('--out', type=Path, help='default: work_dirs/ablations/<name>')
    parser.add_argument(
        '--grid',
        action='append',
        default=[],
        metavar='KEY=VALUE,...',
        help='every config with every value; given again, every combination',
    )
    parser.add_argument(
        '--stages',
        type=int,
        choices=(1, 2),
        default=2,
        help='1 leaves stage 2 out, and takes no options of it',
    )
    parser.add_argument(
        '--samples',
        type=int,
        default=0,
        metavar='COUNT',
        help='also draw samples.png, so many generated fields of each row that generates',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        default={},
        help='of every config; first_stage.KEY=VALUE of its first stage',
    )
    args = parser.parse_args()
    if args.samples < 0:
        parser.error(f'--samples {args.samples} must be a count of fields, 0 for no picture')
    return args


def named_study(args: argparse.Namespace) -> Study:
    """The study file, or the study that a list of configs is.

    Raises:
        ValueError: Configs without a study have no scales.
    """
    if len(args.configs) == 1 and is_study(find_config(args.configs[0])):
        return load_study(args.configs[0], args.scale or 'small')
    if args.scale is not None:
        raise ValueError(f'--scale {args.scale}: only a study has scales; leave it out for configs')
    return study_of(args.configs)


if __name__ == '__main__':
    with readable_errors():
        main()
