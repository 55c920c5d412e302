"""Generate fields from seeds and write them: files to look at, a picture of all, the fields.

    python tools/generate.py configs/ddmi/shapenet_chair.py --seeds 0-15 --out samples
    python tools/generate.py configs/ddmi/shapenet_chair.py my.pth --seeds 3,7 --out samples \\
        --resolution 256 --format ply
    python tools/generate.py configs/ddmi/animals_64.py --seeds 0-15 --out samples --size 512
    python tools/generate.py configs/ddmi/animals_64.py --seeds 3 --out samples --format tiff \\
        --size 8192 8192 --region -0.5 -0.5 0.5 0.5
    python tools/generate.py configs/ddmi/animals_64.py --interpolate 3 7 9 --out samples
    python tools/generate.py configs/ddmi/procedural_text2chair.py --out samples --guidance 3 \\
        --prompt "a chair with two arms and four legs" "a stool with three legs"
    python tools/generate.py configs/ddmi/sky_64.py --seeds 0-3 --out samples --size 128 \\
        --num-frames 64 --playback loop --format gif

Fields over a plane become pictures of any size, fields over a plane and time clips of any size and
frame rate, fields over space meshes. The field of a seed (and of a prompt, a class or a condition)
does not depend on the other seeds, the batch size or the device.
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
    _add_condition_options(parser)
    add_writer_options(parser)
    parser.add_argument('--batch-size', type=int, default=16)
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, default={})
    args = parser.parse_args()
    seeds = parse_seeds(args.seeds)
    cfg = load_config(args.config, args.cfg_options)
    writer = make_writer(layout_of(cfg), writer_options(args), channels_of(cfg))
    kind, wanted = _wanted(args)
    count = args.interpolate[2] if args.interpolate else len(seeds) * max(len(wanted), 1)
    check_space(args.out, count * writer.max_bytes)
    inferencer = FieldInferencer(cfg, args.checkpoint)
    options = dict(batch_size=args.batch_size, guidance_scale=args.guidance)
    conditions = [inferencer.condition(value, kind) for value in wanted]
    if args.negative is not None:
        options['negative'] = inferencer.condition(args.negative, kind)
    if args.interpolate:
        names = [f'step_{i:03d}' for i in range(count)]
        fields = inferencer.interpolate(*args.interpolate, *conditions[:1], **options)
    else:
        names, cond = seeds, None
        if conditions:
            cond = [c for c in conditions for _ in seeds]
            rows = range(len(conditions))
            names = [f'{kind}_{r:02d}_seed_{s:06d}' for r in rows for s in seeds]
        fields = inferencer.sample(seeds * max(len(conditions), 1), cond, **options)
    columns = len(seeds) if len(conditions) > 1 else 4
    write_samples(zip(names, fields, strict=True), args.out, writer, columns)


def _add_condition_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        'what is generated', 'as the conditioner of the config asks for it; several give a row each'
    )
    kinds = group.add_mutually_exclusive_group()
    kinds.add_argument('--prompt', nargs='+', metavar='TEXT', help='in words')
    kinds.add_argument('--class', nargs='+', metavar='NAME', help='name or number of a class')
    kinds.add_argument('--condition', nargs='+', metavar='FILE', help='picture or partial cloud')
    group.add_argument('--negative', metavar='VALUE', help='what guidance moves away from')
    group.add_argument(
        '--guidance', type=float, metavar='W', help='scale: 0 unconditional, 1 conditional'
    )


def _wanted(args: argparse.Namespace) -> tuple[str | None, list[str]]:
    """The option that conditions were given by, and their values."""
    for kind in ('prompt', 'class', 'condition'):
        values = getattr(args, kind)
        if values is not None:
            if args.interpolate and len(values) > 1:
                raise ValueError(f'--interpolate takes one --{kind}, got {len(values)}')
            return kind, values
    if args.negative is not None:
        raise ValueError('--negative needs --prompt, --class or --condition as well')
    return None, []


if __name__ == '__main__':
    with readable_errors():
        main()
