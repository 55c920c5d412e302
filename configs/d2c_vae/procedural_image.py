"""Stage 1 on procedural pictures: the embedded example of images.

    python tools/train.py configs/d2c_vae/procedural_image.py

Hardware and time: one CPU core beside other jobs, 15 minutes.
Score: PSNR 30.3 at 32 and 26.5 at 64 pixels on 256 held-out pictures.
"""

_base_ = [
    '../_base_/models/d2c_vae_image_small.py',
    '../_base_/datasets/procedural_image.py',
    '../_base_/schedules/adamw_cosine_small.py',
    '../_base_/default_runtime.py',
]
# A sixth of the numbers of a picture, closer to N(0, I): easier to generate, harder to decode.
model = dict(latent_channels=8)
custom_hooks = [
    dict(type='LossWeightHook', attribute='kl_weight', start=1e-4, end=0.03, begin=0.0, length=0.9),
    dict(type='ReconstructionHook', interval=2000),
]
train_dataloader = dict(batch_size=8)
train_cfg = dict(max_iters=5000, val_interval=1000)
