"""Evaluate a checkpoint by the metrics of its stage; write the numbers with their protocol.

    python tools/test.py configs/ddmi/shapenet_chair.py
    python tools/test.py configs/d2c_vae/shapenet_chair.py my.pth --out result.json

Started by torchrun, several processes share the work; the numbers do not depend on how many.
Without a checkpoint, the newest readable one of the config's work folder is taken.
"""

import argparse
import sys
from pathlib import Path

from mmengine.config import DictAction
from mmengine.dist import is_main_process

from ddmi_toolkit.apis import evaluate, load_config, readable_errors


def main() -> None:
    """Test, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='file, or name below configs/')
    parser.add_argument('checkpoint', nargs='?', help='default: newest in the work folder')
    parser.add_argument('--out', help='json to write (default: result.json in the work folder)')
    parser.add_argument('--work-dir', help='default: work_dirs/<config name>')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, default={})
    args = parser.parse_args()
    options = dict(args.cfg_options)
    if args.work_dir:
        options['work_dir'] = args.work_dir
    cfg = load_config(args.config, options)
    result = evaluate(cfg, args.checkpoint)
    if is_main_process():
        path = result.save(args.out or Path(cfg.work_dir) / 'result.json')
        sys.stdout.write(f'{path.read_text(encoding="utf-8")}{path}\n')


if __name__ == '__main__':
    with readable_errors():
        main()
