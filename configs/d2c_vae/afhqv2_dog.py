"""Stage 1 on AFHQv2 dogs as published.

    python tools/train.py configs/d2c_vae/afhqv2_dog.py

Data: AFHQv2 below data/afhq_v2 (docs/data.md), and the weights of VGG-16 as weights/vgg16.pth
(docs/training.md).
Hardware and time: written for 4 GPUs; not trained by us yet. The modules and sizes are checked
against the published ones (docs/published_weights.md).
Score: none published for stage 1 alone; stage 2 says what both should reach.
"""

_base_ = [
    '../_base_/models/d2c_vae_image.py',
    '../_base_/datasets/afhqv2_dog.py',
    '../_base_/schedules/adamw_cosine_image.py',
    '../_base_/default_runtime.py',
]
train_dataloader = dict(batch_size=4)
train_cfg = dict(max_iters=237_000)  # 200 passes over 4739 pictures
