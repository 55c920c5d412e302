"""Stage 1 on procedural clips of 16 frames of 32x32.

    python tools/train.py configs/d2c_vae/procedural_video.py

Hardware and time: one CPU core, about 25 minutes.
Score: PSNR 25.6, SSIM 0.797 on 128 held-out clips.
"""

_base_ = [
    '../_base_/models/d2c_vae_video_small.py',
    '../_base_/datasets/procedural_video.py',
    '../_base_/schedules/adamw_cosine_small.py',
    '../_base_/default_runtime.py',
]
# Clips of 32x32 on latents of 8x8.
model = dict(
    layout=dict(
        axes=[
            dict(name='x', size=32),
            dict(name='y', size=32),
            dict(name='t', size=16, strided=False),
        ]
    )
)
train_dataloader = dict(batch_size=4)
train_cfg = dict(max_iters=3000, val_interval=1000)
