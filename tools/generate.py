"""Generate fields from seeds and write them: files to look at, a picture of all, the fields.

    python tools/generate.py configs/ddmi/shapenet_chair.py --seeds 0-15 --out samples
    python tools/generate.py configs/ddmi/shapenet_chair.py my.pth --seeds 3,7 --out samples \\
        --resolution 256 --format ply
    python tools/generate.py configs/ddmi/animals_64.py --seeds 0-15 --out samples --size 512
    python tools/generate.py configs/ddmi/animals_64.py --seeds 3 --out samples --format tiff \\
        --size 8192 8192 --region -0.5 -0.5 0.5 0.5
    python tools/generate.py configs/ddmi/animals_64.py --interpolate 3 7 9 --out samples
    python tools/generate.py configs/ddmi/sky_64.py --seeds 0-3 --out samples --size 128 \\
        --num-frames 64 --playback loop --format gif

Fields over a plane become pictures of any size, fields over a plane and time clips of any size and
frame rate, fields over space meshes. The field of a
seed does not depend on the other seeds, the batch size or the device.
"""

import argparse
from pathlib import Path

from mmengine.config import DictAction

from ddmi_toolkit.apis import (
    FieldInferencer,
    channels_of,
    check_space,
    layout_of,
    load_config,
    make_writer,
    parse_seeds,
    readable_errors,
    write_samples,
)
from ddmi_toolkit.apis.commands import add_writer_options, writer_options


def main() -> None:
    """Sample, then write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='file, or name below configs/')
    parser.add_argument('checkpoint', nargs='?', help='default: newest in the work folder')
    parser.add_argument('--seeds', default='0-15', help='such as 0-15 or 1,4,9')
    parser.add_argument(
        '--interpolate',
        nargs=3,
        type=int,
        metavar=('A', 'B', 'N'),
        help='in place of --seeds: N fields from seed A to seed B',
    )
    parser.add_argument('--out', type=Path, required=True, help='folder to write into')
    add_writer_options(parser)
    parser.add_argument('--batch-size', type=int, default=16)
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, default={})
    args = parser.parse_args()
    seeds = parse_seeds(args.seeds)
    cfg = load_config(args.config, args.cfg_options)
    writer = make_writer(layout_of(cfg), writer_options(args), channels_of(cfg))
    names = [f'step_{i:03d}' for i in range(args.interpolate[2])] if args.interpolate else seeds
    check_space(args.out, len(names) * writer.max_bytes)
    inferencer = FieldInferencer(cfg, args.checkpoint)
    if args.interpolate:
        fields = inferencer.interpolate(*args.interpolate, batch_size=args.batch_size)
    else:
        fields = inferencer.sample(seeds, batch_size=args.batch_size)
    write_samples(zip(names, fields, strict=True), args.out, writer)


if __name__ == '__main__':
    with readable_errors():
        main()
