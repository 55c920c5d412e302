"""Both stages on procedural pictures: the embedded example of images.

    python tools/train.py configs/ddmi/procedural_image.py

Hardware and time: one CPU core beside other jobs, 15 minutes for stage 1 and 40 for stage 2.
Score: benchmarks/results/images.md; without downloads there are only numbers that compare with
nothing else.
"""

_base_ = [
    '../_base_/diffusion/ddpm_v_small.py',
    '../_base_/denoisers/plane_unet_small.py',
    '../_base_/schedules/adamw_small.py',
    '../_base_/default_runtime.py',
]
first_stage_config = 'd2c_vae/procedural_image.py'
latent_cache = dict(draws_per_item=2)  # each picture and its mirror
train_cfg = dict(max_iters=10_000)
