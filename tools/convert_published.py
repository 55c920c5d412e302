"""Turn a published checkpoint and its yaml file into configs and checkpoints.

    python tools/convert_published.py model-last.pt shapenet.yaml OUT
    python tools/generate.py OUT/ddmi.py --seeds 0-15 --out samples --threshold 0.2

    python tools/convert_published.py ldm-last.pt afhq.yaml OUT
    python tools/generate.py OUT/ddmi.py --seeds 0-15 --out samples --size 512

A stage-2 checkpoint gives OUT/ddmi.py and OUT/d2c_vae.py, a stage-1 checkpoint the latter alone.
"""

import argparse
import sys

from ddmi_toolkit.interop.convert import convert


def main(argv: list[str] | None = None) -> int:
    """Convert, then say what was written."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('checkpoint', help='published .pt file of either stage')
    parser.add_argument('yaml', help='its published yaml file')
    parser.add_argument('out', metavar='OUT', help='folder to write into, new or empty')
    parser.add_argument(
        '--conv-config', help='second yaml file of shapes, if its path is not found'
    )
    parser.add_argument(
        '--online', action='store_true', help='denoiser of the last iteration, not the average'
    )
    args = parser.parse_args(argv)
    try:
        stages = convert(args.checkpoint, args.yaml, args.out, args.conv_config, online=args.online)
    except (ValueError, OSError) as error:
        sys.stderr.write(f'{error}\n')
        return 1
    for stage in stages:
        sys.stdout.write(f'{stage.config}: weights {stage.weights}, {stage.checkpoint}\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
