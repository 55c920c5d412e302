"""Stage 1 on procedural chairs with captions, for text to shape; it does not read the captions.

    python tools/train.py configs/d2c_vae/procedural_text2chair.py

Hardware and time: one CPU core, about 15 minutes.
Score: IoU 0.830 on 64 held-out chairs (10,000 uniform points, posterior mean).
"""

_base_ = [
    '../_base_/models/d2c_vae_triplane_small.py',
    '../_base_/datasets/procedural_text2chair.py',
    '../_base_/schedules/adamw_cosine_small.py',
    '../_base_/default_runtime.py',
]
# Fewer channels on the finest planes, more on the coarse ones: cheaper and better.
model = dict(
    encoder=dict(base_channels=16, channel_mult=(1, 2, 4)),
    generator=dict(decoder=dict(base_channels=16, channel_mult=(1, 2, 4))),
)
train_cfg = dict(max_iters=3000, val_interval=1000)
default_hooks = dict(checkpoint=dict(interval=500))
