"""Stage 1 on CIFAR-10's cats and dogs.

    python tools/train.py configs/d2c_vae/catdog_32.py

Hardware and time: one CPU core, 35 minutes beside other jobs.
Score: PSNR 28.5, SSIM 0.914 on 340 held-out pictures (benchmarks/results/images.md).
"""

_base_ = [
    '../_base_/models/d2c_vae_image_small.py',
    '../_base_/datasets/catdog_32.py',
    '../_base_/schedules/adamw_cosine_small.py',
    '../_base_/default_runtime.py',
]
# Trained at one size: larger pictures are rendered as that size is.
model = dict(generator=dict(readout=dict(modulation=dict(scale_range=(1.0, 1.0)))))
train_dataloader = dict(batch_size=8)
train_cfg = dict(max_iters=8000, val_interval=2000)
