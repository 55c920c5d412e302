"""Print results of tools/test.py side by side; refuses numbers measured in different ways.

python tools/compare.py work_dirs/*/result.json
python tools/compare.py ours=a/result.json theirs=b/result.json
"""

import argparse
import sys
from pathlib import Path

from ddmi_toolkit.evaluation.protocol import ProtocolError, Result, markdown_table


def main() -> None:
    """Print a markdown table of systems by metrics."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('results', nargs='+', help='json files, each may be given as NAME=FILE')
    results = {}
    for entry in parser.parse_args().results:
        name, _, file = entry.rpartition('=')
        try:
            result = Result.load(Path(file))
        except (OSError, ValueError) as error:
            sys.exit(f'compare: {error}')
        name = name or result.config or Path(file).stem
        if name in results:
            sys.exit(f'compare: two results are named {name!r}; name them, NAME=FILE')
        results[name] = result
    try:
        sys.stdout.write(markdown_table(results) + '\n')
    except ProtocolError as error:
        sys.exit(f'compare: {error}')


if __name__ == '__main__':
    main()
