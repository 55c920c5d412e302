"""Stage 1 on SkyTimelapse as published, but for joint attention above 64x64.

    python tools/train.py configs/d2c_vae/skytimelapse_256.py

Data: SkyTimelapse below data/sky_timelapse (docs/data.md), and the weights of VGG-16 as
weights/vgg16.pth (docs/training.md).
Hardware and time: written for 4 GPUs; not trained by us yet. The modules and sizes are checked
against the published ones (docs/published_weights.md).
Score: none published for stage 1 alone; stage 2 says what both should reach.
"""

_base_ = [
    '../_base_/models/d2c_vae_video.py',
    '../_base_/datasets/skytimelapse_256.py',
    '../_base_/schedules/adamw_cosine_video.py',
    '../_base_/default_runtime.py',
]
