"""Both stages on ShapeNet cars (SRN, 128 px) at the published widths.

    python tools/train.py configs/ddmi/srn_cars_128.py

The published stage 2 of radiance fields cannot run; the denoiser is that of its config.

Hardware and time: written for GPUs; not trained by us yet.
Score: none published (the paper shows pictures).
"""

_base_ = [
    '../_base_/diffusion/ddpm_mixed_eps.py',
    '../_base_/denoisers/plane_unet_stacked.py',
    '../_base_/schedules/adamw_1e-4_radiance.py',
    '../_base_/default_runtime.py',
]
first_stage_config = 'd2c_vae/srn_cars_128.py'
