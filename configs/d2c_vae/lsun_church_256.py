"""Stage 1 on LSUN churches at the published widths. The setting is ours: the paper reports
churches in its supplement without one.

    python tools/train.py configs/d2c_vae/lsun_church_256.py

Data: LSUN church_outdoor as lmdb below data (docs/data.md), and the weights of VGG-16
as weights/vgg16.pth (docs/training.md).
Hardware and time: written for 4 GPUs; not trained by us yet. The modules and sizes are checked
against the published ones (docs/published_weights.md).
Score: none published for stage 1 alone; stage 2 says what both should reach.
"""

_base_ = [
    '../_base_/models/d2c_vae_image.py',
    '../_base_/datasets/lsun_church_256.py',
    '../_base_/schedules/adamw_cosine_image.py',
    '../_base_/default_runtime.py',
]
# 126,227 pictures: 20 passes are as many iterations as 200 of AFHQv2.
train_dataloader = dict(batch_size=8)
train_cfg = dict(max_iters=320_000)
