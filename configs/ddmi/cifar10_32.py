"""Both stages on CIFAR-10; the setting is ours.

    python tools/train.py configs/ddmi/cifar10_32.py

Hardware and time: one GPU; not trained by us yet.
Score: none known to us; FID at 32 px is what to report.
"""

_base_ = [
    '../_base_/diffusion/ddpm_v_small.py',
    '../_base_/denoisers/plane_unet_small.py',
    '../_base_/schedules/adamw_small.py',
    '../_base_/default_runtime.py',
]
first_stage_config = 'd2c_vae/cifar10_32.py'
latent_cache = dict(draws_per_item=2)  # each picture and its mirror
denoiser = dict(model_channels=128, channel_mult=(1, 2, 2), num_res_blocks=2, attention_rates=(2,))
train_dataloader = dict(batch_size=128)
optim_wrapper = dict(optimizer=dict(lr=2e-4))
train_cfg = dict(max_iters=400_000)
