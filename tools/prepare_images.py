"""Crop and resize any set of pictures and pack it into a zip that ``ImageDataset`` reads.

    python tools/prepare_images.py IN OUT.zip --size 256

IN is a folder searched at any depth, a zip, an LSUN lmdb or an archive of CIFAR-10. OUT.json
reports sizes, mean and standard deviation, a checksum of all pixels, duplicates, and which
pictures were left out and why. Pictures smaller than --size are left out unless --enlarge is given.
"""

import argparse
import json
import os
import sys
from dataclasses import fields
from pathlib import Path

from tqdm import tqdm

from ddmi_toolkit.datasets.image_files import FILTERS
from ddmi_toolkit.datasets.prepare_images import ImageOptions, prepare_images


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Arguments; every field of ``ImageOptions`` is a flag of the same name."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('source', type=Path, metavar='IN')
    parser.add_argument('out', type=Path, metavar='OUT.zip')
    parser.add_argument('--split', help='part of IN: a folder in it, or a text file of names')
    parser.add_argument('--size', type=int, default=256, help='short side in pixels; 0 keeps it')
    parser.add_argument('--crop', choices=('center', 'none'), default='center')
    parser.add_argument('--filter', choices=list(FILTERS), default='lanczos')
    parser.add_argument('--format', choices=('png', 'jpeg'), default='png')
    parser.add_argument('--quality', type=int, default=95, help='of JPEGs')
    parser.add_argument('--enlarge', action='store_true', help='take smaller pictures, too')
    parser.add_argument('--drop-duplicates', action='store_true', help='keep the first of equals')
    parser.add_argument('--workers', type=int, default=os.cpu_count())
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Pack all pictures; the exit status is 1 when one of them is broken, or none is left."""
    args = parse_args(argv)
    try:
        options = ImageOptions(**{f.name: getattr(args, f.name) for f in fields(ImageOptions)})
        report = prepare_images(args.source, args.out, options, args.split, args.workers)
    except (ValueError, OSError, ImportError) as error:
        tqdm.write(f'prepare_images: {error}', file=sys.stderr)
        return 1
    for name, reason in report['broken'].items():
        tqdm.write(f'broken: {name}: {reason}', file=sys.stderr)
    shown = {k: report[k] for k in ('count', 'sizes', 'mean', 'std', 'pixels_sha256')}
    left_out = {k: len(report[k]) for k in ('duplicates', 'too_small', 'broken')}
    tqdm.write(f'{args.out}: {json.dumps(shown | left_out)}')
    return int(bool(report['broken']))


if __name__ == '__main__':
    raise SystemExit(main())
