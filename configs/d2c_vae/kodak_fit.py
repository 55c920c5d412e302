"""One Kodak picture of 768x512, overfitted: how well can the architecture fit at that size?

The encoder sees it at half the size; the targets are spread over the whole picture.

    python tools/train.py configs/d2c_vae/kodak_fit.py

Hardware and time: one CPU core, about 35 minutes.
Score: PSNR 30.9, SSIM 0.840 at 768x512.
"""

_base_ = [
    '../_base_/models/d2c_vae_image_small.py',
    '../_base_/datasets/kodak_fit.py',
    '../_base_/schedules/adamw_cosine_small.py',
    '../_base_/default_runtime.py',
]
model = dict(
    latent_channels=64,
    # Stride 8: the attention of the middle blocks is over 48 x 32 tokens.
    layout=dict(axes=[dict(name='x', size=384), dict(name='y', size=256)], latent_stride=8),
    encoder=dict(channel_mult=(1, 2, 4, 8), z_channels=64),
    generator=dict(
        decoder=dict(base_channels=24, channel_mult=(1, 2, 4, 8), z_channels=64),
        readout=dict(width=48),
    ),
    losses=dict(recon=dict(reduction='mean')),
    kl_weight=None,  # nothing is to be generated
)
optim_wrapper = dict(clip_grad=dict(max_norm=1.0))
train_cfg = dict(max_iters=1400, val_interval=200)
default_hooks = dict(checkpoint=dict(interval=200), logger=dict(interval=10))
custom_hooks = []
