"""Encode given files and write their reconstructions, at any resolution.

    python tools/reconstruct.py configs/ddmi/animals_64.py cat.jpg dog.png --out rec
    python tools/reconstruct.py configs/d2c_vae/animals_64.py my.pth photographs --out rec \\
        --factor 3.5
    python tools/reconstruct.py configs/d2c_vae/animals_64.py cat.jpg --out rec \\
        --region -0.5 -0.5 0.5 0.5 --size 1024 1024
    python tools/reconstruct.py configs/d2c_vae/shapenet_chair.py chair.obj --out rec
    python tools/reconstruct.py configs/d2c_vae/sky_64.py clip.mp4 folder_of_frames --out rec \\
        --factor 2 --num-frames 64 --stride 2
    python tools/reconstruct.py configs/d2c_vae/kenney_cars.py car.npz folder_of_views --out rec

Pictures are cropped to the shape of the encoder's input and reduced to its size; they are written
larger by any real factor, beside the original and a bicubic enlargement. Of meshes, points on the
surface are encoded; of clips, as many frames as the layout has; of objects, colored clouds, given
(npz, PLY) or carved of the views of a folder. Configs of both stages will do.
"""

import argparse
import sys
from pathlib import Path

from mmengine.config import DictAction

from ddmi_toolkit.apis import (
    FieldInferencer,
    channels_of,
    check_space,
    find_inputs,
    layout_of,
    load_config,
    make_reconstructor,
    readable_errors,
    reconstruct_files,
)
from ddmi_toolkit.apis.commands import add_writer_options, writer_options


def main() -> None:
    """Read, encode, decode, write; a line for each file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='file, or name below configs/')
    parser.add_argument(
        'paths',
        nargs='+',
        help='files or folders; the first may be a checkpoint (default: newest in the work folder)',
    )
    parser.add_argument('--out', type=Path, required=True, help='folder to write into')
    add_writer_options(parser)
    parser.add_argument('--factor', type=float, help='pictures (default 4), clips: enlargement')
    parser.add_argument('--start', type=int, help='clips: first frame encoded (default 0)')
    parser.add_argument('--stride', type=int, help='clips: every how manieth frame (default 1)')
    parser.add_argument(
        '--num-points', type=int, help='points encoded (default: meshes 1024, colored clouds 2048)'
    )
    parser.add_argument(
        '--scale', type=float, help='views and colored clouds: of the world, to fit into the box'
    )
    parser.add_argument('--num-views', type=int, help='views: compared with (default 4)')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, default={})
    args = parser.parse_args()
    has_checkpoint = args.paths[0].endswith('.pth')
    checkpoint, paths = (args.paths[0] if has_checkpoint else None), args.paths[has_checkpoint:]
    cfg = load_config(args.config, args.cfg_options)
    names = ('factor', 'start', 'stride', 'num_points', 'scale', 'num_views')
    own = {name: getattr(args, name) for name in names}
    options = writer_options(args) | own
    reconstructor = make_reconstructor(layout_of(cfg), options, channels_of(cfg))
    inputs = find_inputs(paths, reconstructor)
    if not inputs:
        parser.error('name files to reconstruct after the checkpoint')
    check_space(args.out)
    inferencer = FieldInferencer(cfg, checkpoint)
    for name, report in reconstruct_files(inferencer, inputs, args.out, reconstructor):
        values = ', '.join(f'{k} {v:.4g}' for k, v in report.items() if isinstance(v, float))
        sys.stdout.write(f'{name}: {report["done"]}; {values}\n')
    sys.stdout.write(f'written to {args.out}\n')


if __name__ == '__main__':
    with readable_errors():
        main()
