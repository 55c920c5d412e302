"""One Kodak picture of 768x512, encoded and overfitted: how well can the architecture fit?

    python tools/train.py configs/d2c_vae/kodak_fit.py

Hardware and time: TBD
Score: TBD
"""

_base_ = [
    '../_base_/models/d2c_vae_image_small.py',
    '../_base_/datasets/kodak_fit.py',
    '../_base_/schedules/adamw_cosine_small.py',
    '../_base_/default_runtime.py',
]
model = dict(
    latent_channels=64,
    # Stride 8: the attention of the middle blocks is over 96 x 64 tokens.
    layout=dict(axes=[dict(name='x', size=768), dict(name='y', size=512)], latent_stride=8),
    encoder=dict(base_channels=8, channel_mult=(1, 2, 4, 8), z_channels=64),
    generator=dict(decoder=dict(base_channels=8, channel_mult=(1, 2, 4, 8), z_channels=64)),
    losses=dict(recon=dict(reduction='mean')),
    kl_weight=None,  # nothing is to be generated
)
train_cfg = dict(max_iters=250, val_interval=50)
optim_wrapper = dict(clip_grad=dict(max_norm=1.0))
default_hooks = dict(checkpoint=dict(interval=50), logger=dict(interval=10))
custom_hooks = []
