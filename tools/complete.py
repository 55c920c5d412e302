"""Complete what is known of a field: several answers that agree with it, drawn from the prior.

    python tools/complete.py configs/ddmi/procedural_chair.py partial.ply --num 5 --out completed
    python tools/complete.py configs/ddmi/procedural_image.py face.png --mask mask.png --out out
    python tools/complete.py configs/ddmi/procedural_image.py small.png --scale 4 --out enlarged
    python tools/complete.py configs/ddmi/sky_64.py folder_of_frames --times 0 5 10 15 --out smooth
    python tools/complete.py configs/d2c_vae/procedural_image.py face.png --mask mask.png \\
        --invert --out inpainted

Pictures: bright pixels of the mask and transparent ones are made up; a picture that is smaller than
the field is taken for a reduced one. Clips: a few frames, the others are made up. Shapes: points on
a part of the surface (PLY, npz), best with normals, in the coordinates of the field. No training:
any stage-2 config will do, and with --invert (the single best latent) one of stage 1.
"""

import argparse
import sys
from pathlib import Path

from mmengine.config import DictAction

from ddmi_toolkit.apis import (
    FieldInferencer,
    channels_of,
    check_space,
    layout_of,
    load_config,
    make_observer,
    make_writer,
    observe_file,
    readable_errors,
    write_samples,
)
from ddmi_toolkit.apis.commands import add_writer_options, writer_options


def parse_args() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='file, or name below configs/')
    parser.add_argument(
        'paths',
        nargs='+',
        metavar='path',
        help='what is known; a checkpoint may come first (default: newest in the work folder)',
    )
    parser.add_argument('--out', type=Path, required=True, help='folder to write into')
    parser.add_argument('--num', type=int, default=4, help='how many answers (default 4)')
    parser.add_argument('--seed', type=int, default=0, help='of the first answer')
    parser.add_argument('--invert', action='store_true', help='the one best latent instead')
    parser.add_argument('--mask', help='pictures: bright where pixels are to be made up')
    parser.add_argument('--scale', type=float, help='pictures: enlargement of what is given')
    parser.add_argument('--times', type=float, nargs='+', help='clips: which frames are given')
    parser.add_argument('--num-points', type=int, help='clouds: points taken (default 512)')
    parser.add_argument('--viewpoint', type=float, nargs='+', help='clouds: seen from X Y Z')
    parser.add_argument('--noise', type=float, help='of given colors, in [-1, 1] (default 0.05)')
    parser.add_argument('--num-steps', type=int, help='of the sampler (50), of --invert (200)')
    parser.add_argument('--batch-size', type=int, default=8)
    add_writer_options(parser)
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, default={})
    args = parser.parse_args()
    if len(args.paths) != 1 + args.paths[0].endswith('.pth'):
        parser.error('give one file to complete, after the checkpoint if there is one')
    if args.num < 1:
        parser.error(f'--num {args.num} must be at least 1')
    return args


def main() -> None:
    """Read, sample or invert, write."""
    args = parse_args()
    cfg = load_config(args.config, args.cfg_options)
    layout, channels = layout_of(cfg), channels_of(cfg)
    names = ('mask', 'scale', 'times', 'num_points', 'viewpoint')
    observer = make_observer(layout, {n: getattr(args, n) for n in names}, channels)
    observations, story = observe_file(observer, args.paths[-1])
    observations.check(layout, channels)
    options = writer_options(args)
    if options['size'] is None and observer.size is not None:
        options['size'] = observer.size
    writer = make_writer(layout, options, channels)
    seeds = [] if args.invert else list(range(args.seed, args.seed + args.num))
    check_space(args.out, max(len(seeds), 1) * writer.max_bytes)
    inferencer = FieldInferencer(cfg, args.paths[0] if len(args.paths) == 2 else None)
    sys.stdout.write(f'{args.paths[-1]}: {story}\n')
    own = {k: v for k in ('noise', 'num_steps') if (v := getattr(args, k)) is not None}
    if args.invert:
        found = inferencer.invert(observations, **own)
        sys.stdout.write(f'{found.losses[0]:.4g} nats before, {found.losses[-1]:.4g} after\n')
        samples = [('inverted', found.field)]
    else:
        fields = inferencer.posterior(observations, seeds, batch_size=args.batch_size, **own)
        samples = zip(seeds, fields, strict=True)
    write_samples(samples, args.out, writer)
    sys.stdout.write(f'written to {args.out}\n')


if __name__ == '__main__':
    with readable_errors():
        main()
