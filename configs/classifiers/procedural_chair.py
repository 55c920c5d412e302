"""What judges generated chairs: a classifier of the attributes of procedural chairs.

    python tools/train.py configs/classifiers/procedural_chair.py

Hardware and time: one idle CPU core, about 5 minutes.
Score: mean accuracy of the headline questions 0.998 on 512 held-out chairs (arms, swivel and back
1.000, base 0.990); kind and rockers 0.998, stretchers 0.955, seat 0.951, style of the back 0.883.
"""

_base_ = [
    '../_base_/models/chair_classifier.py',
    '../_base_/datasets/procedural_chair_grids.py',
    '../_base_/schedules/adamw_cosine_classifier.py',
    '../_base_/default_runtime.py',
]
train_cfg = dict(max_iters=1200, val_interval=400)
default_hooks = dict(checkpoint=dict(interval=400))
