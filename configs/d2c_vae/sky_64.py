"""Stage 1 on 32 clips of skies, 16 frames of 64x64; 8 clips held out.

    python tools/train.py configs/d2c_vae/sky_64.py

Hardware and time: one CPU core, 45 minutes.
Score: PSNR 28.7, SSIM 0.889 on 8 held-out clips.
"""

_base_ = [
    '../_base_/models/d2c_vae_video_small.py',
    '../_base_/datasets/sky_64.py',
    '../_base_/schedules/adamw_cosine_small.py',
    '../_base_/default_runtime.py',
]
train_dataloader = dict(batch_size=2)
train_cfg = dict(max_iters=4000, val_interval=1000)
