"""Train a config: either stage; stage 2 trains its first stage when that is not done.

    python tools/train.py configs/ddmi/shapenet_chair.py
    python tools/train.py configs/d2c_vae/shapenet_chair.py --cfg-options train_cfg.max_iters=1000
    tools/dist_train.sh configs/ddmi/shapenet_chair.py 4

Started again, a killed run goes on where its last checkpoint was written and a finished one is left
alone.
"""

import argparse
import sys

from mmengine.config import DictAction
from mmengine.dist import is_main_process

from ddmi_toolkit.apis import load_config, readable_errors, train


def main() -> None:
    """Train and say where the checkpoint is."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='file, or name below configs/')
    parser.add_argument('--work-dir', help='where to write (default: work_dirs/<config name>)')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, default={})
    args = parser.parse_args()
    options = dict(args.cfg_options)
    if args.work_dir:
        options['work_dir'] = args.work_dir
    checkpoint = train(load_config(args.config, options))
    if is_main_process():
        sys.stdout.write(f'{checkpoint}\n')


if __name__ == '__main__':
    with readable_errors():
        main()
