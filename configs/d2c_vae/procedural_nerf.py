"""Stage 1 on procedural toys: colored point clouds to radiance fields.

    python tools/train.py configs/d2c_vae/procedural_nerf.py

Hardware and time: one CPU core, about 25 minutes.
Score: PSNR 20.7, SSIM 0.782, relative depth error 2.3 %, silhouette IoU 0.90 on 4 views of each of
32 held-out toys.
"""

_base_ = [
    '../_base_/models/d2c_vae_radiance_small.py',
    '../_base_/datasets/procedural_nerf.py',
    '../_base_/schedules/adamw_cosine_small.py',
    '../_base_/default_runtime.py',
]
train_cfg = dict(max_iters=1500, val_interval=500)
