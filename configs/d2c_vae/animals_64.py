"""Stage 1 on 240 photographs of animals, at 64 to 128 pixels.

    python tools/train.py configs/d2c_vae/animals_64.py

Hardware and time: one CPU core, 29 minutes beside other jobs.
Score: PSNR 27.0, SSIM 0.852 at 64 pixels on 24 held-out pictures of other kinds of animals; 24.3,
0.675 at 128.
"""

_base_ = [
    '../_base_/models/d2c_vae_image_small.py',
    '../_base_/datasets/animals_64.py',
    '../_base_/schedules/adamw_cosine_small.py',
    '../_base_/default_runtime.py',
]
# Pictures of 64x64 on latents of 16x16.
model = dict(layout=dict(axes=[dict(name='x', size=64), dict(name='y', size=64)]))
train_dataloader = dict(batch_size=4)
train_cfg = dict(max_iters=8000, val_interval=2000)
