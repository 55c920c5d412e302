_base_ = [
    '../_base_/diffusion/ddpm_mixed_eps.py',
    '../_base_/denoisers/plane_unet_stacked.py',
    '../_base_/schedules/adamw_1e-4_1400k.py',
    '../_base_/default_runtime.py',
]
first_stage_config = 'd2c_vae/shapenet_chair.py'
