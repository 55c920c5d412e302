"""Stage 1 on procedural pictures: the embedded example of images.

    python tools/train.py configs/d2c_vae/procedural_image.py

Hardware and time: TBD
Score: TBD
"""

_base_ = [
    '../_base_/models/d2c_vae_image_small.py',
    '../_base_/datasets/procedural_image.py',
    '../_base_/schedules/adamw_cosine_small.py',
    '../_base_/default_runtime.py',
]
train_dataloader = dict(batch_size=8)
train_cfg = dict(max_iters=4000, val_interval=1000)
