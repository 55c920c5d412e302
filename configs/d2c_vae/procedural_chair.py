"""Stage 1 on procedural chairs: the embedded example.

    python tools/train.py configs/d2c_vae/procedural_chair.py

Hardware and time: two CPU cores, about 6 minutes.
Score: IoU 0.793 on 64 held-out chairs (10,000 uniform points, posterior mean).
"""

_base_ = [
    '../_base_/models/d2c_vae_triplane_small.py',
    '../_base_/datasets/procedural_chair.py',
    '../_base_/schedules/adamw_cosine_small.py',
    '../_base_/default_runtime.py',
]
train_cfg = dict(max_iters=1500, val_interval=1500)
default_hooks = dict(checkpoint=dict(interval=250))
