"""Both stages on the 13 ShapeNet classes as published.

    python tools/train.py configs/ddmi/shapenet_13.py
    tools/dist_train.sh configs/ddmi/shapenet_13.py 4 --cfg-options train_cfg.max_iters=350000 \\
        first_stage.train_cfg.max_iters=30000

The batch size is that of a process, so four processes need a quarter of the iterations.

Hardware and time: written for 4 GPUs; not trained by us yet.
Score to reach (paper): MMD 1.3, COV 0.421.
"""

_base_ = [
    '../_base_/diffusion/ddpm_mixed_eps.py',
    '../_base_/denoisers/plane_unet_stacked.py',
    '../_base_/schedules/adamw_1e-4_1400k.py',
    '../_base_/default_runtime.py',
]
first_stage_config = 'd2c_vae/shapenet_13.py'
