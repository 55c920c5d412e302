"""Print results of tools/test.py side by side; refuses numbers measured in different ways.

    python tools/compare.py work_dirs/*/*/result.json
    python tools/compare.py ours=a/result.json theirs=b/result.json
    python tools/compare.py 'ours=out/ours/seed_*/stage2/result.json' theirs=b.json

Files of one NAME are seeds of one system: the table shows mean ± standard error. Values that are
best by the direction of their metric are bold.
"""

import argparse
import glob
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from ddmi_toolkit.apis import readable_errors
from ddmi_toolkit.evaluation import Result, leaderboard


def main() -> None:
    """Print a markdown table of systems by metrics, and how each metric was measured."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('results', nargs='+', help='json files, each may be given as NAME=FILE')
    sys.stdout.write(leaderboard(read(parser.parse_args().results)) + '\n')


def read(entries: Sequence[str]) -> dict[str, list[Result]]:
    """Results by system.

    Raises:
        ValueError: Two files without a name would have the same, a system has the same weights
            twice, a file is given twice, or is no result.
        FileNotFoundError: A file or pattern is of nothing.
    """
    systems: dict[str, list[Result]] = {}
    seen: set[Path] = set()
    for given, file in files(entries):
        result = Result.load(file)
        name = given or result.config or file.stem
        known = systems.setdefault(name, [])
        if known and not given:
            raise ValueError(f'two results are named {name!r}; name them, NAME=FILE')
        if result.checkpoint_hash and result.checkpoint_hash in {r.checkpoint_hash for r in known}:
            raise ValueError(
                f'{name!r} has the weights {result.checkpoint_hash} twice, in {file} again; files '
                f'of one name are to be different seeds'
            )
        if file.resolve() in seen:
            raise ValueError(f'{file} is given twice; each system is to have files of its own')
        seen.add(file.resolve())
        known.append(result)
    return systems


def files(entries: Sequence[str]) -> Iterator[tuple[str, Path]]:
    """Name, empty if none is given, and file; a pattern after ``NAME=`` is of many."""
    for entry in entries:
        name, _, file = entry.rpartition('=')
        found = sorted(glob.glob(file)) if glob.has_magic(file) else [file]
        paths = [Path(path) for path in found]
        for path in paths or [Path(file)]:
            if not path.is_file():
                raise FileNotFoundError(
                    f'{path} is no file; expected a result.json, which tools/test.py writes'
                )
        yield from ((name, path) for path in paths)


if __name__ == '__main__':
    with readable_errors():
        main()
