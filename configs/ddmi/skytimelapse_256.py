"""Both stages on SkyTimelapse: 16 frames of 256x256, as published.

    python tools/train.py configs/ddmi/skytimelapse_256.py
    tools/dist_train.sh configs/ddmi/skytimelapse_256.py 4 \\
        --cfg-options train_cfg.max_iters=375000 first_stage.train_cfg.max_iters=100000

The batch size is that of a process, so four processes need a quarter of the iterations.

Hardware and time: written for 4 GPUs; not trained by us yet: the modules and sizes are checked
against the published ones (docs/published_weights.md).
Score to reach (paper): FVD 66.25, with the published I3D weights (docs/evaluation.md).
"""

_base_ = [
    '../_base_/diffusion/ddpm_mixed_eps.py',
    '../_base_/denoisers/plane_unet_video.py',
    '../_base_/schedules/adamw_1e-4_video.py',
    '../_base_/default_runtime.py',
]
first_stage_config = 'd2c_vae/skytimelapse_256.py'
