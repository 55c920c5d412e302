r"""Print results of tools/test.py side by side; refuses numbers measured in different ways.

    python tools/compare.py work_dirs/*/*/result.json
    python tools/compare.py ours=a/result.json theirs=b/result.json
    python tools/compare.py 'ours=out/ours/seed_*/stage2/result.json' theirs=b.json
    python tools/compare.py ours=stage1/result.json+stage2/result.json theirs=b.json \
        --metrics image/psnr 'generation/*'

Files of one NAME are seeds of one system: the table shows mean ± standard error. FILE+FILE are
results of one system on different metrics, such as those of its stages, in one row. Values that are
best by the direction of their metric are bold. Costs that results state come last.
"""

import argparse
import glob
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from ddmi_toolkit.apis import readable_errors
from ddmi_toolkit.evaluation import Result, join, leaderboard


def main() -> None:
    """Print a markdown table of systems by metrics, and how each metric was measured."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('results', nargs='+', help='json files, each may be given as NAME=FILE')
    parser.add_argument(
        '--metrics',
        nargs='+',
        default=['*'],
        metavar='NAME',
        help='which metrics in which order; * stands for anything (default: all)',
    )
    args = parser.parse_args()
    sys.stdout.write(leaderboard(read(args.results), args.metrics) + '\n')


def read(entries: Sequence[str]) -> dict[str, list[Result]]:
    """Results by system.

    Raises:
        ValueError: Two files without a name would have the same, a system has the same weights
            twice, a file is given twice, or is no result.
        FileNotFoundError: A file or pattern is of nothing.
    """
    systems: dict[str, list[Result]] = {}
    seen: set[tuple[Path, ...]] = set()
    for given, parts in files(entries):
        file = parts[-1]
        result = join([Result.load(part) for part in parts])
        name = given or result.config or file.stem
        known = systems.setdefault(name, [])
        if known and not given:
            raise ValueError(f'two results are named {name!r}; name them, NAME=FILE')
        if result.checkpoint_hash and result.checkpoint_hash in {r.checkpoint_hash for r in known}:
            raise ValueError(
                f'{name!r} has the weights {result.checkpoint_hash} twice, in {file} again; files '
                f'of one name are to be different seeds'
            )
        if (key := tuple(part.resolve() for part in parts)) in seen:
            raise ValueError(f'{file} is given twice; each system is to have files of its own')
        seen.add(key)
        known.append(result)
    return systems


def files(entries: Sequence[str]) -> Iterator[tuple[str, tuple[Path, ...]]]:
    """Name, empty if none is given, and files of one result; patterns give several results.

    Parts of a result that are given by patterns go together in their order.
    """
    for entry in entries:
        name, _, given = entry.rpartition('=')
        given = [given] if Path(given).is_file() else given.split('+')
        found = [sorted(glob.glob(f)) if glob.has_magic(f) else [f] for f in given]
        for file, paths in zip(given, found, strict=True):
            for path in paths or [file]:
                if not Path(path).is_file():
                    raise FileNotFoundError(
                        f'{path} is no file; expected a result.json, which tools/test.py writes'
                    )
        if len({len(paths) for paths in found}) > 1:
            counts = ', '.join(f'{len(p)} of {f}' for f, p in zip(given, found, strict=True))
            raise ValueError(f'{entry} joins {counts}; expected as many of each')
        for parts in zip(*found, strict=True):
            yield name, tuple(map(Path, parts))


if __name__ == '__main__':
    with readable_errors():
        main()
