"""Stage 1 on 12 cars of Kenney's, 45 views each: held-out views, and 3 held-out cars.

    python tools/train.py configs/d2c_vae/kenney_cars.py

Hardware and time: one CPU core, 25 minutes.
Score: PSNR 25.2, SSIM 0.898 on held-out views, PSNR 20.0 on the 3 held-out cars.
"""

_base_ = [
    '../_base_/models/d2c_vae_radiance_small.py',
    '../_base_/datasets/kenney_cars.py',
    '../_base_/schedules/adamw_cosine_small.py',
    '../_base_/default_runtime.py',
]
train_cfg = dict(max_iters=2000, val_interval=500)
