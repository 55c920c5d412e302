"""Both stages on CIFAR-10's cats and dogs.

    python tools/train.py configs/ddmi/catdog_32.py

Hardware and time: one CPU core, 28 minutes beside other jobs for stage 2.
Score: colors and textures, no animals (benchmarks/results/images.md).
"""

_base_ = [
    '../_base_/diffusion/ddpm_v_small.py',
    '../_base_/denoisers/plane_unet_small.py',
    '../_base_/schedules/adamw_small.py',
    '../_base_/default_runtime.py',
]
first_stage_config = 'd2c_vae/catdog_32.py'
latent_cache = dict(draws_per_item=2)  # each picture and its mirror
train_cfg = dict(max_iters=6000)
