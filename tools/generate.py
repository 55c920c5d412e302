"""Generate fields from seeds and write them: meshes, a picture of all, and the fields themselves.

    python tools/generate.py configs/ddmi/shapenet_chair.py --seeds 0-15 --out samples
    python tools/generate.py configs/ddmi/shapenet_chair.py my.pth --seeds 3,7 --out samples \\
        --resolution 256 --format ply

The field of a seed does not depend on the other seeds, the batch size or the device.
"""

import argparse

from mmengine.config import DictAction

from ddmi_toolkit.apis import (
    FieldInferencer,
    check_output,
    parse_seeds,
    readable_errors,
    write_samples,
)


def main() -> None:
    """Sample, then write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='file, or name below configs/')
    parser.add_argument('checkpoint', nargs='?', help='default: newest in the work folder')
    parser.add_argument('--seeds', default='0-15', help='such as 0-15 or 1,4,9')
    parser.add_argument('--out', required=True, help='folder to write into')
    parser.add_argument('--resolution', type=int, default=128, help='cells along an axis')
    parser.add_argument('--threshold', type=float, default=0.5, help='occupancy of the surface')
    parser.add_argument('--format', default='glb', help='glb, ply or obj')
    parser.add_argument('--batch-size', type=int, default=16)
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, default={})
    args = parser.parse_args()
    seeds = parse_seeds(args.seeds)
    check_output(args.resolution, args.threshold, args.format)
    inferencer = FieldInferencer(args.config, args.checkpoint, options=args.cfg_options)
    fields = inferencer.sample(seeds, batch_size=args.batch_size)
    write_samples(
        zip(seeds, fields, strict=True),
        args.out,
        resolution=args.resolution,
        threshold=args.threshold,
        suffix=args.format,
    )


if __name__ == '__main__':
    with readable_errors():
        main()
