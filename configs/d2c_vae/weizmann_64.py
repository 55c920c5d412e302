"""Stage 1 on 28 clips of human actions, 16 frames of 64x64; one person held out.

    python tools/train.py configs/d2c_vae/weizmann_64.py

Hardware and time: one CPU core, 25 minutes.
Score: PSNR 29.2, SSIM 0.836 on 4 clips of a person who is not in training; a longer run is worth
trying, see benchmarks/results/clips.md.
"""

_base_ = [
    '../_base_/models/d2c_vae_video_small.py',
    '../_base_/datasets/weizmann_64.py',
    '../_base_/schedules/adamw_cosine_small.py',
    '../_base_/default_runtime.py',
]
train_dataloader = dict(batch_size=2)
train_cfg = dict(max_iters=1500, val_interval=500)
