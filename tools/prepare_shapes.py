"""Turn meshes (OBJ, OFF, PLY, STL, GLB) or voxel grids (NPZ, BINVOX, NRRD) into the
Occupancy-Networks format that ``ShapeNetOccupancy`` reads.

    python tools/prepare_shapes.py IN OUT --class-id 03001627 --class-name chair

IN is a file or a folder searched at any depth; shapes go to OUT/<class id>/<name>/. Repeating the
command continues where it stopped. Text2Shape's voxels get their classes from its captions,

    python tools/prepare_shapes.py nrrd_256_filter_div_32_solid OUT --captions captions.csv

and shapes without captions are left out. OUT/prepare.json reports what failed and why.
"""

import argparse
import json
import os
import time
from dataclasses import fields
from pathlib import Path

from tqdm import tqdm

from ddmi_toolkit.datasets import prepare
from ddmi_toolkit.datasets.caption_files import read_captions


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Arguments; every field of ``PrepareOptions`` is a flag of the same name."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('source', type=Path, metavar='IN')
    parser.add_argument('out', type=Path, metavar='OUT')
    parser.add_argument('--class-id', default='shapes', help='class of all shapes, e.g. a synset')
    parser.add_argument('--class-name', help='its readable name (default: the id)')
    parser.add_argument(
        '--classes-from-folders', action='store_true', help='the first folder below IN is the class'
    )
    parser.add_argument(
        '--captions', type=Path, help="Text2Shape's captions, which name the class of each shape"
    )
    parser.add_argument('--pattern', default='*', help='glob that file names must match')
    parser.add_argument('--val-fraction', type=float, default=0.1)
    parser.add_argument('--test-fraction', type=float, default=0.1)
    parser.add_argument('--workers', type=int, default=os.cpu_count())
    for field in fields(prepare.PrepareOptions):
        flag = '--' + field.name.replace('_', '-')
        parser.add_argument(flag, type=field.type, default=field.default)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Prepare all shapes; the exit status is 1 when one of them failed."""
    args = parse_args(argv)
    options = prepare.PrepareOptions(
        **{f.name: getattr(args, f.name) for f in fields(prepare.PrepareOptions)}
    )
    classes = None if args.captions is None else read_captions(args.captions).classes
    sources = prepare.find_sources(
        args.source,
        args.class_id,
        options.voxel_key,
        args.pattern,
        args.classes_from_folders,
        None if classes is None else {shape: class_id for shape, (class_id, _) in classes.items()},
    )
    begin, failures = time.time(), {}
    done = prepare.prepare_all(sources, args.out, options, args.workers)
    for source, error in tqdm(done, total=len(sources), unit='shape'):
        if error:
            failures[f'{source.path}[{source.index}]'] = error
            tqdm.write(f'{source.path}: {error}')
    names = {s.class_id: args.class_name or s.class_id for s in sources}
    if classes is not None:
        names |= {k: v for k, v in classes.values() if k in names}
    counts = prepare.write_index(args.out, names, args.val_fraction, args.test_fraction)
    facts = dict(counts=counts, seconds=round(time.time() - begin, 1), failures=failures)
    prepare.write_report(args.out, options, **facts)
    tqdm.write(f'{args.out}: {json.dumps(counts)}, {len(failures)} failed, {facts["seconds"]} s')
    return int(bool(failures))


if __name__ == '__main__':
    raise SystemExit(main())
