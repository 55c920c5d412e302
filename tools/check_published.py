"""Compare our modules with what published ones computed, array by array.

    python tools/check_published.py DIR...

Each DIR holds weights.safetensors, io.npz and meta.json. The exit status is 1 when an error is
past its tolerance or a folder cannot be checked.
"""

import argparse
import sys

from ddmi_toolkit.interop.check import check_all


def main(argv: list[str] | None = None) -> int:
    """Print the largest error of every array."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('folders', nargs='+', metavar='DIR')
    all_good = True
    for line, good in check_all(parser.parse_args(argv).folders):
        sys.stdout.write(line + '\n')
        all_good &= good
    return int(not all_good)


if __name__ == '__main__':
    sys.exit(main())
