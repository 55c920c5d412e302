"""What judges generated chairs: a classifier of the attributes of procedural chairs.

    python tools/train.py configs/classifiers/procedural_chair.py

Hardware and time: one CPU core, about 6 minutes.
Score: see docs/evaluation.md.
"""

_base_ = [
    '../_base_/models/chair_classifier.py',
    '../_base_/datasets/procedural_chair_grids.py',
    '../_base_/schedules/adamw_cosine_classifier.py',
    '../_base_/default_runtime.py',
]
train_cfg = dict(max_iters=1200, val_interval=400)
default_hooks = dict(checkpoint=dict(interval=400))
