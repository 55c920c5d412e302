"""Both stages on ShapeNet chairs as published.

    python tools/train.py configs/ddmi/shapenet_chair.py
    tools/dist_train.sh configs/ddmi/shapenet_chair.py 4 --cfg-options train_cfg.max_iters=350000 \\
        first_stage.train_cfg.max_iters=30000

The batch size is that of a process, so four processes need a quarter of the iterations.

Hardware and time: written for 4 GPUs; a user of the published code reports four days. Not trained
by us yet: the modules and sizes are checked against the published ones (docs/published_weights.md).
Score to reach (paper): MMD 1.5, COV 0.510.
"""

_base_ = [
    '../_base_/diffusion/ddpm_mixed_eps.py',
    '../_base_/denoisers/plane_unet_stacked.py',
    '../_base_/schedules/adamw_1e-4_1400k.py',
    '../_base_/default_runtime.py',
]
first_stage_config = 'd2c_vae/shapenet_chair.py'
