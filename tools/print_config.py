"""Print a config as it will run: bases merged, stages joined, fractions resolved.

python tools/print_config.py configs/ddmi/shapenet_chair.py [--cfg-options key=value ...]
"""

import argparse
import sys

from mmengine.config import DictAction

from ddmi_toolkit.apis import load_config, readable_errors


def main() -> None:
    """Print the complete config."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('config')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, default={})
    args = parser.parse_args()
    sys.stdout.write(load_config(args.config, args.cfg_options).pretty_text)


if __name__ == '__main__':
    with readable_errors():
        main()
