"""Stage 1 on CelebA-HQ as published.

    python tools/train.py configs/d2c_vae/celebahq_256.py

Data: CelebA-HQ below data/celebahq (docs/data.md), and the weights of VGG-16 as weights/vgg16.pth
(docs/training.md).
Hardware and time: written for 4 GPUs; not trained by us yet. The modules and sizes are checked
against the published ones (docs/published_weights.md).
Score: none published for stage 1 alone; stage 2 says what both should reach.
"""

_base_ = [
    '../_base_/models/d2c_vae_image.py',
    '../_base_/datasets/celebahq_256.py',
    '../_base_/schedules/adamw_cosine_image.py',
    '../_base_/default_runtime.py',
]
# Published: three residual blocks per level, and 200 passes over 30,000 pictures.
model = dict(
    encoder=dict(num_res_blocks=3),
    generator=dict(decoder=dict(num_res_blocks=4)),
)
train_dataloader = dict(batch_size=10)
train_cfg = dict(max_iters=600_000)
