"""Stage 1 on the 13 ShapeNet classes as published.

    python tools/train.py configs/d2c_vae/shapenet_13.py
    tools/dist_train.sh configs/d2c_vae/shapenet_13.py 4 --cfg-options train_cfg.max_iters=30000

The batch size is that of a process, so four processes need a quarter of the iterations.

Data: ShapeNet in the Occupancy-Networks format below data/ShapeNet (docs/data.md).
Hardware and time: written for 4 GPUs; not trained by us yet. The published length of a run is
stated for chairs only, so it is taken over in iterations.
Score: none published for stage 1 alone; stage 2 says what both should reach.
"""

_base_ = [
    '../_base_/models/d2c_vae_triplane.py',
    '../_base_/datasets/shapenet_13.py',
    '../_base_/schedules/adamw_cosine_120k.py',
    '../_base_/default_runtime.py',
]
