"""Both stages on 32 clips of skies, 16 frames of 64x64.

    python tools/train.py configs/ddmi/sky_64.py

Hardware and time: one CPU core, about an hour.
Score: benchmarks/results/clips.md; 32 clips are for trying the path.
"""

_base_ = [
    '../_base_/diffusion/ddpm_v_small.py',
    '../_base_/denoisers/plane_unet_video_small.py',
    '../_base_/schedules/adamw_small.py',
    '../_base_/default_runtime.py',
]
first_stage_config = 'd2c_vae/sky_64.py'
train_dataloader = dict(batch_size=4)
train_cfg = dict(max_iters=2000)
