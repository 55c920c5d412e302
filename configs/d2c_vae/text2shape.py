"""Stage 1 on the chairs and tables of Text2Shape, sizes as published for ShapeNet.

    python tools/train.py configs/d2c_vae/text2shape.py

Data: ShapeNet in the Occupancy-Networks format and the captions' csv (docs/data.md).
Hardware and time: written for one GPU; not trained by us.
Score: none published for stage 1 alone; stage 2 says what both should reach.
"""

_base_ = [
    '../_base_/models/d2c_vae_triplane.py',
    '../_base_/datasets/text2shape.py',
    '../_base_/schedules/adamw_cosine_120k.py',
    '../_base_/default_runtime.py',
]
