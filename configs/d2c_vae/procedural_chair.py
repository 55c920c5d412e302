"""Stage 1 on procedural chairs: the embedded example.

    python tools/train.py configs/d2c_vae/procedural_chair.py

Hardware and time: two idle CPU cores, about 5 minutes.
Score: IoU 0.788 on 64 held-out chairs (10,000 uniform points, posterior mean).
"""

_base_ = [
    '../_base_/models/d2c_vae_triplane_small.py',
    '../_base_/datasets/procedural_chair.py',
    '../_base_/schedules/adamw_cosine_small.py',
    '../_base_/default_runtime.py',
]
# Fewer channels on the finest planes, more on the coarse ones: cheaper and better.
model = dict(
    encoder=dict(base_channels=16, channel_mult=(1, 2, 4)),
    generator=dict(decoder=dict(base_channels=16, channel_mult=(1, 2, 4))),
)
train_cfg = dict(max_iters=1300, val_interval=1300)
default_hooks = dict(checkpoint=dict(interval=325))
