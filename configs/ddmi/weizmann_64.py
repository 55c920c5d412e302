"""Both stages on 28 clips of human actions, 16 frames of 64x64.

    python tools/train.py configs/ddmi/weizmann_64.py

Hardware and time: one CPU core.
Score: stage 1 PSNR 29.2; stage 2 is not trained by us yet.
"""

_base_ = [
    '../_base_/diffusion/ddpm_v_small.py',
    '../_base_/denoisers/plane_unet_video_small.py',
    '../_base_/schedules/adamw_small.py',
    '../_base_/default_runtime.py',
]
first_stage_config = 'd2c_vae/weizmann_64.py'
train_dataloader = dict(batch_size=4)
train_cfg = dict(max_iters=3000)
